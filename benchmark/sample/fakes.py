"""Makes fakes with trained generators: weights to networks, images to tensors and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .generators import FAMILIES, Generator

WEIGHTS = Path(__file__).parent / "weights"


def load_generator(family: str, folder: Path = WEIGHTS) -> Generator:
    """Make one family's trained generator, ready for use."""
    from safetensors.torch import load_file

    net = FAMILIES[family]()
    net.load_state_dict(load_file(folder / f"{family}.safetensors"))
    return net.eval()


def generate(generator: Generator, image: Image.Image, seed: int) -> Image.Image:
    """Make one fake with the content of an RGB image; a function of its arguments alone."""
    # A generator of its own: torch's global one would make a fake depend on what was drawn before.
    with torch.inference_mode():
        fake = generator(as_tensor([image]), torch.Generator().manual_seed(seed))[0]
    pixels = ((fake.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).numpy())


def as_tensor(images: list[Image.Image]) -> Tensor:
    """Stack RGB images of one size into float (n, 3, h, w) in [-1, 1]."""
    pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
