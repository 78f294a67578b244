"""Kept features give the rows that made features gave; memory that runs out costs one network its batches."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from forenbench.perturbations import parse
from forenbench.scoring.batches import CellResults, ReadRequest
from forenbench.scoring.features import FeatureCache
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.pipeline import Scorer
from forenbench.scoring.preparing import Reader
from forenbench.testing import Brightness, MemorySource, tiny_image

TODO = [(0, [0, 1]), (1, [0, 1])]
IMAGES = 6


class Encoder:
    """Doubles the width; counts its images, and has room for so many at once."""

    identity = "doubling, version 1"

    def __init__(self, room: int = 99) -> None:
        self.room = room
        self.encoded = 0

    def prepare(self, image: object) -> Tensor:
        return torch.tensor([float(image.width)])  # type: ignore[attr-defined]

    def encode(self, batch: Tensor) -> Tensor:
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        self.encoded += len(batch)
        return batch * 2


class Head:
    version, threshold = "1", 0.5

    def __init__(self, name: str, encoder: Encoder, factor: float) -> None:
        self.name, self.encoder, self.factor = name, encoder, factor
        self.prepare = encoder.prepare

    def score(self, batch: Tensor) -> Tensor:
        return batch[:, 0] * self.factor


def score(encoder: Encoder, cache: FeatureCache | None, notes: list[str] | None = None) -> CellResults:
    lineup = Lineup(
        [Head("one", encoder, 1.0), Head("ten", encoder, 10.0)], [parse("none"), parse("crop:0.5")]
    )
    scorer = Scorer(lineup, Numerics(), cache, (notes if notes is not None else []).append)
    reader = Reader.of(lineup, [MemorySource([tiny_image(i, 8 + i % 2) for i in range(IMAGES)])])
    order = ReadRequest(0, tuple(map(str, range(IMAGES))), ("",) * IMAGES, lineup.wanted(TODO))
    return scorer.score(reader[order], TODO)


def test_kept_features_give_the_same_rows_without_a_forward_pass(tmp_path: Path) -> None:
    first, second, third = Encoder(), Encoder(), Encoder()
    made = score(first, FeatureCache(tmp_path, 10**6))
    assert first.encoded == 2 * IMAGES
    # As text, for NaN (there is no logit) equals nothing.
    assert repr(score(second, FeatureCache(tmp_path, 10**6))) == repr(made) == repr(score(third, None))
    assert (second.encoded, third.encoded) == (0, 2 * IMAGES)


def test_an_encoder_without_an_identity_is_not_kept(tmp_path: Path) -> None:
    nameless = Encoder()
    nameless.identity = ""
    score(nameless, FeatureCache(tmp_path, 10**6))
    assert list(tmp_path.rglob("*.npy")) == []


def test_features_made_in_portions_are_right_noted_and_not_kept(tmp_path: Path) -> None:
    """They may differ in the last digit from those of a whole block."""
    notes: list[str] = []
    portions = score(Encoder(room=2), FeatureCache(tmp_path, 10**6), notes)
    assert repr(portions) == repr(score(Encoder(), None))
    assert notes == ["encoder of one: 6 images at once do not fit into memory; going on with fewer"]
    assert list(tmp_path.rglob("*.npy")) == []


class Several(Encoder):
    """An encoder with two named outputs; remembers what each pass was asked for."""

    def __init__(self, room: int = 99) -> None:
        super().__init__(room)
        self.asked: list[tuple[str, ...]] = []

    def outputs(self, batch: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
        self.asked.append(tuple(sorted(names)))
        once = self.encode(batch)
        return {"": once, "half": once / 4, "third": once / 6}


class Reads(Head):
    def __init__(self, name: str, encoder: Encoder, output: str) -> None:
        super().__init__(name, encoder, 1.0)
        self.output = output


def read_outputs(encoder: Encoder, outputs: list[str], cache: FeatureCache | None = None) -> CellResults:
    detectors = [Reads(f"{place} {output}", encoder, output) for place, output in enumerate(outputs)]
    lineup, todo = Lineup(detectors, [parse("none")]), [(0, range(len(outputs)))]
    reader = Reader.of(lineup, [MemorySource([tiny_image(i, 12 + i) for i in range(IMAGES)])])
    order = ReadRequest(0, tuple(map(str, range(IMAGES))), ("",) * IMAGES, lineup.wanted(todo))
    return Scorer(lineup, Numerics(), cache).score(reader[order], todo)


def scores_of(found: CellResults) -> list[list[float]]:
    return [[result.score for result in row] for row in found.values()]


def test_all_outputs_that_are_read_of_an_encoder_come_from_one_pass() -> None:
    widths = torch.arange(12.0, 12 + IMAGES)
    encoder = Several()
    found = read_outputs(encoder, ["half", "", "third", "half"])
    assert scores_of(found) == [
        expected.tolist() for expected in (widths / 2, widths * 2, widths * 2 / 6, widths / 2)
    ]
    assert (encoder.asked, encoder.encoded) == ([("", "half", "third")], IMAGES)


def test_each_output_is_kept_by_itself(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 10**6)
    read_outputs(Several(), ["half"], cache)
    encoder = Several()
    found = read_outputs(encoder, ["", "half", "third"], cache)
    assert encoder.asked == [("", "third")]
    assert repr(found) == repr(read_outputs(Several(), ["", "half", "third"]))
    # What an encoder with one output kept is found by its name in the cache, and is no other output.
    assert read_outputs(Encoder(), [""], cache)
    assert scores_of(read_outputs(Several(), ["half"], cache)) == scores_of(found)[1:2]


def test_an_output_that_an_encoder_does_not_give_fails_where_it_is_read() -> None:
    half, fifth = read_outputs(Several(), ["half", "fifth"]).values()
    assert {result.error for result in fifth} == {
        "encode: ValueError: outputs returned no 'fifth', which it was asked for"
    }
    assert repr([half]) == repr(list(read_outputs(Several(), ["half"]).values()))


class Roomy(Brightness):
    """Has memory for one image at a time, or for none."""

    def __init__(self, name: str, room: int) -> None:
        self.name, self.room = name, room

    def score(self, batch: Tensor) -> Tensor:
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return super().score(batch)


def test_a_detector_without_memory_for_one_image_fails_alone() -> None:
    lineup = Lineup([Roomy("none", 0), Roomy("one", 1), Roomy("all", 99)], [parse("none")])
    notes: list[str] = []
    scorer = Scorer(lineup, Numerics(), note=notes.append)
    todo = [(0, [0, 1, 2])]
    order = ReadRequest(0, ("0", "1", "2"), ("",) * 3, lineup.wanted(todo))
    scored = scorer.score(Reader.of(lineup, [MemorySource([tiny_image(i) for i in range(3)])])[order], todo)
    assert {result.status for result in scored[0, 0]} == {"failed"}
    assert "out of memory" in scored[0, 0][0].error
    assert repr(scored[0, 1]) == repr(scored[0, 2])
    assert len(notes) == 2


def test_what_a_perturbation_drew_stands_in_the_row_of_its_image() -> None:
    lineup = Lineup([Brightness()], [parse("crop:0.5"), parse("none")], seed=3)
    todo = [(0, [0]), (1, [0])]
    images = [tiny_image(i, 64, 48) for i in range(4)]
    order = ReadRequest(0, tuple("0123"), ("",) * 4, lineup.wanted(todo))
    scored = Scorer(lineup, Numerics()).score(Reader.of(lineup, [MemorySource(images)])[order], todo)
    for image, result in zip(images, scored[0, 0], strict=True):
        left, top = (int(text.partition("=")[2]) for text in result.drawn.split())
        box = image.crop((left, top, left + 32, top + 24))
        assert result.score == Brightness().prepare(box).item()
    assert {result.drawn for result in scored[1, 0]} == {""}
