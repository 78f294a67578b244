"""A prepare that states what it looks at gets the very tensors that it would make of whole pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import center_crop, pil_to_tensor

from forenbench.detectors._nets.pixels import CLIP, IMAGENET, PLAIN, FlooredCrop, Preprocess, Tiled
from forenbench.perturbations import parse
from forenbench.perturbations.reaches import Box
from forenbench.scoring.batches import Batch, ReadRequest
from forenbench.scoring.prepare_windows import window
from forenbench.scoring.preparing import Reader
from forenbench.testing import Brightness, MemorySource, run_check, tiny_image

CHAINS = ("jpeg:75+blur:1", "none", "jpeg:75", "noise:4", "crop:0.5", "resize:0.5+blur:1", "webp:70", "gray")
IMAGES = [
    tiny_image(seed, *size) for seed, size in enumerate([(131, 90), (64, 64), (40, 99), (1, 1), (91, 64)])
]


class Cropped:
    """Cuts the centre; says so, or states something else, and keeps the sizes that it was shown."""

    def __init__(self, crop: int, state: Callable[[int, int], Any] | None) -> None:
        self.inner, self.sizes = Preprocess(PLAIN, crop=crop), list[tuple[int, int]]()
        if state:
            self.window = state

    def __call__(self, image: Image.Image) -> Tensor:
        self.sizes.append(image.size)
        return self.inner(image)


def read(*prepares: Callable[[Image.Image], Tensor], first: str = "") -> Batch:
    reader = Reader([MemorySource(IMAGES)], [parse(text) for text in CHAINS], prepares, seed=3)
    paths = tuple(map(str, range(len(IMAGES))))
    wanted = tuple((p, tuple(range(len(prepares)))) for p in range(len(CHAINS)))
    firsts = dict.fromkeys(range(len(CHAINS)), ("", first) * 2 + ("",)) if first else {}
    return reader[ReadRequest(0, paths, ("",) * len(paths), wanted, firsts)]


def tensors(batch: Batch, k: int) -> dict[tuple[int, int], Tensor]:
    return {
        (p, at): tensor
        for p in range(len(CHAINS))
        for ats, stack in batch.tensors((p, k))
        for at, tensor in zip(ats, stack, strict=True)
    }


def assert_same(one: dict[tuple[int, int], Tensor], other: dict[tuple[int, int], Tensor]) -> None:
    assert one.keys() == other.keys()
    assert len(one) == len(CHAINS) * len(IMAGES)
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


@pytest.mark.parametrize("first", ["", "jpeg:60"])
def test_tensors_and_draws_are_those_of_whole_pictures(first: str) -> None:
    plain = Cropped(32, None)
    stating = Cropped(32, plain.inner.window)
    whole, part = read(plain, first=first), read(stating, first=first)
    assert_same(tensors(whole, 0), tensors(part, 0))
    assert whole.drawn == part.drawn
    # larger pictures never came to it: what is shown is the crop, or a picture that is smaller than it
    assert all(size == (32, 32) or min(size) < 32 for size in stating.sizes)
    assert any(size == IMAGES[0].size for size in plain.sizes)


def test_several_windows_are_cut_from_one_part() -> None:
    """Corners are rounded in two ways, so that one centre is not the centre of the other."""
    plain = [Cropped(32, None), Cropped(45, None)]
    floored = FlooredCrop(PLAIN, crop=37)
    batch, alone = read(*(one.inner for one in plain), floored), read(*plain, lambda image: floored(image))
    for k in range(3):
        assert_same(tensors(batch, k), tensors(alone, k))


def test_beside_one_that_sees_all_pictures_are_whole() -> None:
    seeing = Preprocess(PLAIN, resize=20)
    stating = Cropped(32, Preprocess(PLAIN, crop=32).window)
    together, alone = read(stating, seeing), read(seeing)
    assert_same(tensors(together, 1), tensors(alone, 0))
    assert IMAGES[0].size in stating.sizes


def test_one_that_draws_on_its_image_changes_none_that_is_still_needed() -> None:
    plain = Cropped(32, None)

    def drawing(image: Image.Image) -> Tensor:
        tensor = plain(image)
        image.paste((1, 2, 3), (0, 0, *image.size))
        return tensor

    assert_same(tensors(read(drawing), 0), tensors(read(plain), 0))


def test_a_reader_does_once_what_chains_begin_with_wherever_they_stand(tmp_path: Path) -> None:
    file, calls = tmp_path / "noted.py", tmp_path / "calls"
    file.write_text(
        "from forenbench.perturbations.kinds import Kind\n"
        f"def noted(image):\n    with open({str(calls)!r}, 'a') as file:\n        file.write('x')\n"
        "    return image\n"
        "KIND = Kind('noted', noted, 'noted')\n"
    )
    names = (f"{file}+jpeg:50", "none", f"{file}", "blur:1", f"{file}+gray")
    reader = Reader([MemorySource(IMAGES)], [parse(name) for name in names], [Cropped(9, None)], seed=0)
    reader[ReadRequest(0, ("0",), ("",), tuple((p, (0,)) for p in range(len(names))))]
    assert calls.read_text() == "x"


@pytest.mark.parametrize(
    "stated",
    [
        (0, 0, 33, 32, 1),
        "all",
        (5, 5, 5, 9),
        (0, 0, 900, 900),
        (-1, 0, 9, 9),
        (0, -1, 9, 9),
        (0, 0, 9, 900),
        7,
        (0, "x", 3, 4),
    ],
)
def test_a_statement_that_names_no_part_is_as_none_and_the_contract_says_so(stated: object) -> None:
    def state(width: int, height: int) -> object:
        return stated

    broken = Cropped(32, state)
    assert_same(tensors(read(broken), 0), tensors(read(Cropped(32, None)), 0))
    with pytest.raises(ValueError, match=r"prepare\.window of 64×64 gives"):
        window(broken, (64, 64))


def boxed(box: Sequence[int]) -> Callable[[int, int], Box | None]:
    def state(width: int, height: int) -> Box | None:
        left, top, right, lower = box
        return (left, top, right, lower) if width >= right and height >= lower else None

    return state


class OfACorner(Brightness):
    """Looks at 9×9 pixels of the corner, and states what it is told to."""

    def __init__(self, box: Sequence[int]) -> None:
        def prepare(image: Image.Image) -> Tensor:
            return super(OfACorner, self).prepare(image.crop((0, 0, 9, 9)))

        self.prepare = prepare  # type: ignore[method-assign, assignment]
        prepare.window = boxed(box)  # type: ignore[attr-defined]


def test_the_contract_tries_what_is_stated() -> None:
    check = "prepare sees no more than it states"
    assert run_check(check, OfACorner((0, 0, 9, 9))) == ""
    assert run_check(check, OfACorner((0, 0, 12, 30))) == ""  # more than it sees costs time, and is no lie
    assert "(0, 0, 9, 8) that prepare.window states" in run_check(check, OfACorner((0, 0, 9, 8)))
    assert "gives (0, 0, 0, 9); it must be" in run_check(check, OfACorner((0, 0, 0, 9)))
    assert run_check(check, Brightness()) == ""
    rounded = Brightness()
    rounded.prepare = Cropped(224, FlooredCrop(PLAIN, crop=224).window)  # type: ignore[method-assign]
    assert "1003×603 image" in run_check(check, rounded)


@pytest.mark.parametrize("kind", [Preprocess, FlooredCrop])
def test_crops_state_their_window_for_every_margin(kind: type[Preprocess]) -> None:
    prepare = kind(IMAGENET, crop=12)
    for side in range(8, 28):
        image = tiny_image(side, side, 35 - side)
        box = prepare.window(*image.size)
        if min(image.size) < 12:
            assert box is None
            continue
        assert box
        assert torch.equal(prepare(image), prepare(image.crop(box)))
        assert torch.equal(prepare(image), prepare(image.crop(box).resize((12, 12))))


def test_the_window_is_torchvisions_crop() -> None:
    for size in ((12, 12), (13, 14), (15, 99), (1003, 603)):
        image = tiny_image(1, *size)
        box = Preprocess(PLAIN, crop=12).window(*size)
        assert torch.equal(pil_to_tensor(image.crop(box)), pil_to_tensor(center_crop(image, [12, 12])))


def test_what_is_scaled_or_not_cut_is_seen_whole() -> None:
    for prepare in (Preprocess(PLAIN), Preprocess(PLAIN, resize=20, crop=12), Preprocess(PLAIN, resize=20)):
        assert prepare.window(90, 90) is None


@pytest.mark.parametrize("kind", [Preprocess, FlooredCrop])
def test_the_first_step_of_a_crop_which_readers_do_looks_at_the_same(kind: type[Preprocess]) -> None:
    whole = kind(CLIP, crop=32)
    for prepare in (whole.levels, Tiled(32, whole), Tiled(32, whole).levels):
        assert window(prepare, (75, 50)) == whole.window(75, 50) is not None
    assert window(Preprocess(CLIP, resize=40, crop=32).levels, (75, 50)) is None


def test_of_what_small_pictures_are_tiled_for_no_part_is_shown_that_would_be_tiled() -> None:
    for side, size in ((33, (75, 50)), (32, (75, 31))):
        tiled = Tiled(side, Preprocess(CLIP, crop=32))
        assert window(tiled, size) is window(tiled.levels, size) is None
