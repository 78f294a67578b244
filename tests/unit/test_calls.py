"""No memory is shared with a detector, and nothing that it returns is taken for what it is not."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from forenbench.perturbations import parse
from forenbench.scoring.batches import Batch, CellResults, ReadRequest, Stack
from forenbench.scoring.calls import encoded, prepared, scored
from forenbench.scoring.features import FeatureCache
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.pipeline import Scorer
from forenbench.scoring.preparing import Reader
from forenbench.testing import Brightness, MemorySource, tiny_image
from forenbench.types import Detector, LogitDetector

IMAGES = 6
ONE = tiny_image(0)
ONE_NUMBER = torch.zeros(1)


def score(*detectors: Detector, cache: FeatureCache | None = None) -> CellResults:
    lineup, todo = Lineup(detectors, [parse("none")]), [(0, range(len(detectors)))]
    reader = Reader.of(lineup, [MemorySource([tiny_image(i) for i in range(IMAGES)])])
    order = ReadRequest(0, tuple(map(str, range(IMAGES))), ("",) * IMAGES, lineup.wanted(todo))
    return Scorer(lineup, Numerics(), cache).score(reader[order], todo)


def scores(found: CellResults, detector: int = 0) -> list[float]:
    assert {result.status for result in found[0, detector]} == {"ok"}, found[0, detector][0].error
    return [result.score for result in found[0, detector]]


def brightness() -> list[float]:
    """What `Brightness` finds, one image after another and nothing else at work."""
    return [Brightness().score(Brightness().prepare(tiny_image(i))[None]).item() for i in range(IMAGES)]


class OneBuffer:
    """An encoder and a detector that hand out the same memory each time, in each of their methods."""

    name, version, threshold, identity = "one-buffer", "1", 0.5, "one buffer"

    def __init__(self, room: int = IMAGES) -> None:
        self.room = room
        self.image, self.features, self.scores = torch.empty(1), torch.empty(room, 1), torch.empty(room)

    def prepare(self, image: Image.Image) -> Tensor:
        return self.image.copy_(Brightness().prepare(image))

    def encode(self, batch: Tensor) -> Tensor:
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return self.features[: len(batch)].copy_(batch)

    def score(self, batch: Tensor) -> Tensor:
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return self.scores[: len(batch)].copy_(batch[:, 0])


class Head:
    """Scores an encoder's features."""

    version, threshold = "1", 0.5

    def __init__(self, name: str, encoder: object) -> None:
        self.name, self.encoder = name, encoder
        self.prepare = encoder.prepare  # type: ignore[attr-defined]

    def score(self, batch: Tensor) -> Tensor:
        return batch[:, 0]


class Writes(Head):
    """Spoils its features, in the way it is told to, and returns what they were."""

    def __init__(self, encoder: object, way: str) -> None:
        super().__init__("writes", encoder)
        self.way = way

    def score(self, batch: Tensor) -> Tensor:
        found = batch[:, 0].clone()
        {"torch": batch, "data": batch.data}.get(self.way, torch.from_numpy(batch.numpy())).zero_()
        return found


class Encoder:
    """Gives what it gets, or a copy; writes into what it got."""

    identity = "brightness, written over"
    prepare = Brightness().prepare

    def __init__(self, *, writes: bool = False) -> None:
        self.writes = writes

    def encode(self, batch: Tensor) -> Tensor:
        if not self.writes:
            return batch
        made = batch.clone()
        batch.zero_()
        return made


@pytest.mark.parametrize("room", [IMAGES, 2], ids=["at once", "in portions"])
def test_a_detector_that_hands_out_the_same_memory_each_time_is_scored_right(room: int) -> None:
    assert len(set(brightness())) == IMAGES
    assert scores(score(OneBuffer(room))) == brightness()
    assert scores(score(Head("head", OneBuffer(room)))) == brightness()


