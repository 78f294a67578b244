"""The nouns of the harness: Detector, Encoder, Sample, TestSet, Perturbation, Cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from .draws import Draw

Advance = Callable[[str, int, int], None]
"""Called with (what is being done, done, total) while files are made or read."""

REAL, FAKE, TAMPERED = 0, 1, 2
LABEL_NAMES = {REAL: "real", FAKE: "fake", TAMPERED: "tampered"}
"""Labels. Tampered is a photograph of which a part was generated or edited: neither of the others, and no
metric of these two rests on it unless that is asked for (see `forenbench.records.coverage.judged`)."""
PUBLISHED, SAMPLE, UNVERIFIED, OWN = "published", "sample", "unverified", "own"
"""Whose weights made a row, in one word, judged by the files (see `forenbench.weights.checkpoint_store`)."""
FOREIGN = "foreign"
"""In their place: scores that another tool gave."""


@runtime_checkable
class Detector(Protocol):
    """Scores images; higher means more likely generated.

    Attributes:
        name: What tables call it, for instance ``univfd:nn-k9``.
        version: Change it whenever scores change: stored rows of another version are made anew.
        threshold: A score strictly above it means "generated".

    A detector may also have an attribute ``trained_on``: the names of generators and sources of real images
    that its weights have seen, as test sets are called; tables mark the cells that rest on them. It may have
    an attribute ``encoder`` (see `Encoder`). Its ``prepare`` is then the encoder's, and ``score`` receives
    the encoder's features in place of the prepared images; where the encoder has several outputs, an
    attribute ``output`` names the one that it reads. One that sends images over the network has
    ``network = True``: it runs only where the user allows that.

    Its ``prepare`` may have attributes ``crop``, the side of the square that it cuts from the centre, with
    black around smaller images, and ``resize``, what it scales them to before (None: nothing): a run then
    says how many images are smaller. And it may have a method ``window(width, height)``: of an image of that
    size, the box (left, top, right, lower) that holds every pixel it looks at, or None. It must make of the
    image cut to that box alone what it makes of the whole, and may be given no more.

    One that judges patches may have ``patches`` (see `forenbench.pictures.patch_maps.JudgesPatches`).
    """

    name: str
    version: str
    threshold: float

    def prepare(self, image: Image) -> Tensor:
        """Resize, crop and normalise one RGB image of any size, as this detector wants it.

        Pure, and runs in worker processes. Tensors of different shapes are allowed: equal ones are batched.
        """
        ...

    def score(self, batch: Tensor) -> Tensor:
        """Map n stacked tensors (n, ...) to n scores (n,), each independent of the rest of the batch."""
        ...


class FileDetector(Protocol):
    """A `Detector` that gets files as they are, metadata included; an encoder may have the same method."""

    name: str
    version: str
    threshold: float

    def prepare_bytes(self, data: bytes) -> Tensor:
        """Turn a file, or a PNG of what a perturbation made of it, into a tensor, an array or bytes."""
        ...

    def score(self, batch: Tensor) -> Tensor:
        """Map n stacked tensors to n scores (n,); bytes come as uint8 (n, length)."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """A frozen backbone that several detectors share; it runs once per image however many ask.

    An encoder may also have an attribute ``identity``, a text: what its features are, which means the sha256
    of its weights, all that its ``prepare`` does, and a version of its code; what people know it by comes
    first. Two encoders of one identity give the same features. With it features are kept on disk between runs
    (see `forenbench.scoring.features`); without it, or where it is empty, they never are.

    An encoder from whose pass detectors want different things has a method ``outputs(batch, names)``, which
    maps n stacked tensors to a mapping from each of the names that are asked for to features (n, ...); the
    empty name is what ``encode`` gives.
    """

    def prepare(self, image: Image) -> Tensor:
        """Turn one RGB image of any size into the tensor that `encode` expects."""
        ...

    def encode(self, batch: Tensor) -> Tensor:
        """Map n stacked tensors (n, ...) to features (n, ...), each of its own image only."""
        ...


class LogitDetector:
    """Base of detectors whose score is the float32 sigmoid of one logit.

    The papers compute the sigmoid in float32, where it saturates; the ties this makes matter for AP
    (reference: official `validate.py` of CNNDetection). The harness stores logit and score side by side.
    """

    def logit(self, batch: Tensor) -> Tensor:
        """Map n stacked tensors to n raw logits (n,)."""
        raise NotImplementedError

    def score(self, batch: Tensor) -> Tensor:
        """Map n stacked tensors to n probabilities of "generated"."""
        # float first: a bfloat16 or float16 logit of 12 gives 0.999994 in float32, and 1 in its own type.
        return self.logit(batch).float().sigmoid()


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image of a source.

    Attributes:
        path: Relative to the source, with forward slashes.
        label: 0 = real, 1 = fake, 2 = tampered.
        generator: What made it; for a real image, the test set it stands in (empty: shared by all).
        class_name: Sub-class such as ``horse``, or empty.
        real_source: Where a real image comes from, or empty.
        origin: What it is a piece of, with others: a photograph, a video. Intervals draw these together;
            an image without one stands for itself.
        split: train, val or test; empty where nothing is divided into splits.
    """

    path: str
    label: int
    generator: str = ""
    class_name: str = ""
    real_source: str = ""
    origin: str = ""
    split: str = ""


