"""How the sample's classifiers of handmade features are trained, on the same images as the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from forenbench.detectors._nets.autogan_features import AutoGANView
from forenbench.detectors._nets.fitted_classifiers import of_machine
from forenbench.detectors._nets.frank_networks import SMALL, SMALL_INPUT, classifier
from forenbench.detectors._nets.pixel_pairs import adjacent, generated, small_pair_network
from forenbench.detectors._nets.radial_spectrum import FEATURES
from forenbench.detectors._nets.small import small_spectrum_resnet

from .detectors import ClassifierRecipe, Report, TrainSplit, fit_probe, save_half, train_classifier

AUTOGAN_EPOCHS, COOCCURRENCE_EPOCHS = 5, 20
BRIGHTER = 64  # levels at most, or darker


def train_handmade(split: TrainSplit, out: Path, report: Report) -> None:
    """Train all of them, and write their files.

    Args:
        split: What they learn from.
        out: Where the files go.
        report: Told of each step of a network; the others are fitted in one go.
    """
    fit_frank(split, out)
    fit_durall(split, out)
    for recipe in (autogan(split.images), cooccurrence(split.images)):
        save_half(train_classifier(recipe, split.labels, report), out / f"{recipe.name}.safetensors")


def autogan(images: Sequence[Image.Image]) -> ClassifierRecipe:
    """Say how AutoGAN's network is trained: on spectra as they are, which are computed once."""
    spectra = torch.stack([AutoGANView("fft")(image) for image in images])
    return ClassifierRecipe(
        "autogan",
        small_spectrum_resnet,
        lambda chosen, random: spectra[torch.from_numpy(chosen)],
        AUTOGAN_EPOCHS,
        # The first class is "generated", as in AutoGAN's code.
        lambda classes: classes[:, 0] - classes[:, 1],
    )


def cooccurrence(images: Sequence[Image.Image]) -> ClassifierRecipe:
    """Say how the network on pairs is trained: on images whose colours are changed at random."""

    def build() -> nn.Module:
        # Four channels take a quarter of the time in this order.
        return small_pair_network().to(memory_format=torch.channels_last)

    def show(chosen: NDArray[np.int_], random: np.random.Generator) -> Tensor:
        pairs = torch.stack([adjacent(recoloured(images[i], random)) for i in chosen])
        return pairs.contiguous(memory_format=torch.channels_last)

    return ClassifierRecipe("cooccurrence", build, show, COOCCURRENCE_EPOCHS, generated)


def recoloured(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Mirror an image, make a negative of it, shuffle its channels and change its brightness, at random.

    Pairs of values are where an image has its colours, and six photographs do not hold those of the others;
    what a generator leaves behind lies in the differences of neighbours, which all of this keeps.
    """
    levels = np.asarray(image).astype(np.int16)[:, :: random.choice([-1, 1]), random.permutation(3)]
    if random.random() < 0.5:
        levels = 255 - levels
    levels = levels + random.integers(-BRIGHTER, BRIGHTER + 1)
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def fit_frank(split: TrainSplit, out: Path) -> None:
    """Fit Frank et al.'s logistic regression to the central 64 pixels, and write ``frank.safetensors``.

    Args:
        split: Images of 64 pixels a side at least.
        out: The folder.
    """
    numbers = torch.stack([SMALL_INPUT.exact(image) for image in split.images])
    mean, deviation = numbers.mean(0), numbers.std(0, correction=0)
    seen = ((numbers - mean) / deviation).flatten(1)
    weight, bias = fit_probe(seen.float().numpy(), split.labels, split.photographs)
    network = classifier("ridge", SMALL)
    network.fill(mean, deviation)
    network.load_state_dict({**network.state_dict(), "network.1.weight": weight, "network.1.bias": bias})
    save_half(network, out / "frank.safetensors")


def fit_durall(split: TrainSplit, out: Path) -> None:
    """Fit Durall's machine to the radial spectra of whole images, and write ``durall.safetensors``.

    Args:
        split: What it learns from.
        out: The folder.
    """
    from sklearn.svm import SVC

    spectra = torch.stack([FEATURES["celeba"](image) for image in split.images]).numpy()
    # The authors' own settings for these features (`forenbench.training.durall`); nothing is searched for.
    machine = SVC(kernel="rbf", C=6.37, gamma=0.86).fit(spectra, split.labels)
    content = {name: value.float().contiguous() for name, value in of_machine(machine).items()}
    save_file(content, out / "durall.safetensors")
