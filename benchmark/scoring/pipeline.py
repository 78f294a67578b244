"""One pass: each batch goes once through every encoder, and from there through every detector.

Batches are consecutive samples and are grouped by tensor shape: a function of the test set and the detector
alone, never of which other cells, processes or machines are at work. Floating-point results depend on a
batch's shape, so this keeps rows equal.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from forenbench.records.rows import ImageResult
from forenbench.registry.guests import reason
from forenbench.types import Detector, Encoder, Perturbation, TestSet

from .batches import BATCH, Batch, CellIndex, CellResults, ReadRequest, Todo
from .calls import encoded, encoder_of, scored
from .features import Address, FeatureCache, address
from .features import numerics as rounding
from .lineup import Lineup
from .numerics import Numerics, Portions
from .preparing import Reader
from .reading import read_ahead

TestSetResults = dict[tuple[str, str], list[ImageResult]]


class _Piece(NamedTuple):
    """What a network made of some positions of a batch, or why it made nothing."""

    positions: tuple[int, ...]
    values: Tensor
    logits: Tensor | None = None
    failed: str = ""


@dataclass(slots=True)
class Scorer:
    """Detectors on one device; turns batches into results.

    Attributes:
        lineup: The detectors.
        numerics: Device and precision.
        cache: Keeps the features of encoders that have an `identity`; None: nothing is kept.
        note: Told what a reader of the results must know.
    """

    lineup: Lineup
    numerics: Numerics
    cache: FeatureCache | None = None
    note: Callable[[str], None] = lambda text: None
    portions: Portions = field(init=False)
    _inputs: list[tuple[int, int]] = field(init=False)
    _rounding: str = field(init=False)

    def __post_init__(self) -> None:
        self.portions = Portions(self.note)
        encoders = map(encoder_of, self.lineup.detectors)
        # What each detector reads: a distinct prepare, and an encoder (by id: it need not be hashable), or
        # else a negative number of its own, which no id is.
        ids = (-1 - d if encoder is None else id(encoder) for d, encoder in enumerate(encoders))
        self._inputs = list(zip(self.lineup.prepares(), ids, strict=True))
        self._rounding = rounding(self.numerics.device, self.numerics.precision)

    def score(self, batch: Batch, todo: Todo) -> CellResults:
        """Run detectors on a batch: those of the wanted ones that the batch has tensors for.

        Returns:
            One result for each image, in the order of the batch. Nothing that a detector or an image does
            wrong is raised: it becomes the status of the rows concerned.
        """
        made: dict[CellIndex, list[_Piece]] = {}
        with self.numerics.applied():
            batch.to(self.numerics.device)
            for p, wanted in todo:
                # A request that was cut (see `forenbench.scoring.budget`) has tensors for some of them only.
                detectors = [d for d in wanted if (p, self._inputs[d][0]) in batch.blocks]
                # How many networks read the same prepared tensors, and how many heads the same features.
                heads = Counter(self._inputs[d] for d in detectors)
                readers = Counter(k for k, _ in heads)
                features: dict[int, list[_Piece]] = {}
                for d in detectors:
                    detector, (k, encoder_id) = self.lineup.detectors[d], self._inputs[d]
                    inputs = _own([_Piece(*block) for block in batch.tensors((p, k))], readers[k])
                    encoder = encoder_of(detector)
                    if encoder is not None:
                        if encoder_id not in features:
                            features[encoder_id] = [
                                self._features(encoder, detector.name, batch, p, piece) for piece in inputs
                            ]
                        inputs = _own(features[encoder_id], heads[k, encoder_id])
                    made[p, d] = [piece if piece.failed else self._score(detector, piece) for piece in inputs]
        # Only now are results fetched, so that a GPU is kept busy until all its work is queued.
        return {(p, d): self._collect(batch, p, d, pieces) for (p, d), pieces in made.items()}

    def _features(self, encoder: Encoder, name: str, batch: Batch, p: int, inputs: _Piece) -> _Piece:
        """Look features of prepared images of one shape up, or encode them and keep what came out.

        A failure is theirs alone.
        """
        where: Address | None = None
        identity: str = getattr(encoder, "identity", "")
        if self.cache is not None and identity:
            images = [batch.sha256s[position] for position in inputs.positions]
            perturbation = self.lineup.perturbations[p].name
            where = address(identity, perturbation, self.lineup.seed, images, self._rounding)
            kept = self.cache.get(where)
            if kept is not None:
                return inputs._replace(values=kept.to(self.numerics.device))
        try:
            made = self.portions.call(f"encoder of {name}", partial(encoded, encoder), inputs.values)
            features = torch.cat(made)
        except Exception as error:
            return inputs._replace(failed=f"encode: {reason(error)}")
        # What was made in portions is not kept: its rounding may not be that of a whole block, which is what
        # the address stands for.
        if self.cache is not None and where is not None and not self.portions.at_once:
            self.cache.put(where, features)
        return inputs._replace(values=features)

    def _score(self, detector: Detector, inputs: _Piece) -> _Piece:
        """Score prepared images, or features, of one shape; a failure is theirs alone."""
        try:
            made = self.portions.call(detector.name, partial(scored, detector), inputs.values)
        except Exception as error:
            return inputs._replace(failed=f"{detector.name}: {reason(error)}")
        scores, logits = (torch.cat(values) for values in zip(*made, strict=True))
        return _Piece(inputs.positions, scores, logits)

    def _collect(self, batch: Batch, p: int, d: int, pieces: Iterable[_Piece]) -> list[ImageResult]:
        """Put one cell's results into the order of the batch."""
        name = self.lineup.detectors[d].name
        results = dict(batch.missing[p, self._inputs[d][0]])
        for piece in pieces:
            if piece.failed:
                results.update(dict.fromkeys(piece.positions, ImageResult("failed", error=piece.failed)))
                continue
            assert piece.logits is not None  # every piece has been through a detector
            values = zip(piece.positions, piece.values.tolist(), piece.logits.tolist(), strict=True)
            for position, score, logit in values:
                if math.isfinite(score):
                    results[position] = ImageResult("ok", score, logit)
                else:
                    # The score itself is left out, or it would be counted, but a finite logit may tell why.
                    much = ", or more than float32 holds" if math.isinf(score) else ""
                    error = f"{name} returned {score}{much}"
                    results[position] = ImageResult("nonfinite", logit=logit, error=error)
        drawn = batch.drawn[p]
        return [replace(results[at], drawn=drawn[at]) if drawn[at] else results[at] for at in sorted(results)]


