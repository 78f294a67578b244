"""forenbench: run detectors of generated images over test sets and perturbations, one row per image."""

__version__ = "0.1.0"