def test_its_scores_under_one_perturbation_are_not_those_under_the_next() -> None:
    lineup, todo = Lineup([OneBuffer()], [parse("none"), parse("gamma:0.5")]), [(0, [0]), (1, [0])]
    order = ReadRequest(0, ("0",), ("",), lineup.wanted(todo))
    found = Scorer(lineup, Numerics()).score(Reader.of(lineup, [MemorySource([ONE])])[order], todo)
    assert found[0, 0][0].score == brightness()[0] < found[1, 0][0].score


@pytest.mark.parametrize("way", ["torch", "data", "numpy"])
@pytest.mark.parametrize("kept", [False, True], ids=["made", "kept"])
def test_a_detector_that_writes_into_its_features_changes_no_other_ones_scores(
    tmp_path: Path, way: str, kept: bool
) -> None:
    """Nor those of later runs, where the features are kept; `kept`: they were made before."""
    encoder, folder = Encoder(), FeatureCache(tmp_path, 10**6)
    if kept:
        score(Head("before", encoder), cache=folder)
    first, second = Head("first", encoder), Head("last", encoder)
    found = score(first, Writes(encoder, way), second, cache=folder)
    assert scores(found, 0) == scores(found, 1) == scores(found, 2) == brightness()
    assert scores(score(second, cache=folder)) == brightness()
    both = score(Writes(encoder, way), second, cache=folder)
    assert scores(both, 0) == scores(both, 1) == brightness()


def test_an_encoder_that_writes_into_its_images_changes_no_other_ones_scores() -> None:
    class Plain(Brightness):
        prepare = Encoder.prepare

    heads = [Head("writes", Encoder(writes=True)), Head("reads", Encoder()), Plain()]
    for order in (heads, heads[::-1]):
        found = score(*order)
        assert [scores(found, at) for at in range(3)] == [brightness()] * 3


def test_what_an_encoder_gave_is_not_changed_by_what_it_does_later() -> None:
    """Its features are its input, which it changes when it gets the next perturbation's images."""
    encoder = OneBuffer()
    lineup, todo = Lineup([Head("a", encoder)], [parse("none"), parse("none")]), [(0, [0]), (1, [0])]
    order = ReadRequest(0, tuple("012345"), ("",) * IMAGES, lineup.wanted(todo))
    images = MemorySource([tiny_image(i) for i in range(IMAGES)])
    found = Scorer(lineup, Numerics()).score(Reader.of(lineup, [images])[order], todo)
    assert [result.score for result in found[0, 0]] == brightness()


def test_images_whose_features_are_kept_are_not_even_stacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacked = []
    real = Batch.stacked

    def counted(batch: Batch, stack: Stack) -> Tensor:
        stacked.append(stack.positions)
        return real(batch, stack)

    monkeypatch.setattr(Batch, "stacked", counted)
    encoder = Encoder()
    encoder.identity = "brightness, version 1"  # type: ignore[attr-defined]
    numbers = []
    for _ in range(2):
        score(Head("a", encoder), cache=FeatureCache(tmp_path, 1 << 20))
        numbers.append(len(stacked))
    assert numbers[0] == numbers[1] > 0


def test_a_network_that_wrote_into_its_images_before_memory_ran_out_is_not_given_them_again() -> None:
    class Spoils(Brightness):
        name = "spoils"

        def score(self, batch: Tensor) -> Tensor:
            batch.mul_(0.5)
            if len(batch) > 3:
                raise torch.OutOfMemoryError("out of memory")
            return super().score(batch)

    first = score(Spoils())[0, 0]
    assert {result.status for result in first} == {"failed"}
    assert "had written into its images" in first[0].error


def test_threads_of_one_process_prepare_one_at_a_time() -> None:
    """As on a Ray cluster; else one would write into what the other has not copied yet."""
    from concurrent.futures import ThreadPoolExecutor
    from time import sleep

    class Slowly(OneBuffer):
        def prepare(self, image: Image.Image) -> Tensor:
            prepared = super().prepare(image)
            sleep(0.002)
            return prepared

    images = MemorySource([tiny_image(i) for i in range(8)])
    reader = Reader.of(Lineup([Slowly()], [parse("none")]), [images])
    orders = [ReadRequest(0, (str(i),), ("",), ((0, (0,)),)) for i in range(8)]
    with ThreadPoolExecutor(8) as threads:
        batches = list(threads.map(reader.__getitem__, orders))
    values = [tensor.item() for batch in batches for _, tensor in batch.tensors((0, 0))]
    assert values == [Brightness().prepare(tiny_image(i)).item() for i in range(8)]


