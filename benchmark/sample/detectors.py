"""How the sample's classifiers of pictures are trained: on the `nearest` family's train split only.

Those of handmade features are in `forenbench.sample.handmade`. The recipes follow the papers where the size
of the data allows it: LGrad's batch of 16, random crop and flip (of 128 pixels, for speed; the networks judge
whole pictures); CNNDetection's blur and JPEG with probability 0.1; for UnivFD no augmentation, so that
features are computed once. Nothing here ever sees a test photograph; the probe's strength is chosen by
cross-validation over train photographs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchvision.transforms import functional

from forenbench.data.sources.folder import find_samples
from forenbench.detectors._nets.encoders import efficientnet_lite0
from forenbench.detectors._nets.gradients import gradient_images
from forenbench.detectors._nets.pixel_pairs import generated
from forenbench.detectors._nets.pixels import IMAGENET, SYMMETRIC, normalise
from forenbench.detectors._nets.small import small_discriminator, small_resnet
from forenbench.draws import Draw
from forenbench.files.threads import one_thread
from forenbench.perturbations import parse
from forenbench.weights import Weights

SEED = 1
EPOCHS, BATCH, CROP = 20, 16, 128
RATE = 1e-3
AUGMENTED = 0.1  # probability of blur, and independently of JPEG (CNNDetection's weaker setting)

Report = Callable[[str, int, int, Mapping[str, float]], None]
"""Called with detector, step, steps and the loss of that step."""

Augment = Callable[[Tensor, np.random.Generator], Tensor]
Show = Callable[[NDArray[np.int_], np.random.Generator], Tensor]
"""From the numbers of some images to the batch that a network sees of them."""


@dataclass(frozen=True, slots=True)
class TrainSplit:
    """A built train split in memory.

    Attributes:
        images: RGB.
        labels: 0 = real, 1 = fake.
        photographs: What each image was cut from.
    """

    images: Sequence[Image.Image]
    labels: NDArray[np.int_]
    photographs: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClassifierRecipe:
    """How one network is trained, in batches of `BATCH`.

    Attributes:
        name: What progress is reported under.
        build: Makes it untrained.
        show: Makes batches.
        epochs: How often it sees every image.
        logit: From its output to that of "generated", (n,).
    """

    name: str
    build: Callable[[], nn.Module]
    show: Show
    epochs: int
    logit: Callable[[Tensor], Tensor]


def train_detectors(split: TrainSplit, out: Path, report: Report) -> None:
    """Train the detectors that see pictures, and write their files.

    Args:
        split: What they learn from.
        out: Where `nearest_discriminator.safetensors` is, and the detectors' files go.
        report: Told of each step.
    """
    images, labels = split.images, split.labels
    pixels = torch.stack([functional.pil_to_tensor(image) for image in images])

    discriminator = small_discriminator()
    discriminator.load_state_dict(load_file(out / "nearest_discriminator.safetensors"))
    gradients = torch.cat(
        [gradient_images(discriminator, normalise(part, SYMMETRIC)) for part in torch.split(pixels, BATCH)]
    )
    for name, show in (("lgrad", crops(gradients, as_is)), ("cnndetection", crops(pixels, blur_or_jpeg))):
        recipe = ClassifierRecipe(name, small_resnet, show, EPOCHS, generated)
        save_half(train_classifier(recipe, labels, report), out / f"{name}.safetensors")

    encoder = efficientnet_lite0(Weights("sample"))
    with torch.no_grad():
        # One by one: the last bits of features depend on how many images are in a batch.
        features = torch.cat([encoder.encode(encoder.prepare(image)[None]) for image in images])
    weight, bias = fit_probe(features.numpy(), labels, split.photographs)
    save_file({"weight": weight, "bias": bias}, out / "univfd_lc.safetensors")
    # In half precision, for the files are part of the wheel.
    is_fake = torch.as_tensor(labels == 1)
    banks = {"real": features[~is_fake].half(), "fake": features[is_fake].half()}
    save_file(banks, out / "univfd_bank.safetensors")


def load_split(data: Path) -> TrainSplit:
    """Load a built split, ``<family>/{0_real,1_fake}/<photograph>_<number>.png``."""
    samples = find_samples(data).samples
    images = [Image.open(data / sample.path).convert("RGB") for sample in samples]
    labels = np.array([sample.label for sample in samples])
    return TrainSplit(images, labels, [Path(sample.path).stem.rpartition("_")[0] for sample in samples])


def train_classifier(recipe: ClassifierRecipe, labels: NDArray[np.int_], report: Report) -> nn.Module:
    """Train a network from nothing; seeded."""
    # fork_rng: the caller's own random numbers go on as if nothing had been trained.
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        network = recipe.build()
    random = np.random.default_rng(SEED)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    each = len(labels) // BATCH
    steps = recipe.epochs * each
    decay = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps)
    for step in range(steps):
        if step % each == 0:
            order = random.permutation(len(labels))
        chosen = order[step % each * BATCH :][:BATCH]
        loss = F.binary_cross_entropy_with_logits(
            recipe.logit(network(recipe.show(chosen, random))),
            torch.as_tensor(labels[chosen], dtype=torch.float32),
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        decay.step()
        report(recipe.name, step + 1, steps, {"loss": float(loss.detach())})
    return network.eval()


def crops(pictures: Tensor, augment: Augment) -> Show:
    """Show random crops of 8-bit pictures (n, 3, H, W), every second one mirrored, normalised."""

    def show(chosen: NDArray[np.int_], random: np.random.Generator) -> Tensor:
        batch = torch.empty(len(chosen), 3, CROP, CROP, dtype=torch.uint8)
        for row, picture in enumerate(augment(pictures[i], random) for i in chosen):
            top, left = random.integers(0, [side - CROP + 1 for side in picture.shape[1:]])
            cropped = picture[:, top : top + CROP, left : left + CROP]
            batch[row] = cropped.flip(2) if random.random() < 0.5 else cropped
        return normalise(batch, IMAGENET)

    return show


def blur_or_jpeg(picture: Tensor, random: np.random.Generator) -> Tensor:
    """Blur (sigma 0 to 3) and re-encode (quality 30 to 100), each with probability `AUGMENTED`."""
    steps = []
    if random.random() < AUGMENTED:
        steps.append(f"blur:{random.uniform(0.01, 3):.3f}")
    if random.random() < AUGMENTED:
        steps.append(f"jpeg:{random.integers(30, 101)}")
    if not steps:
        return picture
    image = parse("+".join(steps)).apply(functional.to_pil_image(picture), Draw(random))
    changed: Tensor = functional.pil_to_tensor(image)
    return changed


def as_is(picture: Tensor, random: np.random.Generator) -> Tensor:
    """Augment nothing, as LGrad's official code does."""
    return picture


