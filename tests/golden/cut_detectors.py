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
    clip = full["univfd"]["clip_vit_l14"]["images"]
    cut = {
        "weights": {Path(name).stem: one["sha256"] for name, one in full["weights"].items()},
        "keys": {Path(name).stem: sha256((source / name).read_bytes().translate(None, b" \n")).hexdigest()
                 for name in full["weights"]},
        "cnndetection": full["cnndetection"]["images"],
        "univfd": clip,
        "lgrad": {model: full["lgrad"][model]["images"] for model in ("stylegan", "pggan")},
        "wrong": full["wrong_variants"],
    }  # fmt: skip
    (HERE / "detectors.json").write_text(
        json.dumps(_without(cut, "float64", "logit_float64"), indent=1) + "\n"
    )
    for model, images in cut["lgrad"].items():
        names = [name for name in images if name not in PICTURES]
        strip = Image.new("RGB", (32 * len(names), 32))
        for k, name in enumerate(names):
            with Image.open(source / images[name]["stage_a"]["every8_png"]) as tile:
                strip.paste(tile, (32 * k, 0))
        strip.save(HERE / f"lgrad_{model}.png")


def _without(value: object, *names: str) -> object:
    if isinstance(value, dict):
        return {key: _without(inner, *names) for key, inner in value.items() if key not in names}
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