class Returns(Brightness):
    """Returns anything for two images."""

    def __init__(self, values: object) -> None:
        self.values = values

    def score(self, batch: Tensor) -> Tensor:
        return self.values  # type: ignore[return-value]


def test_n_real_numbers_are_scores_whatever_holds_them() -> None:
    for values in (
        torch.tensor([0.5, 2]),
        torch.tensor([0.5, 2], dtype=torch.float64, requires_grad=True),
        torch.tensor([0.5, 2], dtype=torch.bfloat16),
        [0.5, 2],
        (torch.tensor(0.5), torch.tensor(2)),
        [torch.tensor(0.5, requires_grad=True), 2],
        [np.float32(0.5), np.int8(2)],
        np.array([0.5, 2]),
        np.array([2, 0.5], ">f4")[::-1],
        np.array([0.5, 2], np.float16),
    ):
        returned, logits = scored(Returns(values), torch.zeros(2, 1))
        assert (returned.tolist(), returned.dtype, returned.requires_grad) == ([0.5, 2], torch.float32, False)
        assert logits.isnan().all()
    for whole in (torch.tensor([0, 255], dtype=torch.uint8), [0, 255], np.array([0, 255], np.uint16)):
        assert scored(Returns(whole), torch.zeros(2, 1))[0].tolist() == [0, 255]


def test_what_is_not_one_real_number_an_image_is_named_with_what_is_wanted() -> None:
    wanted = "; return 2 numbers for 2 images: a tensor, an array or a list"
    for values, words in (
        (
            torch.tensor([True, False]),
            "a tensor of shape (2,), bool" + wanted + "; truth values are no scores",
        ),
        ([True, False], "a list of 2 (bool)" + wanted + "; truth values are no scores"),
        (torch.tensor([1j, 2]), "a tensor of shape (2,), complex64" + wanted),
        (np.array([1j, 2]), "an array of shape (2,), complex128" + wanted),
        (torch.zeros(2, 1), "a tensor of shape (2, 1), float32" + wanted + "; add .squeeze(1)"),
        (np.zeros((2, 1)), "an array of shape (2, 1), float64" + wanted + "; add .squeeze(1)"),
        (torch.zeros(2, 2), "a tensor of shape (2, 2), float32" + wanted),
        (torch.zeros(3), "a tensor of shape (3,), float32" + wanted),
        (torch.zeros(1, 2), "a tensor of shape (1, 2), float32" + wanted),
        (torch.tensor(0.5), "a tensor of shape (), float32" + wanted),
        ([0.5], "a list of 1 (float)" + wanted),
        ([], "a list of 0 (empty)" + wanted),
        (0.5, "a float" + wanted),
        (None, "None" + wanted),
        ({0: 0.5, 1: 0.5}, "a dict" + wanted),
        (["0.5", "1"], "a list of 2 (str)" + wanted),
        ([0.5, None], "a list of 2 (NoneType, float)" + wanted),
        (([0.5], [1, 2]), "a tuple of 2 (list)" + wanted),
        (np.array(["a", "b"], object), "an array of shape (2,), object" + wanted),
        (torch.eye(2).to_sparse(), "a sparse_coo tensor of shape (2, 2), float32" + wanted),
        (torch.zeros(2, device="meta"), "a meta tensor of shape (2,), float32" + wanted),
        (
            torch.nested.nested_tensor([torch.zeros(1)], layout=torch.jagged),
            "a nested tensor, float32" + wanted,
        ),
    ):
        with pytest.raises(ValueError, match=rf"^score returned {re.escape(words)}"):
            scored(Returns(values), torch.zeros(2, 1))