class Source(Protocol):
    """Where image files come from: a folder, an archive, a table. Picklable, for worker processes."""

    def read(self, path: str) -> bytes:
        """Return the file's bytes.

        Raises:
            OSError: The file cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells, without reading it, whether a file is still the one that was read before.

    Attributes:
        key: Names the file on this machine, whatever source leads to it; file names need not be text.
        mark: Changes whenever the content may have; empty where the file cannot be looked at.
        sha256: What its content should be, where somebody wrote that down.
    """

    key: bytes
    mark: str
    sha256: str = ""


class FileSource(Source, Protocol):
    """A source that the inventory can remember files of."""

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at files, all at once so that an archive is looked at only once."""
        ...


class Whereabouts(NamedTuple):
    """Where a dataset was found, in absolute paths, so that it is found again from any folder.

    Attributes:
        path: Of a dataset that was given by its path; else empty.
        data_root: Where described datasets lie.
        rules: By which its files were read, in the words of descriptions; None without.
        lender: The dataset whose reals stand beside its fakes; None where these are its own.
        lender_path: Where that one was given by a path; else None.
    """

    path: str = ""
    data_root: str = ""
    rules: Mapping[str, Any] | None = None
    lender: str | None = None
    lender_path: str | None = None


NOWHERE = Whereabouts()


@dataclass(frozen=True, slots=True)
class TestSet:
    """One generator's fakes beside the reals they are judged against, at one content digest.

    `order` is its place among all test sets of the dataset, also where only some are run; `protocol` names
    the rule by which its samples were chosen ("all": every file that is there); `found` says where.
    `reencoded` says what the protocol does first to some files, by path: a perturbation's canonical name.
    """

    __test__: ClassVar[bool] = False  # pytest takes classes whose names begin with "Test" for tests

    dataset: str
    name: str
    samples: tuple[Sample, ...]
    source: Source
    digest: str
    order: int = 0
    protocol: str = "all"
    found: Whereabouts = NOWHERE
    reencoded: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A pure function of (RGB image, the image's draw); its canonical text is its name everywhere."""

    name: str
    apply: Callable[[Image, Draw], Image]


@dataclass(frozen=True, slots=True)
class Cell:
    """Detector × test set × perturbation, by name: the unit of resuming.

    `weights` says whose files it was filled with (`PUBLISHED`, …); empty where it reads none, or is not ours.
    """

    detector: str
    dataset: str
    testset: str
    perturbation: str
    weights: str = ""

    def __str__(self) -> str:
        """Name it in words."""
        return f"{self.detector} on {self.dataset}/{self.testset} ({self.perturbation})"
