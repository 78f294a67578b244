"""The official training recipes, as their papers and code have them (facts and sources: docs/training.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from forenbench.errors import BenchError

from .schedules import EarlyStopping, Schedule, StepDecay

KINDS = {"blur": (1, 0), "jpeg": (0, 1), "blur_jpg": (1, 1)}
"""What ``--aug KIND:P`` turns on: blur, JPEG."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Gaussian blur, then JPEG, drawn independently.

    Attributes:
        blur: Probability of a blur.
        jpeg: Probability of a JPEG compression.
        sigma: Of the blur, uniform between these.
        quality: Of the JPEG, a whole number, uniform between these, both included.
    """

    blur: float = 0.0
    jpeg: float = 0.0
    sigma: tuple[float, float] = (0.0, 3.0)
    quality: tuple[int, int] = (30, 100)

    @classmethod
    def parse(cls, text: str) -> Augmentation:
        """Read ``none``, ``blur:P``, ``jpeg:P`` or ``blur_jpg:P`` with a probability P.

        Raises:
            BenchError: It is none of these.
        """
        # One probability for both, where the official options
        # have two: the papers set them alike, or one to zero.
        kind, _, value = text.partition(":")
        if text == "none":
            return cls()
        try:
            probability = float(value)
        except ValueError:
            probability = math.nan
        if kind not in KINDS or not 0 <= probability <= 1:
            raise BenchError(
                f"augmentation '{text}' is none of none, blur:P, jpeg:P, blur_jpg:P with a probability P "
                "from 0 to 1"
            )
        blur, jpeg = KINDS[kind]
        return cls(blur * probability, jpeg * probability)

    def midpoint(self) -> Augmentation:
        """Return what validation images go through: the middle of each range, still with its probability.

        The official code draws here too, so its validation accuracy is random unless P is 0 or 1.
        """
        # `get_val_opt` in CNNDetection's train.py: sigma 1.5, and 65 for the quality, rounded down.
        sigma, quality = sum(self.sigma) / 2, int(sum(self.quality) / 2)
        return replace(self, sigma=(sigma, sigma), quality=(quality, quality))


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How a detector is trained.

    Attributes:
        rate: Learning rate at the start.
        batch: Images in a batch, over all processes together.
        epochs: At most.
        schedule: What happens to the rate, and when training ends.
        keep: Which epoch becomes the result: "best" (by what is watched, the first of equals), "last", or
            "official" (the last that early stopping called an improvement).
        official_keep: What the official code keeps, quirks included.
        optimiser: "adam", "adamw", "sgd" or "adadelta".
        betas: Of "adam" and "adamw".
        augmentation: Before the crop.
        resize: The picture's shorter side before it (bilinear; no change at that size); None: as it is.
        crop: Side of the square cut out: at random for training, from the centre for validation.
        flip: Probability of a mirror image.
        head_deviation: Of the normal distribution that the last layer's weights start from; its bias keeps
            PyTorch's uniform start.
        validate_every: Epochs between two validations, where there are validation images (and at the end).
        watch: What validation is judged by: "accuracy" (higher is better), "loss" (lower is) or "objective",
            the loss and the penalty that decay stands for, as Keras has them in one.
        momentum: Of "sgd", with as much dampening as `dampening` says.
        dampening: Of the momentum.
        decay: Weight decay: times a weight, what is added to its gradient ("adamw": taken from the weight).
        decayed: Which weights decay: "all", or "kernels", those of layers but no biases and no norms.
        eps: Of "adam" and "adamw", added to the root of the second moment.
        pairs: An epoch is pairs of a real image and a fake (see `forenbench.training.loader.paired`), not
            every image once.
    """

    rate: float
    batch: int
    epochs: int
    schedule: Schedule
    keep: str = "best"
    official_keep: str = "official"
    optimiser: str = "adam"
    betas: tuple[float, float] = (0.9, 0.999)
    augmentation: Augmentation = Augmentation()
    resize: int | None = 256
    crop: int = 224
    flip: float = 0.5
    head_deviation: float = 0.02
    validate_every: int = 1
    watch: str = "accuracy"
    momentum: float = 0.0
    dampening: float = 0.0
    decay: float = 0.0
    decayed: str = "all"
    eps: float = 1e-8
    pairs: bool = False


# Facts, their sources, and where official code differs from its paper: docs/training.md.
CNNDETECTION = TrainingRecipe(
    rate=1e-4,
    batch=64,
    epochs=10_000,  # `--niter`: in truth early stopping ends it
    schedule=EarlyStopping(),
    augmentation=Augmentation(blur=0.5, jpeg=0.5),
)
# What LGrad's train-detector.sh sets; its code's own defaults
# are others. Its code has blur and JPEG commented out.
LGRAD = TrainingRecipe(
    rate=5e-4,
    batch=16,
    epochs=100,
    schedule=StepDecay(),
    keep="last",
    official_keep="last",
    resize=None,  # the transformation model's own preparation squashes pictures to 256 x 256
    validate_every=10,  # the official code tests at each drop of the rate
)
# Nobody knows the authors' settings: LGrad's, on whole pictures, for a crop would be another spectrum.
BIHPF = replace(LGRAD, resize=256, crop=256)
# Blur and JPEG are on in UniversalFakeDetect's defaults, while CNNDetection's command sets them.
UNIVFD_LC = TrainingRecipe(
    rate=1e-4,
    batch=256,
    epochs=100,
    schedule=EarlyStopping(),
    official_keep="last",  # it saves each epoch as "best" before it validates
    optimiser="adamw",
    augmentation=Augmentation(blur=0.5, jpeg=0.5),
)
