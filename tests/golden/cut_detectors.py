"""Cut what the detector tests need out of the full set of golden numbers.

python tests/golden/cut_detectors.py ../shared/golden

writes ``detectors.json`` (outputs of the official code; it names the fields as that set's README does) and
``lgrad_{stylegan,pggan}.png`` (every eighth pixel of the official gradient pictures, side by side).
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
PICTURES = ("real", "fake")


def main(source: Path) -> None:
    full = json.loads((source / "golden.json").read_text())
    cut = {
        "weights": {Path(name).stem: one["sha256"] for name, one in full["weights"].items()},
        "keys": {Path(name).stem: sha256((source / name).read_bytes().translate(None, b" \n")).hexdigest()
                 for name in full["weights"]},
        "cnndetection": full["cnndetection"]["images"],
        "univfd": full["univfd"]["clip_vit_l14"]["images"],
        "univfd_imagenet_resnet50": full["univfd"]["imagenet_resnet50"]["images"],
        "lgrad": {model: full["lgrad"][model]["images"] for model in ("stylegan", "pggan")},
        "wrong": full["wrong_variants"],
    }  # fmt: skip
    lines = [f"{json.dumps(name)}: {json.dumps(section)}" for name, section in cut.items()]
    (HERE / "detectors.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    for model, images in cut["lgrad"].items():
        names = [name for name in images if name not in PICTURES]
        strip = Image.new("RGB", (32 * len(names), 32))
        for k, name in enumerate(names):
            with Image.open(source / images[name]["stage_a"]["every8_png"]) as tile:
                strip.paste(tile, (32 * k, 0))
        strip.save(HERE / f"lgrad_{model}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
