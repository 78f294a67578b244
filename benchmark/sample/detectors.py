"""How the detectors of the `sample` checkpoints are trained: on the `nearest` family's train split only.

The recipes follow the papers where the size of the data allows it: LGrad's batch of 16, random crop and flip
(of 128 pixels, for speed; the networks judge whole pictures); CNNDetection's blur and JPEG with probability
0.1; for UnivFD no augmentation, so that features are computed once. Nothing here ever sees a test photograph;
the probe's strength is chosen by cross-validation over train photographs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from forenbench.detectors._nets.pixels import IMAGENET, SYMMETRIC, normalise
from forenbench.detectors._nets.small import small_discriminator, small_resnet
from forenbench.draws import Draw
from forenbench.perturbations import parse
from forenbench.weights import Weights

SEED = 1
EPOCHS, BATCH, CROP = 20, 16, 128
RATE = 1e-3
AUGMENTED = 0.1  # probability of blur, and independently of JPEG (CNNDetection's weaker setting)

Report = Callable[[str, int, int, Mapping[str, float]], None]
"""Called with detector, step, steps and the loss of that step."""

Augment = Callable[[Tensor, np.random.Generator], Tensor]


def train_detectors(data: Path, out: Path, report: Report) -> None:
    """Train every sample detector on a built train split and write its files.

    Args:
        data: Folder of the split, ``<family>/{0_real,1_fake}/<photograph>_<number>.png``.
        out: Where `nearest_discriminator.safetensors` is, and the detectors' files go.
        report: Told of each step.
    """
    images, labels, photographs = load_split(data)
    pixels = torch.stack([functional.pil_to_tensor(image) for image in images])

    discriminator = small_discriminator()
    discriminator.load_state_dict(load_file(out / "nearest_discriminator.safetensors"))
    gradients = torch.cat(
        [gradient_images(discriminator, normalise(part, SYMMETRIC)) for part in torch.split(pixels, BATCH)]
    )
    _save(train_classifier("lgrad", gradients, labels, as_is, report), out / "lgrad.safetensors")
    classifier = train_classifier("cnndetection", pixels, labels, blur_or_jpeg, report)
    _save(classifier, out / "cnndetection.safetensors")

    encoder = efficientnet_lite0(Weights("sample"))
    with torch.no_grad():
        # One by one: the last bits of features depend on how many images are in a batch.
        features = torch.cat([encoder.encode(encoder.prepare(image)[None]) for image in images])
    weight, bias = fit_probe(features.numpy(), labels, photographs)
    save_file({"weight": weight, "bias": bias}, out / "univfd_lc.safetensors")
    # In half precision, for the files are part of the wheel.
    is_fake = torch.as_tensor(labels == 1)
    banks = {"real": features[~is_fake].half(), "fake": features[is_fake].half()}
    save_file(banks, out / "univfd_bank.safetensors")


def load_split(data: Path) -> tuple[list[Image.Image], NDArray[np.int_], list[str]]:
    """Load a built split: RGB images, their labels (1 = fake), and the photograph that each was cut from."""
    samples = find_samples(data).samples
    images = [Image.open(data / sample.path).convert("RGB") for sample in samples]
    labels = np.array([sample.label for sample in samples])
    return images, labels, [Path(sample.path).stem.rpartition("_")[0] for sample in samples]


def train_classifier(
    name: str, pictures: Tensor, labels: NDArray[np.int_], augment: Augment, report: Report
) -> nn.Module:
    """Train `small_resnet` from nothing on 8-bit pictures (n, 3, H, W); seeded."""
    # fork_rng: the caller's own random numbers go on as if nothing had been trained.
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        network = small_resnet()
    random = np.random.default_rng(SEED)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    steps = EPOCHS * (len(labels) // BATCH)
    decay = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps)
    for step in range(steps):
        if step % (len(labels) // BATCH) == 0:
            order = random.permutation(len(labels))
        chosen = order[(step * BATCH) % (len(labels) // BATCH * BATCH) :][:BATCH]
        batch = torch.empty(BATCH, 3, CROP, CROP, dtype=torch.uint8)
        for row, picture in enumerate(augment(pictures[i], random) for i in chosen):
            top, left = random.integers(0, [side - CROP + 1 for side in picture.shape[1:]])
            cropped = picture[:, top : top + CROP, left : left + CROP]
            batch[row] = cropped.flip(2) if random.random() < 0.5 else cropped
        logits = network(normalise(batch, IMAGENET)).squeeze(1)
        loss = F.binary_cross_entropy_with_logits(
            logits, torch.as_tensor(labels[chosen], dtype=torch.float32)
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        decay.step()
        report(name, step + 1, steps, {"loss": float(loss.detach())})
    return network.eval()


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
    probe = search.fit(scaler.transform(features), labels, groups=groups).best_estimator_
    # The standardisation goes into weight and bias: the detector gets features as they are.
    weight = probe.coef_ / scaler.scale_
    bias = probe.intercept_ - weight @ scaler.mean_
    return torch.tensor(weight, dtype=torch.float32), torch.tensor(bias, dtype=torch.float32)


def _save(network: nn.Module, path: Path) -> None:
    """Write a state dict in half precision, whole numbers as they are."""
    state = network.state_dict()
    save_file({name: v.half() if v.is_floating_point() else v for name, v in state.items()}, path)
