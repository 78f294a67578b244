"""Recipes that re-train the published detectors."""