def _own(pieces: Iterable[_Piece], readers: int) -> Iterator[_Piece]:
    """Give each of several networks that read the same tensors a copy of its own, for it may write there."""
    for piece in pieces:
        yield piece if readers == 1 else piece._replace(values=piece.values.clone())


def score_testset(
    testset: TestSet,
    todo: Sequence[tuple[Perturbation, Sequence[Detector]]],
    *,
    seed: int,
    device: str,
    readers: int = 0,
) -> TestSetResults:
    """Score a test set without storing anything.

    Args:
        testset: The images, in the order of the results.
        todo: Which detectors under which perturbations.
        seed: Of the run; random perturbations also draw on the image's content.
        device: Where batches go.
        readers: Processes that read ahead; with 0, this one does all.

    Returns:
        One result per sample, by (perturbation, detector) name; see `Scorer.score`.
    """
    # By identity, for objects of a plugin's class may have an == of their own, or none that can be hashed.
    detectors = list({id(detector): detector for _, chosen in todo for detector in chosen}.values())
    lineup = Lineup(detectors, [perturbation for perturbation, _ in todo], seed)
    indices = [(p, [detectors.index(detector) for detector in chosen]) for p, (_, chosen) in enumerate(todo)]
    scorer, reader = Scorer(lineup, Numerics(device)), Reader.of(lineup, [testset.source])
    results: TestSetResults = {
        (perturbation.name, detector.name): [] for perturbation, chosen in todo for detector in chosen
    }
    paths = [sample.path for sample in testset.samples]
    batches = (paths[start : start + BATCH] for start in range(0, len(paths), BATCH))
    wanted = lineup.wanted(indices)
    requests = (ReadRequest(0, tuple(batch), ("",) * len(batch), wanted) for batch in batches)
    for batch in read_ahead(reader, requests, readers):
        for (p, d), found in scorer.score(batch, indices).items():
            results[lineup.perturbations[p].name, detectors[d].name] += found
    return results
