"""Detectors of this and other packages, and of single files: found, checked, loaded, and contained."""
