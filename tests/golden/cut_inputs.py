"""Cut what the tests of images, perturbations and metrics need out of the full set of golden numbers.

python tests/golden/cut_inputs.py ../shared/golden

writes ``images.json``, ``perturbations.json`` and ``metrics.json``, fields named as that set's README does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(source: Path) -> None:
    full = json.loads((source / "golden.json").read_text())
    sections = {
        "images": full["images"],
        "perturbations": full["perturbations"],
        "metrics": full["metrics"]["cases"],
    }
    for name, section in sections.items():
        (HERE / f"{name}.json").write_text(json.dumps(section, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
