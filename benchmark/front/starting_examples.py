"""What templates of detectors read until their users put something of their own in its place.

Libraries are imported where they are used: who starts a plain detector waits for none of them.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path


def convolutions(path: Path) -> None:
    """Write weights of one convolution, random filters without a mean: smooth images look generated."""
    import numpy as np
    from safetensors.numpy import save_file

    # RandomState's numbers are the same in every version of NumPy.
    filters = np.random.RandomState(0).normal(size=(8, 3, 5, 5))
    filters -= filters.mean((2, 3), keepdims=True)
    state = {"0.weight": filters, "0.bias": np.zeros(8)}
    state |= {"4.weight": np.full((1, 8), -0.2), "4.bias": np.full(1, 2.0)}
    save_file({name: values.astype(np.float32) for name, values in state.items()}, path)


def random_resnet(path: Path) -> None:
    """Write random weights, always the same, for timm's smallest ResNet with one output."""
    import timm
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model("test_resnet.r160_in1k", num_classes=1)
    save_file(network.state_dict(), path)


def colours(path: Path) -> None:
    """Write a graph whose one output is the mean of an image's colours, weighted."""
    path.write_bytes((files("forenbench") / "templates" / "colours.onnx").read_bytes())


def random_vit(folder: Path) -> None:
    """Write a tiny vision transformer with random weights, always the same, as transformers keeps models."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    labels = {0: "real", 1: "fake"}
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = ViTConfig(**size, image_size=32, patch_size=8, id2label=labels)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ViTForImageClassification(config)
    network.save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


def every_eighth(path: Path) -> None:
    """Write every eighth vector of the bank that comes with the sample dataset, of its family `nearest`."""
    from safetensors.numpy import load_file, save_file

    with as_file(files("forenbench.sample") / "weights" / "univfd_bank.safetensors") as whole:
        save_file({label: features[::8].copy() for label, features in load_file(whole).items()}, path)
