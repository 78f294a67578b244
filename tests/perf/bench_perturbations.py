"""Ten perturbations of JPEGs of 1024², decoded and prepared: a reader against a plain loop with SciPy's blur.

The plain loop is what readers did before: each chain from its beginning, on the whole picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from io import BytesIO

import numpy as np
import torch
from formula_images import make_array
from measuring import alternately, ratio, scaled, title
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

from forenbench.detectors._nets.pixels import CLIP, IMAGENET, Preprocess
from forenbench.images import decode
from forenbench.perturbations import draw_generator, gaussian, parse
from forenbench.perturbations.chains import Chain
from forenbench.scoring.batches import ReadRequest
from forenbench.scoring.calls import prepared
from forenbench.scoring.preparing import Reader
from forenbench.testing import MemorySource
from forenbench.types import Perturbation

ROUNDS = 5
SIDE = 1024
TEN = (
    *("none", "jpeg:90", "jpeg:50", "blur:1", "blur:2", "resize:0.5", "crop:0.5", "noise:4"),
    *("jpeg:75+blur:1", "whatsapp"),
)
ALIKE = ("jpeg:75", "jpeg:75+blur:1", "jpeg:75+gray", "jpeg:75+resize:0.5")
CROP, WHOLE = Preprocess(IMAGENET, crop=224), Preprocess(CLIP, resize=224)


def scipy_blur(image: Image.Image, sigma: float) -> Image.Image:
    """Blur as readers did before."""
    return Image.fromarray(gaussian_filter(np.asarray(image), sigma, output=np.uint8, axes=(0, 1)))


def perturbed(perturbation: Perturbation, image: Image.Image, sha256: str) -> Image.Image:
    """Run a chain from its beginning, on the whole picture."""
    chain, draw = perturbation.apply, draw_generator(0, perturbation.name, sha256)
    assert isinstance(chain, Chain)
    for number, step in enumerate(chain.steps):
        blurs = step.kind.name == "blur"
        image = scipy_blur(image, step.value) if blurs else chain.step(number, image, draw)
    return image


def before(files: Sequence[bytes], names: Sequence[str], prepares: Sequence[Preprocess]) -> list[Tensor]:
    """Decode, perturb and prepare in a plain loop."""
    made = []
    for data in files:
        image, sha256 = decode(data), hashlib.sha256(data).hexdigest()
        for name in names:
            changed = perturbed(parse(name), image, sha256)
            made += [prepared(prepare, changed.copy()) for prepare in prepares]
    return made


def now(files: Sequence[bytes], names: Sequence[str], prepares: Sequence[Preprocess]) -> list[Tensor]:
    """Let a reader do it."""
    reader = Reader([MemorySource(files)], [parse(name) for name in names], prepares, seed=0)
    paths = tuple(str(number) for number in range(len(files)))
    every = tuple(range(len(prepares)))
    wanted = tuple((p, every) for p in range(len(names)))
    batch = reader[ReadRequest(0, paths, ("",) * len(paths), wanted)]
    rows = {
        (where, p, k): tensor
        for p, ks in wanted
        for k in ks
        for positions, stack in batch.tensors((p, k))
        for where, tensor in zip(positions, stack, strict=True)
    }
    return [rows[key] for key in sorted(rows)]


def compare(what: str, files: Sequence[bytes], names: Sequence[str], *prepares: Preprocess) -> None:
    """Print how many times as long the plain loop takes, and whether both make the same tensors."""
    pairs = zip(before(files, names, prepares), now(files, names, prepares), strict=True)
    same = all(torch.equal(one, other) for one, other in pairs)
    tasks = {one.__name__: partial(one, files, names, prepares) for one in (before, now)}
    seconds = alternately(ROUNDS, tasks)
    ratio(f"{what}: before / now{'' if same else ' (OTHER TENSORS)'}", seconds["before"], seconds["now"])


def photographs(number: int) -> list[bytes]:
    """Make JPEG files of smooth colours with noise."""
    files = []
    for seed in range(number):
        picture = Image.fromarray(make_array("rgb640x480", seed)).resize(
            (SIDE, SIDE), Image.Resampling.BICUBIC
        )
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())
    return files


def blurs(files: Sequence[bytes]) -> None:
    """Print what is gained of the blur alone, on pictures of several kinds."""
    (image, *_), white = map(decode, files), Image.new("RGB", (SIDE, SIDE), "white")
    noisy = parse("noise:4").apply(image, draw_generator(0, "", ""))
    for sigma in (1.0, 2.0, 4.0):
        for what, picture in (("smooth", image), ("with noise", noisy), ("white", white)):
            tasks = {one.__module__: partial(one, picture, sigma) for one in (scipy_blur, gaussian.blur)}
            before, now = alternately(ROUNDS, tasks).values()
            ratio(f"blur:{sigma}, picture {what}: SciPy / now", before, now)


def main() -> None:
    title(f"{len(TEN)} perturbations of JPEGs of {SIDE}²: decoded, perturbed, prepared")
    torch.set_num_threads(1)
    files = photographs(scaled(4))
    compare("a crop of 224", files, TEN, CROP)
    compare("the whole picture, made smaller", files, TEN, WHOLE)
    compare("both in one run", files, TEN, CROP, WHOLE)
    compare(f"the whole picture under {', '.join(ALIKE)}", files, ALIKE, WHOLE)
    blurs(files)


if __name__ == "__main__":
    main()
