"""``timm:NAME+head=FILE``: a backbone of timm's with its published weights, and one's own linear head."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from forenbench.errors import BenchError
from forenbench.files.regular import irregular
from forenbench.registry.guests import reason
from forenbench.types import OWN, UNVERIFIED, LogitDetector
from forenbench.weights import Checkpoint, MissingWeights, Weights, WrongWeights, load_strict
from forenbench.weights.unwrapping import holds, unwrap
from forenbench.weights.weight_files import describe, read

from .fake_labels import fake_classes, log_odds
from .model_requests import ModelRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from torch import Tensor

_FILES = ("model.safetensors", "pytorch_model.bin")
"""What timm calls its files on the hub, in the order in which it looks for them."""


class TimmHead(LogitDetector):
    """A linear layer on the features that a backbone has before its classifier.

    Heads on one backbone share its pass. A head's file holds `weight` (1 or 2, width) and perhaps `bias`, as
    ``bench train probe`` writes it.
    """

    threshold = 0.5
    parse: ClassVar = partial(ModelRequest.of, files=("head", "weights"), options=("fake",))

    def __init__(self, request: str, weights: Weights) -> None:
        asked = self.parse(request)
        if "head" not in asked.files:
            raise BenchError(f"'{request}' names no head: 'timm:{asked.model}+head=FILE'")
        file = asked.files.get("weights", "")
        self.encoder = weights.shared(
            f"timm {asked.model} {file}", lambda: _backbone(weights, asked.model, file, request)
        )
        self.prepare = self.encoder.prepare
        path = Path(asked.files["head"])
        self.head = _head(weights, path, self.encoder.width, request)
        labels = {number: f"output {number}" for number in range(self.head.out_features)}
        alone = ("0",) if len(labels) == 1 else ()
        self.fakes = fake_classes(labels, asked.options.get("fake", alone), request)
        self.name = f"timm:{asked.model}+{path.stem}"
        self.version = f"1, {self.encoder.input}, generated: {self.fakes[0]} of {len(labels)}"

    def logit(self, batch: Tensor) -> Tensor:
        """Map features (n, width) to logits (n,)."""
        return log_odds(self.head(batch), self.fakes)


@dataclass(frozen=True, eq=False)
class TimmBackbone:
    """A frozen network of timm's; a `forenbench.types.Encoder`.

    Attributes:
        network: Maps n prepared images to features (n, width).
        prepare: timm's own transformation for these weights.
        width: Of its features.
        input: What `prepare` does, in words.
        identity: What its features are.
    """

    network: nn.Module
    prepare: Callable[[Image], Tensor]
    width: int
    input: str
    identity: str

    def encode(self, batch: Tensor) -> Tensor:
        """Map n prepared images to features (n, width)."""
        features: Tensor = self.network(batch)
        return features


def _backbone(weights: Weights, name: str, file: str, request: str) -> TimmBackbone:
    import timm
    from timm.data import create_transform, resolve_model_data_config

    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_pretrained(), n=3)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise BenchError(f"'{request}': timm has no model '{name}': {hint}timm.list_pretrained() lists them")
    with weights.recording() as files:
        state = _published(weights, name, file, request)
    try:
        # timm's own loading, which renames what older files call otherwise, with a classifier and strict.
        network = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"state_dict": state})
    except Exception as error:  # its own kinds of errors, by model
        seems = describe(state, weights.known)
        raise WrongWeights(
            f"'{request}': not the weights of {name} ({reason(error)}); it seems to be {seems}"
        ) from error
    config = resolve_model_data_config(network)
    network.reset_classifier(0)
    network = network.eval().requires_grad_(False).to(weights.device)
    side, mean, std = (" ".join(f"{x:.4g}" for x in config[key]) for key in ("input_size", "mean", "std"))
    said = f"{side} {config['interpolation']} crop {config['crop_pct']:g}, mean {mean}, std {std}"
    identity = f"timm {name}, version 1; {sorted(files.items())}; {sorted(config.items())}"
    prepare = create_transform(**config, is_training=False)
    return TimmBackbone(network, prepare, network.num_features, said, identity)


def _published(weights: Weights, name: str, file: str, request: str) -> Mapping[str, object]:
    """Read a backbone's published weights from the user's file, or from the hub's cache here."""
    import timm
    from huggingface_hub import try_to_load_from_cache

    repository = timm.get_pretrained_cfg(name).hf_hub_id
    if file:
        return _tensors(weights, Path(file), Path(file).name, OWN, request)
    for one in _FILES if repository else ():
        path = try_to_load_from_cache(repository, one)
        if isinstance(path, str):
            return _tensors(weights, Path(path), f"{repository}/{one}", UNVERIFIED, request)
    fetch = f"Get them with 'hf download {repository} {_FILES[0]}', or name" if repository else "Name"
    raise MissingWeights(
        f"'{request}': the weights of {name} are not in the hub's cache on this machine. {fetch} their file: "
        f"'timm:{name}+weights=FILE+head=FILE'"
    )


def _tensors(weights: Weights, path: Path, name: str, whose: str, request: str) -> dict[str, Any]:
    path = path.expanduser()
    if why := irregular(path):
        raise MissingWeights(f"'{request}': no file at {path} ({why})")
    try:
        return read(weights.unlisted(name, path, whose), "cpu")
    except ValueError as error:
        raise WrongWeights(f"'{request}': {path} {error}") from error


def _head(weights: Weights, path: Path, width: int, request: str) -> nn.Linear:
    content = _tensors(weights, path, path.name, OWN, request)
    for outputs in (1, 2):
        described = Checkpoint(
            path.name, path.name, "your own training", "yours", {"weight": (outputs, width)}
        )
        if holds(content, described):
            state = unwrap(content, described).state
            head = nn.Linear(width, outputs, bias="bias" in state)
            load_strict(head, state, described)
            return head.requires_grad_(False).to(weights.device)
    seems = describe(content)
    raise WrongWeights(
        f"'{request}': {path} holds no 'weight' (1, {width}) or (2, {width}): it seems to be {seems}"
    )
