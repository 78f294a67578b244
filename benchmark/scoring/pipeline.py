"""One pass: each batch goes once through every encoder, and from there through every detector.

Batches are consecutive samples and are grouped by tensor shape: a function of the test set and the detector
alone, never of which other cells, processes or machines are at work. Floating-point results depend on a
batch's shape, so this keeps rows equal.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from forenbench.records.rows import ImageResult
from forenbench.registry.guests import reason
from forenbench.types import Detector, Perturbation, TestSet

from .batches import BATCH, Batch, CellIndex, CellResults, ReadRequest, Stack, Todo
from .calls import OfBytes, encoder_of, finished, output_of, prepare_of, scored
from .encoding import EncoderPass, Seen
from .features import FeatureCache
from .features import numerics as rounding
from .kept_memory import keeping_memory
from .lineup import Lineup
from .numerics import Numerics, Portions
from .preparing import Reader
from .reading import read_ahead

TestSetResults = dict[tuple[str, str], list[ImageResult]]


class _Piece(NamedTuple):
    """What a network made of some positions of a batch, or why it made nothing."""

    positions: tuple[int, ...]
    values: Tensor = torch.empty(0)
    logits: Tensor | None = None
    failed: str = ""


class _Reads(NamedTuple):
    """What a detector reads: a distinct `prepare`, a network behind it, and one of that network's outputs.

    The network is an encoder, by id (it need not be hashable), or else the detector itself: a negative number
    of its own, which no id is.
    """

    prepare: int
    network: int
    output: str = ""


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
    _reads: list[_Reads] = field(init=False)
    _encoding: EncoderPass = field(init=False)

    def __post_init__(self) -> None:
        self.portions = Portions(self.note)
        self._reads = []
        for d, (detector, k) in enumerate(zip(self.lineup.detectors, self.lineup.prepares(), strict=True)):
            encoder = encoder_of(detector)
            network = (-1 - d, "") if encoder is None else (id(encoder), output_of(detector))
            self._reads.append(_Reads(k, *network))
        # One without room keeps nothing.
        cache = FeatureCache(Path(), 0) if self.cache is None else self.cache
        device = self.numerics.device
        self._encoding = EncoderPass(cache, self.portions, device, rounding(device, self.numerics.precision))

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
                detectors = [d for d in wanted if (p, self._reads[d].prepare) in batch.stacks]
                # How many heads read the same features.
                heads = Counter(self._reads[d] for d in detectors)
                features: dict[_Reads, list[_Piece]] = {}
                for d in detectors:
                    detector, reads = self.lineup.detectors[d], self._reads[d]
                    stacks = batch.stacks[p, reads.prepare]
                    if encoder_of(detector) is None:
                        # One after the other: pictures that keep their size may be stacks of a batch's size.
                        images = (_Piece(stack.positions, batch.stacked(stack)) for stack in stacks)
                        made[p, d] = [self._score(detector, piece) for piece in images]
                        continue
                    if reads not in features:
                        # All that anybody reads of this encoder, from one pass.
                        together = [one for one in heads if one[:2] == reads[:2]]
                        outputs = [one.output for one in together]
                        of_each = [self._features(detector, outputs, batch, p, stack) for stack in stacks]
                        features |= {one: [pieces[one.output] for pieces in of_each] for one in together}
                    # Each of several heads gets a copy of its own, for it may write there.
                    inputs = (
                        piece if heads[reads] == 1 else piece._replace(values=piece.values.clone())
                        for piece in features[reads]
                    )
                    made[p, d] = [piece if piece.failed else self._score(detector, piece) for piece in inputs]
        # Only now are results fetched, so that a GPU is kept busy until all its work is queued.
        return {(p, d): self._collect(batch, p, d, pieces) for (p, d), pieces in made.items()}

    def _features(
        self, detector: Detector, outputs: Sequence[str], batch: Batch, p: int, stack: Stack
    ) -> dict[str, _Piece]:
        """Make features of prepared images of one shape, by output; a failure is theirs alone."""
        # Features rest on what was done to a file first, too: those of the file as it is are others.
        first = batch.first.get(p)
        images = [
            f"{batch.sha256s[at]} {first[at]}" if first and first[at] else batch.sha256s[at]
            for at in stack.positions
        ]
        if first is not None and isinstance(prepare_of(detector), OfBytes):
            images = [f"{image} as PNG" for image in images]  # none of the files themselves was looked at
        seen = Seen(self.lineup.perturbations[p].name, self.lineup.seed, images)
        try:
            found = self._encoding.features(detector, outputs, partial(batch.stacked, stack), seen)
        except Exception as error:
            if len(outputs) == 1:
                return {outputs[0]: _Piece(stack.positions, failed=f"encode: {reason(error)}")}
            # One output that cannot be had takes no other with it: each by itself.
            return {one: self._features(detector, [one], batch, p, stack)[one] for one in outputs}
        return {output: _Piece(stack.positions, values) for output, values in found.items()}

    def _score(self, detector: Detector, inputs: _Piece) -> _Piece:
        """Score prepared images, or features, of one shape; a failure is theirs alone."""
        # Images have a step of `prepare` before them, which features have behind them.
        are_images = encoder_of(detector) is None

        def network(some: Tensor) -> tuple[Tensor, Tensor]:
            return scored(detector, finished(detector, some) if are_images else some)

        try:
            made = self.portions.call(detector.name, network, inputs.values)
        except Exception as error:
            return _Piece(inputs.positions, failed=f"{detector.name}: {reason(error)}")
        scores, logits = (torch.cat(values) for values in zip(*made, strict=True))
        return _Piece(inputs.positions, scores, logits)

    def _collect(self, batch: Batch, p: int, d: int, pieces: Iterable[_Piece]) -> list[ImageResult]:
        """Put one cell's results into the order of the batch."""
        name = self.lineup.detectors[d].name
        results = dict(batch.missing[p, self._reads[d].prepare])
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
                    error = f"{name} returned {score}{much}; a score is a finite number"
                    results[position] = ImageResult("nonfinite", logit=logit, error=error)
        drawn = batch.drawn[p]
        return [replace(results[at], drawn=drawn[at]) if drawn[at] else results[at] for at in sorted(results)]


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
    reencoded = range(len(todo)) if testset.reencoded else ()
    requests = (
        ReadRequest(0, tuple(batch), ("",) * len(batch), wanted, dict.fromkeys(reencoded, steps))
        for batch in batches
        for steps in [tuple(testset.reencoded.get(path, "") for path in batch)]
    )
    with keeping_memory(device):
        for batch in read_ahead(reader, requests, readers):
            for (p, d), found in scorer.score(batch, indices).items():
                results[lineup.perturbations[p].name, detectors[d].name] += found
    return results
