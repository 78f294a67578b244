"""``bench show``: what detectors see, as pictures; and why images have no score."""

from __future__ import annotations

from .lazy import lazy_group

COMMANDS = {
    "errors": ("errors:errors", "Count the reasons why images have no score, each with one path."),
    "gradient": (
        "pictures:gradient",
        "Draw images beside their gradient pictures, as LGrad's Figure 1 does.",
    ),
    "cam": (
        "pictures:cam",
        "Draw where detectors find what they decide by (class activation maps), as in LGrad's Figure 3.",
    ),
    "patches": (
        "pictures:patches",
        "Draw what a detector says of each patch of an image (patch-forensics' heat maps).",
    ),
    "perturbation": (
        "perturbation_strip:perturbation",
        "Draw an image under several perturbations, side by side, with what was drawn at random.",
    ),
    "spectrum": (
        "spectrum:spectrum",
        "Draw the average spectra of high-pass filtered images, as CNNDetection's Figure 7 does.",
    ),
    "compression-map": (
        "compression_map:compression",
        "Draw a detector's artefact compression map, learned against it on fakes, as BiHPF has it.",
    ),
}

app = lazy_group(
    __package__, COMMANDS, help="Show what detectors see, as pictures, or why images have no score."
)
