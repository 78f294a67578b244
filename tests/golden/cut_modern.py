"""Cut what the tests of the detectors of 2020 to 2026 need out of the numbers of their official code.

python tests/golden/cut_modern.py ../shared/golden3 NAME …

writes ``modern/NAME.json`` from that detector's folder: each of its files of numbers, whole and by its name
(``golden``, ``golden_clip``, …), and of each list of keys (``keys``, ``keys_224``, …) the digest that
`golden.keys_sha256` makes.
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent


def main(source: Path, names: list[str]) -> None:
    for name in names:
        cut = {}
        for file in sorted((source / name).glob("*.json")):
            content = json.loads(file.read_text())
            # Without spaces, as `golden.keys_sha256` writes its list.
            text = json.dumps(content, separators=(",", ":"))
            cut[file.stem] = sha256(text.encode()).hexdigest() if "keys" in file.stem else content
        lines = [f"{json.dumps(key)}: {json.dumps(part)}" for key, part in cut.items()]
        (HERE / "modern").mkdir(exist_ok=True)
        (HERE / "modern" / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
