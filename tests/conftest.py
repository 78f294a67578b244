"""Settings for the whole suite."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("forenbench", deadline=None)  # a loaded machine is no defect
settings.load_profile("forenbench")
