"""What golden tests of several detectors share: formula weights that take long to draw."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from formula import he_weights, in_openai_order, sha256_of_weights, shapes_of
from golden import NUMBERS, keys_sha256
from safetensors.torch import load_file, save_file
from torch import Tensor

from forenbench.detectors._nets.encoders import clip_tower


@pytest.fixture(scope="session")
def vit_l14_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Say where formula weights of CLIP ViT-L/14's image tower alone are, as people save it."""
    # The folder that pytest's processes have in common: one draws 300 million numbers, the others read them.
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    path = place / "vit_l14.safetensors"
    _drawn_once(path)
    return path


@pytest.fixture(scope="session")
def vit_l14(vit_l14_file: Path) -> dict[str, Tensor]:
    """Formula weights of CLIP ViT-L/14's image tower, under OpenAI's names and in their order; mapped."""
    return _drawn_once(vit_l14_file)


def _drawn_once(path: Path) -> dict[str, Tensor]:
    with torch.device("meta"):
        shapes = in_openai_order(shapes_of(clip_tower()))
    assert keys_sha256(shapes) == NUMBERS["keys"]["vit_l14_visual"]
    if not path.exists():
        state = he_weights(shapes)
        assert sha256_of_weights(state) == NUMBERS["weights"]["vit_l14_visual"]
        # Two processes may both come here: each renames a whole file into place.
        own = path.with_suffix(f".{os.getpid()}")
        save_file(state, own)
        own.replace(path)
    state = load_file(path)
    return {key: state[key] for key, _ in shapes}
