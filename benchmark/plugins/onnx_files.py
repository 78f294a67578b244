"""``onnx:FILE``: any classifier as an ONNX graph, through onnxruntime on the CPU (extra ``onnx``)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from forenbench.detectors._nets.pixels import CLIP, IMAGENET, PLAIN, SYMMETRIC, Preprocess
from forenbench.errors import BenchError, NotHere, unknown
from forenbench.files.regular import irregular
from forenbench.registry.guests import reason
from forenbench.types import OWN
from forenbench.weights import MissingWeights, Weights, WrongWeights

from .fake_labels import fake_classes, log_odds
from .model_requests import ModelRequest

if TYPE_CHECKING:
    from torch import Tensor

_STATISTICS = {"imagenet": IMAGENET, "clip": CLIP, "half": SYMMETRIC, "plain": PLAIN}
_OUTPUTS = ("logit", "probability")
_RANK = 4
_CERTAIN = 1e-3
"""How near to 1 the sum of a softmax is, also in half precision."""


class OnnxFile:
    """A graph with one input of pictures (n, 3, H, H), and one output (n, classes) or (n,).

    Its score is the probability of "generated". What a file does not say is stated in `version`.
    """

    threshold = 0.5
    parse: ClassVar = partial(ModelRequest.of, options=("fake", "output", "size", "statistics"))

    def __init__(self, request: str, weights: Weights) -> None:
        asked = self.parse(request)
        path = Path(asked.model).expanduser()
        if why := irregular(path):
            raise MissingWeights(f"'{request}': no file at {path} ({why})")
        self.name = f"onnx:{path.stem}"
        self.session = _session(bytes(weights.unlisted(path.name, path, OWN)), request)
        self.input = self.session.get_inputs()[0]
        side = _side(self.session, asked)
        statistics = asked.option("statistics", "imagenet")
        if statistics not in _STATISTICS:
            raise BenchError(unknown(f"statistics in '{request}'", statistics, _STATISTICS))
        # Squashed, so that the whole picture is seen: what transformers' classifiers do.
        self.prepare = Preprocess(_STATISTICS[statistics], resize=side)
        output = asked.option("output")
        if output and output not in _OUTPUTS:
            raise BenchError(unknown(f"output in '{request}'", output, _OUTPUTS))
        # Noise of both signs: what gives probabilities for it gives them for pictures. Of five, as nobody
        # exports a graph for just so many.
        noise = torch.from_numpy(np.random.default_rng(0).normal(0, 4, (5, 3, side, side))).float()
        seen = self._run(noise)
        inside = bool(((seen >= 0) & (seen <= 1)).all())
        whole = seen.shape[1] == 1 or bool(((seen.sum(1) - 1).abs() < _CERTAIN).all())
        if not output and inside and whole:
            raise BenchError(
                f"'{request}': its outputs look like probabilities, and logits are expected. Add "
                "'output=probability' or 'output=logit' behind the '#'"
            )
        self.output = output or _OUTPUTS[0]
        labels = {number: f"output {number}" for number in range(seen.shape[1])}
        alone = ("0",) if len(labels) == 1 else ()
        self.fakes = fake_classes(labels, asked.options.get("fake", alone), request)
        self.version = (
            f"1, {side}x{side} squashed, {statistics} statistics, generated: "
            f"{self.output} {'+'.join(map(str, self.fakes))} of {len(labels)}"
        )

    def score(self, batch: Tensor) -> Tensor:
        """Map n prepared images (n, 3, H, H) to n probabilities of "generated"."""
        found = self._run(batch)
        if self.output == "probability":
            return found[:, list(self.fakes)].sum(1)
        return log_odds(found, self.fakes).sigmoid()

    def _run(self, batch: Tensor) -> Tensor:
        """Map n prepared images to what the graph gives, float32 (n, classes)."""
        pictures = batch.cpu().numpy()
        if "float16" in self.input.type:
            pictures = pictures.astype(np.float16)
        # A graph that was exported for one picture is run for one after the other.
        one = self.input.shape[0] == 1
        groups = np.split(pictures, len(pictures)) if one else [pictures]
        found = [self.session.run(None, {self.input.name: group})[0] for group in groups]
        return torch.from_numpy(np.concatenate(found).astype(np.float32)).reshape(len(pictures), -1)


def _session(content: bytes, request: str) -> Any:  # noqa: ANN401 - of a library without types
    try:
        import onnxruntime
    except ImportError as error:
        raise NotHere("ONNX files need onnxruntime: pip install 'forenbench[onnx]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Weights in files beside the graph would be read unseen: they are looked for in an empty folder.
    with TemporaryDirectory() as nowhere:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", nowhere)
        try:
            return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own kinds of errors
            raise WrongWeights(
                f"'{request}' cannot be run by onnxruntime: {reason(error)}. Weights have to be in the file "
                "itself, not in another one beside it"
            ) from error


def _side(session: Any, asked: ModelRequest) -> int:  # noqa: ANN401 - of a library without types
    """Find the side of the square pictures that the graph takes, or that the user says."""
    (first, *more), size = session.get_inputs(), asked.option("size")
    shape = first.shape
    # What may have any length has a name there, or nothing.
    channels, lengths = shape[1:2], {length for length in shape[2:] if isinstance(length, int)}
    fits = len(shape) == _RANK and (channels == [3] or not isinstance(channels[0], int))
    more += session.get_outputs()[1:]
    if more or not fits or len(lengths) > 1 or "float" not in first.type:
        raise BenchError(
            f"'{asked}': it takes {first.type} {shape}, but a graph must have one input, of floats (n, 3, H, "
            "H), and one output; write a detector for it (docs/adding_a_detector.md)"
        )
    fixed = next(iter(lengths), None)
    if size and (not size.isdecimal() or fixed not in (None, int(size))):
        raise BenchError(f"'{asked}': size={size} is not what the graph takes, {shape}")
    if not size and fixed is None:
        raise BenchError(f"'{asked}': the graph takes pictures of any size; add 'size=224' behind the '#'")
    return fixed or int(size)
