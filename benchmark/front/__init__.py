"""The front door for Python, and what it shares with the command line."""
