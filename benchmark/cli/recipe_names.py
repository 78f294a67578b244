"""What checkpoints of recipes are called: as the variants of the detectors that read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .console import split

if TYPE_CHECKING:
    from .training import Options

HORSES = {"horse": "1class", "chair,horse": "2class", "car,cat,chair,horse": "4class"}
"""The class settings of LGrad's paper."""

AUGMENTED = {
    "blur_jpg:0.5": "0.5",
    "blur_jpg:0.1": "0.1",
    "none": "no_aug",
    "blur:0.5": "blur_only",
    "jpeg:0.5": "jpeg_only",
}
"""The augmentations of CNNDetection's paper."""


def cnndetection_name(options: Options, aug: str) -> str:
    """Name a CNNDetection checkpoint as its detector's variants are."""
    classes = ",".join(sorted(split(options.classes)))
    if not classes:
        return f"cnndetection-{AUGMENTED.get(aug, aug.replace(':', '_'))}"
    number = len(split(classes))
    name = f"cnndetection-lgrad-{HORSES[classes]}" if classes in HORSES else f"cnndetection-{number}class"
    # The command's default goes without a word.
    return name if aug == "blur_jpg:0.5" else f"{name}-{AUGMENTED.get(aug, aug.replace(':', '_'))}"


def lgrad_name(options: Options, transformation: str) -> str:
    """Name an LGrad classifier as its detector's variants are."""
    classes = split(options.classes)
    ending = f"{len(classes)}class" if classes else Path(options.data).stem.removesuffix("-train")
    if options.limit:
        ending = f"{options.limit / 1000:g}k" if len(classes) == 1 else f"{ending}-{options.limit / 1000:g}k"
    # Only what is trained as the authors' may be called like their checkpoints (lgrad-4class).
    official = transformation == "stylegan-bedroom" and not options.limit and bool(classes)
    return f"lgrad-{ending}" if official else f"lgrad-{transformation}-{ending}"


def probe_name(backbone: str, *, end_to_end: bool) -> str:
    """Name a head on a backbone as UnivFD's variants are."""
    if end_to_end:
        return "univfd-finetuned" if backbone == "clip-vit-l14" else f"univfd-{backbone}-finetuned"
    return "univfd-lc-own" if backbone == "clip-vit-l14" else f"univfd-{backbone}-head"


def bank_name(backbone: str) -> str:
    """Name a bank of a backbone's features as UnivFD's variants are."""
    return "univfd-bank" if backbone == "clip-vit-l14" else f"univfd-{backbone}-bank"
