"""Cut what the tests of the papers' other detectors need out of the numbers of their official code.

python tests/golden/cut_baselines.py ../shared/golden2

writes ``baselines.json``: outputs of the networks, named as that set's README names them, and digests of the
lists of their weights.
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
NETWORKS = ("gram_resnet18", "fusing_patch5", "lnp_denoisenet")


def main(source: Path) -> None:
    full = json.loads((source / "networks.json").read_text())
    cut = {name: full[name] for name in NETWORKS}
    for name, section in cut.items():
        # Without spaces, as `golden.keys_sha256` writes its list.
        shapes = json.loads((source / f"{name}.json").read_text())
        section["keys"] = sha256(json.dumps(shapes, separators=(",", ":")).encode()).hexdigest()
    lines = [f"{json.dumps(name)}: {json.dumps(section)}" for name, section in cut.items()]
    (HERE / "baselines.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
