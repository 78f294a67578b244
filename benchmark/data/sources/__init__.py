"""Folders and archives that hold images."""
