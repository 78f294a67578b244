"""Detectors whose official logits are known, on weights made by formula: what the GPU check compares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from formula import clip_weights, freqnet_weights, gan_weights, he_weights, shapes_of
from formula_images import write_image
from golden import NUMBERS, card, modern
from torch import Tensor, nn

import forenbench
from forenbench.detectors._nets.encoders import clip_tower
from forenbench.detectors._nets.frequency_network import FrequencyNetwork
from forenbench.detectors._nets.gan_discriminators import stylegan_256
from forenbench.detectors._nets.ladeda_network import LaDeDaNetwork
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixel_residuals import ShortResNet

PICTURES = ("rgb180x200", "rgb301x257", "jpeg256")
"""Formula images that every case has official numbers of: too small for a crop, of odd sides, and a JPEG."""
PRECISIONS = ("fp32", "tf32", "bf16")


@dataclass(frozen=True)
class File:
    """A checkpoint by formula.

    Attributes:
        build: Makes the network unfilled.
        fill: Draws its entries.
        key: What they lie under in the file; empty: nothing.
    """

    build: Callable[[], nn.Module]
    fill: Callable[[Iterable[tuple[str, tuple[int, ...]]]], Mapping[str, Tensor]] = he_weights
    key: str = ""

    def write(self, path: Path) -> Path:
        """Draw it, once, and write it."""
        if not path.exists():
            with torch.device("meta"):
                shapes = shapes_of(self.build())
            state = dict(self.fill(shapes))
            torch.save({self.key: state} if self.key else state, path)
        return path


@dataclass(frozen=True)
class Official:
    """A detector and its official logits.

    Attributes:
        detector: Its name.
        files: What it reads, by checkpoint.
        logit: The official one, by picture.
        within: How far float32 may be off. The golden tests' bounds are of one kind of processor; a GPU adds
            in another order.
    """

    detector: str
    files: Mapping[str, File]
    logit: Callable[[str], float]
    within: float = 1e-4

    def write(self, folder: Path) -> dict[str, Path]:
        """Write its checkpoints where `folder` has none yet; return them by name."""
        folder.mkdir(exist_ok=True)
        return {name: file.write(folder / f"{name}.pth") for name, file in self.files.items()}


def _modern(name: str, *path: str) -> Callable[[str], float]:
    def logit(picture: str) -> float:
        found: Any = modern(name)["golden"]
        for key in (*path, picture):
            found = found[key]
        return float(found["logit"] if "logit" in found else found["logits"][1] - found["logits"][0])

    return logit


_RESNET = File(resnet_50)
CASES = {
    one.detector: one
    for one in (
        Official(
            "npr:squash256",
            {"npr": File(partial(ShortResNet, 1))},
            _modern("npr", "variants", "squash256"),
        ),
        Official(
            "cnndetection:blur_jpg_prob0.5",
            {"cnndetection-0.5": File(resnet_50, key="model")},
            lambda picture: float(NUMBERS["cnndetection"][picture]["crop224"]["logit"]),
        ),
        Official(
            "safe:crop256",
            {"safe": File(partial(ShortResNet, 2), key="model")},
            _modern("safe", "variants", "crop256"),
        ),
        Official(
            "freqnet:squash256",
            {"freqnet": File(FrequencyNetwork, freqnet_weights)},
            _modern("freqnet", "variants", "squash256"),
        ),
        Official(
            "ladeda:wildrf",
            {"ladeda-wildrf": File(LaDeDaNetwork)},
            _modern("ladeda", "images"),
        ),
        Official(
            "lgrad:stylegan-bedroom",
            {"stylegan-bedroom": File(stylegan_256, gan_weights), "lgrad-4class": _RESNET},
            lambda picture: float(NUMBERS["lgrad"]["stylegan"][picture]["stage_b"]["logit"]),
            100 * card("lgrad").within,  # a picture's levels change with the processor, see the golden tests
        ),
        Official(
            "univfd:lc",
            {
                "clip-vit-l14": File(clip_tower, clip_weights),
                "univfd-head": File(partial(nn.Linear, 768, 1)),
            },
            lambda picture: float(NUMBERS["univfd"][picture]["formula_head"]["logit"]),
        ),
    )
}
"""By detector."""


def write_pictures(folder: Path, names: Iterable[str] = PICTURES) -> Path:
    """Write formula images as a dataset: the first as a real, the others as fakes."""
    for number, name in enumerate(names):
        place = folder / "formula" / ("1_fake" if number else "0_real")
        place.mkdir(parents=True, exist_ok=True)
        write_image(name, place)
    return folder


def deviations(
    case: Official, pictures: Path, root: Path, device: str, precisions: Iterable[str] = PRECISIONS
) -> dict[str, float]:
    """Score pictures as a user would, and return how far logits are off the official ones at most.

    Args:
        case: Of which detector.
        pictures: As `write_pictures` makes them.
        root: Where weights and runs go.
        device: Of torch.
        precisions: Of the run.

    Returns:
        The largest deviation of a logit, by precision.

    Raises:
        ValueError: A picture has no score.
    """
    weights, found = case.write(root / "weights"), {}
    for precision in precisions:
        rows = forenbench.evaluate(
            case.detector,
            pictures,
            out=root / f"parity-{case.detector.replace(':', '-')}-{precision}",
            progress=False,
            weights=weights,
            unverified=True,
            device=device,
            precision=precision,
            readers=0,
            feature_cache="0",
        ).rows()
        lost = [error for status, error in zip(rows["status"], rows["error"], strict=True) if status != "ok"]
        if lost:
            raise ValueError(f"{precision}: {len(lost)} of {len(rows)} pictures have no score: {lost[0]}")
        found[precision] = max(
            abs(logit - case.logit(Path(path).stem))
            for path, logit in zip(rows["path"], rows["logit"], strict=True)
        )
    return found
