"""The embedded dataset: photographs, small generators, and how both are made."""
