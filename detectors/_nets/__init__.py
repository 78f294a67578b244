"""Frozen networks that detectors need, equal in behaviour to the published ones."""
