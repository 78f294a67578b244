"""``hf:ORG/NAME``: image classifiers of the Hugging Face hub, through transformers (extra ``hf``)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from forenbench.errors import BenchError, NotHere
from forenbench.registry.guests import reason
from forenbench.types import OWN, UNVERIFIED, LogitDetector
from forenbench.weights import MissingWeights, Weights, WrongWeights
from forenbench.weights.weight_files import read

from .fake_labels import fake_classes, log_odds
from .model_requests import ModelRequest

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

_WEIGHTS = (
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
)
"""In this order; an index lists the pieces of one."""
_INPUT = ("preprocessor_config.json", "processor_config.json")


class HubModel(LogitDetector):
    """A classifier whose files lie in the hub's cache on this machine, or in a folder.

    Nothing is downloaded, and no code that comes with a model is run.
    """

    threshold = 0.5
    parse: ClassVar = partial(ModelRequest.of, options=("fake",))

    def __init__(self, request: str, weights: Weights) -> None:
        asked = self.parse(request)
        try:
            import transformers
        except ImportError as error:
            raise NotHere("models of the hub need transformers: pip install 'forenbench[hf]'") from error
        # Its bars would stand among the lines of a run.
        transformers.utils.logging.disable_progress_bar()
        folder = _folder(asked)
        self.name = f"hf:{folder.name if asked.is_place else asked.model.replace('/', '--')}"

        def note(name: str) -> Any:  # noqa: ANN401 - a file's bytes, which count as read
            if not (folder / name).is_file():
                raise _missing(asked, f"has no {name} in {folder}")
            called = f"{folder.name if asked.is_place else asked.model}/{name}"
            return weights.unlisted(called, folder / name, OWN if asked.is_place else UNVERIFIED)

        note("config.json")
        local = {"local_files_only": True, "trust_remote_code": False}
        try:
            config = transformers.AutoConfig.from_pretrained(folder, **local)
            for name in _INPUT:
                if (folder / name).is_file():
                    note(name)
            # On 8 bits, as Pillow does it: what most were trained with, and the same whatever torchvision's
            # version. transformers itself takes torchvision's by default, on float tensors.
            processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil", **local)
        except BenchError:
            raise
        except Exception as error:  # its own kinds of errors, by model
            raise BenchError(f"'{request}' cannot be used by transformers: {reason(error)}") from error
        labels = {int(number): str(label) for number, label in config.id2label.items()}
        self.fakes = fake_classes(labels, asked.options.get("fake", ()), request)
        # Where there is none, the first is what is missing; an index counts as read.
        stored = next((name for name in _WEIGHTS if (folder / name).is_file()), _WEIGHTS[0])
        is_index = stored.endswith(".json")
        pieces = {*json.loads(bytes(note(stored)))["weight_map"].values()} if is_index else {stored}
        state: dict[str, object] = {}
        for name in sorted(pieces):
            try:
                state |= read(note(name), "cpu")
            except ValueError as error:
                raise WrongWeights(f"'{request}': {folder / name} {error}") from error
        self.network = _filled(transformers, config, state, request).to(weights.device)
        self.prepare = HubInput(processor)
        self.version = f"1, {type(processor).__name__}, generated: {'+'.join(map(str, self.fakes))}"

    def logit(self, batch: Tensor) -> Tensor:
        """Map n prepared images to logits (n,)."""
        return log_odds(self.network(batch).logits, self.fakes)


class HubInput:
    """What a model's own processor makes of an image."""

    def __init__(self, processor: Any) -> None:  # noqa: ANN401 - of a library without types
        self.processor = processor

    def __call__(self, image: Image) -> Tensor:
        """Turn one RGB image into a float32 tensor, (3, H, W) for most models."""
        made: Tensor = self.processor(images=image, return_tensors="pt")["pixel_values"][0]
        return made.float()


def _folder(asked: ModelRequest) -> Path:
    """Find a model's folder here."""
    if asked.is_place:
        folder = Path(asked.model).expanduser().resolve()
        if not (folder / "config.json").is_file():
            raise MissingWeights(f"'{asked}': no folder with a config.json at {folder}")
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(asked.model, local_files_only=True))
    except LocalEntryNotFoundError as error:
        raise _missing(asked, "is not in the hub's cache on this machine") from error
    except HFValidationError as error:
        raise BenchError(f"'{asked}' is neither hf:ORG/NAME nor hf:./FOLDER: {reason(error)}") from error


def _missing(asked: ModelRequest, lack: str) -> MissingWeights:
    way = (
        "" if asked.is_place else f". Get it with 'hf download {asked.model}' (nothing is downloaded unasked)"
    )
    return MissingWeights(f"model '{asked}' {lack}{way}")


def _filled(transformers: Any, config: Any, state: dict[str, object], request: str) -> Any:  # noqa: ANN401
    """Build the network and fill it strictly, in float32."""
    import torch

    known = transformers.models.auto.modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING
    try:
        kind = known[type(config)]
    except KeyError as error:
        raise BenchError(f"'{request}' is a {config.model_type}, and no classifier of images") from error
    try:
        # Handed over as they were read and hashed; transformers still renames those of older versions.
        network, found = kind.from_pretrained(
            None, config=config, state_dict=state, dtype=torch.float32, output_loading_info=True
        )
    except Exception as error:
        raise WrongWeights(f"'{request}': its weights do not fit: {reason(error)}") from error
    for what in ("missing", "unexpected", "mismatched"):
        if keys := sorted(map(str, found[f"{what}_keys"])):
            raise WrongWeights(f"'{request}': its weights do not fit: key '{keys[0]}' is {what}")
    return network.eval().requires_grad_(False)
