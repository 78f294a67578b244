"""How the sample's classifiers of handmade features are fitted, on the same images as the other detectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from safetensors.torch import save_file

from forenbench.detectors._nets.fitted_classifiers import of_machine
from forenbench.detectors._nets.frank_networks import SMALL, SMALL_INPUT, classifier
from forenbench.detectors._nets.radial_spectrum import FEATURES

from .detectors import fit_probe, load_split


def fit_spectral(data: Path, out: Path) -> None:
    """Fit all of them on a built train split, and write their files.

    Args:
        data: Folder of the split.
        out: Where the files go.
    """
    images, labels, photographs = load_split(data)
    fit_frank(images, labels, photographs, out)
    fit_durall(images, labels, out)


def fit_frank(
    images: Sequence[Image], labels: NDArray[np.int_], photographs: Sequence[str], out: Path
) -> None:
    """Fit Frank et al.'s logistic regression to the central 64 pixels, and write ``frank.safetensors``.

    Args:
        images: RGB, of 64 pixels a side at least.
        labels: 0 = real, 1 = fake.
        photographs: What each image was cut from: the penalty is chosen on photographs that were left out.
        out: The folder.
    """
    numbers = torch.stack([SMALL_INPUT.exact(image) for image in images])
    mean, deviation = numbers.mean(0), numbers.std(0, correction=0)
    seen = ((numbers - mean) / deviation).flatten(1)
    weight, bias = fit_probe(seen.float().numpy(), labels, photographs)
    network = classifier("ridge", SMALL)
    network.fill(mean, deviation)
    state = {**network.state_dict(), "network.1.weight": weight, "network.1.bias": bias}
    # In half precision, for the file is part of the wheel.
    save_file({key: value.half().contiguous() for key, value in state.items()}, out / "frank.safetensors")


def fit_durall(images: Sequence[Image], labels: NDArray[np.int_], out: Path) -> None:
    """Fit Durall's machine to the radial spectra of whole images, and write ``durall.safetensors``.

    Args:
        images: RGB.
        labels: 0 = real, 1 = fake.
        out: The folder.
    """
    from sklearn.svm import SVC

    spectra = torch.stack([FEATURES["celeba"](image) for image in images]).numpy()
    # The authors' own settings for these features (`forenbench.training.durall`); nothing is searched for.
    machine = SVC(kernel="rbf", C=6.37, gamma=0.86).fit(spectra, labels)
    content = {name: value.float().contiguous() for name, value in of_machine(machine).items()}
    save_file(content, out / "durall.safetensors")
