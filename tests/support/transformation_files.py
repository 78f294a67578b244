"""Files of LGrad's transformation models as they are published, filled by formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod, sqrt
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from forenbench.detectors._nets.transformations import TRANSFORMATIONS, Pretrained


def pretrained(name: str) -> Pretrained:
    """Return the model of a transformation that has a file."""
    model = TRANSFORMATIONS[name].model
    assert isinstance(model, Pretrained)
    return model


def write_file(name: str, folder: Path) -> Path:
    """Write the file of one transformation model in the format and under the name it is published with."""
    model = pretrained(name)
    path, state = folder / model.checkpoint.file, filled(model.build)
    if path.suffix == ".safetensors":
        whole = {f"visual.{key}": value for key, value in state.items()}
        save_file(whole | {"logit_scale": torch.zeros(())}, path)
    elif "under 'discriminator'" in model.checkpoint.format and name != "stylegan-bedroom":
        torch.save({"generator": {}, "discriminator": state, "generator_smooth": {}}, path)
    else:
        torch.save(dict(state), path)
    return path


def filled(build: Callable[[], nn.Module]) -> Mapping[str, Tensor]:
    """Fill a network in He's manner, fast: normal weights that keep deep activations in range, no biases."""
    torch.manual_seed(0)
    return {key: _fill(key, value) for key, value in build().state_dict().items()}


def _fill(key: str, value: Tensor) -> Tensor:
    if key.endswith(("num_batches_tracked", "kernel", "running_var")):
        return value  # as the network has them of itself
    if value.ndim < 2:
        return value.fill_((0.25 if "bn3" in key else 1) if key.endswith("weight") else 0)
    return value.normal_(std=sqrt(2 / prod(value.shape[1:])))
