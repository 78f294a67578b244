"""Features of many images: encoded shard by shard onto the disk, never all of them in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save

from forenbench.errors import BenchError
from forenbench.files.atomic import read_json, replacing, write_json
from forenbench.types import FAKE, REAL, Advance

from .examples import Examples
from .loader import Loader, TrainingBatch, in_order
from .processes import Processes
from .randomness import TRAIN
from .room import require_room
from .state import refuse_other
from .views import Decoded, PlainView

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from forenbench.detectors._nets.encoders import FrozenEncoder

SHARD = 8192
"""Images in a shard: what a killed process does again."""

_AT_ONCE = 64
_SIDES = (("real", REAL), ("fake", FAKE))


class FeatureMaker(Protocol):
    """What makes features of images.

    Attributes:
        name: What they are, in words: features of another name are other ones.
        width: How many numbers an image has, at most.
        half: They are float16 rather than float32.
        checkpoints: What they rest on: sha256 by name, or the version of their code.
        workers: Processes that decode.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def half(self) -> bool: ...  # noqa: D102
    @property
    def checkpoints(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def workers(self) -> int: ...  # noqa: D102

    def prepare(self, image: Image) -> Tensor:
        """Turn one image into a tensor, in a process that decodes."""
        ...

    def run(self, batch: TrainingBatch) -> Tensor:
        """Turn a batch of such tensors into features (n, d) on the CPU, of one d for all images."""
        ...


@dataclass(frozen=True)
class Encoding:
    """How an encoder makes features.

    Attributes:
        encoder: With its own preparation of images: no augmentation.
        checkpoints: sha256 of its files.
        device: Where it is.
        half: Keep float16 rather than float32.
        workers: Processes that decode.
    """

    encoder: FrozenEncoder
    checkpoints: Mapping[str, str]
    device: str = "cpu"
    half: bool = True
    workers: int = 0

    @property
    def name(self) -> str:
        """The encoder's identity: its weights, its preparation, its version."""
        return self.encoder.identity

    @property
    def width(self) -> int:
        """How many numbers an image has."""
        return self.encoder.width

    def prepare(self, image: Image) -> Tensor:
        """Prepare an image as the encoder wants it."""
        return self.encoder.prepare(image)

    def run(self, batch: TrainingBatch) -> Tensor:
        """Encode a batch: (n, width) on the CPU."""
        with torch.no_grad():
            features = self.encoder.encode(batch.inputs.to(self.device))
        return (features.half() if self.half else features.float()).cpu()


@dataclass(frozen=True)
class FeatureShards:
    """Features of examples, in their order, in files of `size` rows each.

    Attributes:
        folder: Where they lie.
        examples: The images.
        size: Rows of a shard; the last may have fewer.
    """

    folder: Path
    examples: Examples
    size: int = SHARD

    @property
    def count(self) -> int:
        """The number of shards when all are there."""
        return len(in_order(len(self.examples.items), self.size))

    def missing(self) -> list[int]:
        """List the shards that are not there yet."""
        return [shard for shard in range(self.count) if not self._path(shard).is_file()]

    def encode(self, encoding: FeatureMaker, shards: list[int], advance: Advance) -> None:
        """Compute shards, and write each as soon as it is complete.

        Raises:
            BenchError: The folder has shards of other images, another encoder or another size; or the disk
                has too little room for those that are missing.
        """
        plan: dict[str, Any] = {"data": self.examples.digest, "size": self.size, "half": encoding.half}
        plan["encoder"] = dict(encoding.checkpoints)
        self.folder.mkdir(parents=True, exist_ok=True)
        # Whoever comes first notes what these shards are; all others, on any machine, must mean the same.
        with FileLock(self.folder / ".lock"):
            found = read_json(self.folder / "plan.json")
            if found is None:
                write_json(self.folder / "plan.json", plan)
        refuse_other(found or plan, plan, self.folder)
        # All that is missing counts, for other processes fill the same disk.
        rows = min(len(self.missing()) * self.size, len(self.examples.items))
        needed = rows * encoding.width * (2 if encoding.half else 4)
        require_room(self.folder, needed, f"features of {rows:,} images", "choose another folder")
        read = Decoded(PlainView(encoding.prepare))
        loader = Loader(self.examples, read, 0, TRAIN, encoding.workers)
        indices = in_order(len(self.examples.items), self.size)
        total, done = sum(len(indices[shard]) for shard in shards), 0
        for shard in shards:
            groups = [[indices[shard][i] for i in group] for group in in_order(len(indices[shard]), _AT_ONCE)]
            features = []
            for batch in loader.batches(0, groups):
                features.append(encoding.run(batch))
                done += len(batch.indices)
                advance(f"features of {self.examples.request}", done, total)
            with replacing(self._path(shard)) as partial:
                partial.write_bytes(save({"features": torch.cat(features)}))

    def read(self, path: str) -> bytes:
        """Return one row's bytes, as a `forenbench.types.Source`; `path` is the index of the example."""
        # A slice reads its own bytes alone; the file is opened anew, for readers are processes of their own.
        shard, row = divmod(int(path), self.size)
        with safe_open(self._path(shard), "pt") as file:
            features: Tensor = file.get_slice("features")[row : row + 1]
        return features.numpy().tobytes()

    def all_rows(self) -> NDArray[Any]:
        """Return the features of all examples, in their order: (n, d)."""
        features = []
        for shard in range(self.count):
            with safe_open(self._path(shard), "np") as file:
                features.append(file.get_tensor("features"))
        return np.concatenate(features)

    def rows(self, label: int) -> Iterator[NDArray[Any]]:
        """Yield the features of one label, shard by shard."""
        for shard, indices in enumerate(in_order(len(self.examples.items), self.size)):
            with safe_open(self._path(shard), "np") as file:
                features: NDArray[Any] = file.get_tensor("features")
            # Shards lie about for days: one row too few would give every later image the features of another.
            if len(features) != len(indices):
                raise BenchError(f"'{self._path(shard)}' has {len(features)} rows, not {len(indices)}")
            yield features[[self.examples.items[index].label == label for index in indices]]

    def merge(self, path: Path) -> None:
        """Write one safetensors file with `real` and `fake`, float16, a shard at a time."""
        # By hand, for the format's library wants all tensors in memory: the papers' bank has 1.1 GB. In front
        # stands the header's length, then the header as JSON, padded with spaces to 8 bytes.
        numbers = {label: sum(item.label == label for item in self.examples.items) for _, label in _SIDES}
        width = next(self.rows(REAL)).shape[1]
        entries, start = {}, 0
        for name, label in _SIDES:
            end = start + 2 * numbers[label] * width
            entries[name] = {"dtype": "F16", "shape": [numbers[label], width], "data_offsets": [start, end]}
            start = end
        header = json.dumps(entries).encode()
        header += b" " * (-len(header) % 8)
        with replacing(path) as partial, partial.open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            for _, label in _SIDES:
                for rows in self.rows(label):
                    file.write(rows.astype("<f2", copy=False).tobytes())

    def _path(self, shard: int) -> Path:
        return self.folder / f"{shard:06d}.safetensors"


def encode_together(
    folder: Path, encoding: FeatureMaker, examples: Examples, processes: Processes, advance: Advance
) -> FeatureShards:
    """Encode this process's share of the shards that are missing, and wait for the others."""
    shards = FeatureShards(folder, examples)
    missing = shards.missing()
    processes.wait()  # all have looked before any writes: the shares are strides of one list
    shards.encode(encoding, processes.share(missing), advance)
    processes.wait()
    return shards


def feature_of(data: bytes, random: np.random.Generator) -> Tensor:
    """Make a tensor of one float32 row's bytes (a `views.Read`)."""
    # A copy, for tensors over `bytes` are writable to PyTorch, which warns of it.
    return torch.frombuffer(bytearray(data), dtype=torch.float32)
