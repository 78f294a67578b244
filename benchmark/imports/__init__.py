"""Scores of other tools, made into cells like any detector's."""
