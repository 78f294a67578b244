"""Formula weights of the transformers that DINOv2's detectors are, and files that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any

import torch
from formula import Rules, he_weights, sha256_of_weights, shapes_of
from golden import keys_sha256
from torch import Tensor, nn

RULES: Rules = {
    **dict.fromkeys(("cls_token", "reg_token", "pos_embed", "mask_token"), lambda z: 0.02 * z),
    "gamma": lambda z: 0.5 + 0.1 * z,
    "lora_A": lambda z: z / sqrt(z.shape[1]),
    "lora_B": lambda z: 0.1 * z,
}
"""What the golden numbers' formula adds for tokens, layer scales and low-rank adapters."""


def formula_weights(network: nn.Module, golden: Mapping[str, Any]) -> dict[str, Tensor]:
    """Draw a network's entries in its order, which has to be the published one; so have the numbers.

    Args:
        network: It may lie on the meta device.
        golden: A detector's `golden.modern`.
    """
    shapes = shapes_of(network)
    assert keys_sha256(shapes) == golden["keys"]
    weights = he_weights(shapes, RULES)
    assert sha256_of_weights(weights) == golden["golden"]["weights_sha256"]
    return weights


def write_checkpoint(path: Path, state: Mapping[str, Tensor]) -> Path:
    """Write a state dict as a training does: with an optimiser's state beside it."""
    optimizer = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4}]}
    torch.save({"model": dict(state), "optimizer": optimizer, "total_steps": 3}, path)
    return path