def test_a_score_beyond_float32_is_not_said_to_be_infinite() -> None:
    found = score(Returns([1e300, math.inf, -1e39, math.nan, 1, 2]))[0, 0]
    assert [result.status for result in found] == ["nonfinite"] * 4 + ["ok"] * 2
    assert found[0].error == "brightness returned inf, or more than float32 holds; a score is a finite number"


@pytest.mark.parametrize("values", [np.arange(6, dtype=">i2").reshape(2, 3)[:, ::-1], np.float64(7)[None]])
def test_an_array_is_a_prepared_image_whatever_its_memory_looks_like(values: np.ndarray) -> None:
    values.flags.writeable = False
    made = prepared(lambda image: values, ONE)
    assert made.tolist() == values.tolist()
    assert str(made.dtype).removeprefix("torch.") == values.dtype.name


def test_a_number_of_numpy_is_a_prepared_image_of_no_dimension() -> None:
    made = prepared(lambda image: np.float32(0.5), ONE)
    assert (made.shape, made.dtype, made.item()) == ((), torch.float32, 0.5)


def test_what_is_prepared_is_a_copy_of_the_plugins_array() -> None:
    buffer = np.zeros(2)
    made = prepared(lambda image: buffer, ONE)
    buffer[:] = 1
    assert made.tolist() == [0, 0]


def test_an_encoder_may_give_arrays() -> None:
    class Arrays(Encoder):
        def encode(self, batch: Tensor) -> np.ndarray:  # type: ignore[override]
            return batch.numpy()

    assert scores(score(Head("head", Arrays()))) == brightness()


def test_what_is_not_a_row_an_image_is_named_with_what_gave_it() -> None:
    """Features of fewer or more images would become scores of the wrong ones."""

    class Gives(Encoder):
        def __init__(self, features: object) -> None:
            super().__init__()
            self.features = features

        def encode(self, batch: Tensor) -> Tensor:
            return self.features  # type: ignore[return-value]

        def outputs(self, batch: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
            return dict.fromkeys(names, self.features)  # type: ignore[arg-type]

    batch = torch.zeros(2, 1)
    for features, words in (
        (torch.zeros(3, 4), "a tensor of shape (3, 4), float32"),
        (torch.zeros(1, 2), "a tensor of shape (1, 2), float32"),
        (torch.tensor(0.5), "a tensor of shape (), float32"),
    ):
        for output, method in (("", "encode"), ("deep", "outputs['deep']")):
            wanted = f"{method} returned {words} for 2 images: return one row for each"
            with pytest.raises(ValueError, match=f"^{re.escape(wanted)}$"):
                encoded(Gives(features), [output], batch)
    assert encoded(Gives(torch.ones(2)), [""], batch)[""].tolist() == [1, 1]


def test_what_is_no_dense_tensor_is_no_prepared_image() -> None:
    for values in (torch.eye(2).to_sparse(), [1.0], np.array(["a"]), None, torch.zeros(2, device="meta")):
        with pytest.raises(
            TypeError, match=r"prepare returned .*; return a dense tensor or an array of numbers"
        ):
            prepared(lambda image, values=values: values, ONE)
    reader = Reader([MemorySource([ONE])], [parse("none")], [lambda image: torch.eye(2).to_sparse()], seed=0)
    missing = reader[ReadRequest(0, ("0",), ("",), ((0, (0,)),))].missing[0, 0][0]
    assert missing.status == "failed"
    assert "sparse" in missing.error


def test_a_logit_becomes_the_papers_float32_probability_whatever_its_own_type() -> None:
    class Known(LogitDetector):
        def logit(self, batch: Tensor) -> Tensor:
            return batch

    given = torch.tensor([-200.0, 0.0, 12.0, 17.5])
    # 1 / (1 + exp(-x)) in double precision, rounded to float32: it saturates at 1 from 17.4 on.
    expected = torch.tensor([0.0, 0.5, 0.9999938558253978, 1.0])
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        scored = Known().score(given.to(dtype))
        assert scored.dtype == torch.float32
        torch.testing.assert_close(scored, expected, rtol=0, atol=6e-8)