def fit_probe(
    features: NDArray[np.float32], labels: NDArray[np.int_], groups: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """Fit a logistic regression; its strength is chosen by cross-validation that leaves photographs out.

    Returns:
        Weight (1, d) and bias (1,), for features as they are.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    search = GridSearchCV(
        LogisticRegression(max_iter=2000),
        {"C": np.logspace(-5, 0, 6)},
        scoring="average_precision",
        # Crops of one photograph in fit and test would choose the strength that knows photographs by heart.
        cv=GroupKFold(len(set(groups))),
    )
    with one_thread(when=True):  # some hundred images
        probe = search.fit(scaler.transform(features), labels, groups=groups).best_estimator_
    # The standardisation goes into weight and bias: the detector gets features as they are.
    weight = probe.coef_ / scaler.scale_
    bias = probe.intercept_ - weight @ scaler.mean_
    return torch.tensor(weight, dtype=torch.float32), torch.tensor(bias, dtype=torch.float32)


def save_half(network: nn.Module, path: Path) -> None:
    """Write a state dict in half precision, whole numbers as they are."""
    # Half is enough, and these files are part of the wheel.
    state = {name: v.half() if v.is_floating_point() else v for name, v in network.state_dict().items()}
    save_file({name: value.contiguous() for name, value in state.items()}, path)
