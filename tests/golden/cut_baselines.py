"""Cut what the tests of the papers' other detectors need out of the numbers of their official code.

python tests/golden/cut_baselines.py ../shared/golden2

writes ``baselines.json``: outputs of the networks, named as that set's README names them, and digests of the
lists of their weights; and ``features.json``: what official code makes of pictures before any network.
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def main(source: Path) -> None:
    networks = json.loads((source / "networks.json").read_text())
    for name, section in networks.items():
        # Without spaces, as `golden.keys_sha256` writes its list.
        shapes = json.loads((source / f"{name}.json").read_text())
        section["keys"] = sha256(json.dumps(shapes, separators=(",", ":")).encode()).hexdigest()
    write("baselines.json", networks)
    write("features.json", json.loads((source / "features.json").read_text()))


def write(name: str, content: dict[str, Any]) -> None:
    """Write a line a section."""
    lines = [f"{json.dumps(name)}: {json.dumps(section)}" for name, section in content.items()]
    (HERE / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
