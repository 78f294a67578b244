"""The papers that forenbench began with: their tables can be filled whole, and are run end to end."""

from __future__ import annotations

FIRST_PAPERS = [f"lgrad-{n}" for n in range(1, 7)]
FIRST_PAPERS += ["univfd-acc", "univfd-ap", "cnndetection", "cnndetection-fig2", "cnndetection-fig3"]
FIRST_PAPERS += ["cnndetection-readme"]
