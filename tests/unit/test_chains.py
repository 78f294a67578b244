"""Chains on parts of pictures, and chains that begin alike, make the pixels of whole chains."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forenbench.draws import Draw
from forenbench.errors import BenchError
from forenbench.perturbations import draw_generator, parse
from forenbench.perturbations.chains import Beginning, Chain, Step
from forenbench.perturbations.kinds import KINDS, Kind
from forenbench.perturbations.reaches import Box, Size

LOCAL = (
    "jpeg:1",
    "jpeg:75",
    "jpeg:100",
    "jpeg-cv2:60",
    "blur:1",
    "blur:2.3",
    "sharpen:1.5",
    "gray",
    "gamma:2",
)
DRAWN = ("noise:4", "poisson:90")
CHAINS = (
    *("jpeg:75+blur:1", "blur:2+jpeg:30", "jpeg:80+jpeg:50+sharpen:2", "gray+blur:1+gamma:0.5"),
    *("noise:4+jpeg:60", "blur:1+noise:4+blur:1", "noise:4+noise:9", "noise:4+poisson:50+blur:1"),
    *(
        "shift+jpeg:75",
        "noise:4+shift+jpeg:75",
        "crop:0.7+blur:1",
        "resize:0.8+jpeg:70+blur:1",
        "webp:60+blur:1",
    ),
    *("fit:64+jpeg:50", "blur:1+square:40", "jitter:0.2+jpeg:50"),
)


def chain_of(text: str) -> Chain:
    chain = parse(text).apply
    assert isinstance(chain, Chain)
    return chain


def picture(width: int, height: int) -> Image.Image:
    """Colours that change fast and slowly, so that JPEG's blocks and colours differ from their neighbours."""
    random = np.random.default_rng(width)
    coarse = random.integers(0, 256, (height // 9 + 2, width // 9 + 2, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    return Image.fromarray(smooth + random.integers(0, 40, smooth.shape, dtype=np.uint8))


def boxes(size: Size) -> list[Box]:
    """In the middle, along each edge, in corners, one pixel, and all."""
    (w, h), random = size, np.random.default_rng(size[0])
    fixed = [(w // 3, h // 3, w // 2 + 1, h // 2 + 1), (0, 0, 1, 1), (w - 1, h - 1, w, h), (0, 0, w, h)]
    fixed += [(0, h // 3, w // 4 + 1, h // 2 + 1), (w // 4, 0, w // 2 + 1, h // 3 + 1)]
    ends = (np.sort(random.choice(side + 1, 2, replace=False)) for side in [w, h] * 3)
    drawn = [tuple(map(int, (*x, *y))) for x, y in zip(*[ends] * 2, strict=True)]
    return [*fixed, *((left, top, right, lower) for left, right, top, lower in drawn)]


@pytest.mark.parametrize("text", [*LOCAL, *DRAWN, *CHAINS])
def test_a_part_is_what_the_whole_has_there(text: str) -> None:
    chain, name = chain_of(text), parse(text).name
    for size in ((71, 53), (5, 3)):
        image, seeded = picture(*size), partial(draw_generator, 0, name, "a" * 64)
        draw = seeded()
        whole = chain(image, draw)
        for box in boxes(whole.size):
            part_draw = seeded()
            part, part_is = Beginning(image).run(chain, part_draw, None, lambda _, box=box: box)
            assert (part_is, part.size) == (box, (box[2] - box[0], box[3] - box[1]))
            assert part.tobytes() == whole.crop(box).tobytes(), (size, box)
            assert part_draw.text == draw.text


def test_steps_that_can_be_are_run_on_parts() -> None:
    assert [chain_of(text).whole for text in (*LOCAL, *DRAWN)] == [0] * (len(LOCAL) + len(DRAWN))
    expected = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 1, 1, 1, 1, 2, 1]
    assert [chain_of(text).whole for text in CHAINS] == expected
    assert {kind.name for kind in KINDS if kind.reach} == {
        text.partition(":")[0] for text in (*LOCAL, *DRAWN)
    }


def test_what_a_file_states_of_its_reach_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from forenbench.perturbations.kinds import Kind\n"
        "KIND = Kind('turned', lambda image: image.rotate(180), 'turned', reach=lambda size, box: box)\n"
    )
    assert chain_of(f"{file}").whole == 1
    assert chain_of(f"jpeg:75+{file}+blur:1").whole == 2


def test_no_more_is_touched_than_decides_the_part() -> None:
    seen: list[Size] = []

    def watched(image: Image.Image, *values: float) -> Image.Image:
        seen.append(image.size)
        return blur.kind.apply(image, *values)

    (blur,) = chain_of("blur:2").steps
    chain = Chain((replace(blur, kind=replace(blur.kind, apply=watched)),))
    Beginning(picture(400, 300)).run(chain, draw_generator(0, "", ""), None, lambda _: (200, 100, 210, 120))
    assert seen == [(10 + 2 * 8, 20 + 2 * 8)]


def test_what_no_jpeg_can_hold_fails_though_the_part_would_not() -> None:
    for text in ("jpeg:75", "jpeg-cv2:75", "blur:0.5+jpeg:75"):
        long, box = Image.new("RGB", (65_501, 1)), (0, 0, 9, 1)
        with pytest.raises(BenchError, match="JPEG cannot hold 65501×1"):
            Beginning(long).run(chain_of(text), draw_generator(0, "", ""), None, lambda _, box=box: box)


class Counted:
    """Makes kinds that add a level, and counts their calls by name; "bad" fails."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def chain(self, *names: str) -> Chain:
        return Chain(tuple(Step(self.kind(name), 0) for name in names))

    def kind(self, name: str) -> Kind:
        def apply(image: Image.Image, *draw: Draw) -> Image.Image:
            self.calls.append(name)
            if name == "bad":
                raise ValueError("bad")
            return image.point(lambda value: value * 3 % 256 + ord(name[0]) % 7)

        return Kind(name, apply, name, random=name.startswith("random"))


def run_all(image: Image.Image, *chains: Chain) -> list[bytes]:
    begun, made = Beginning(image), []
    for chain, following in zip(chains, [*chains[1:], None], strict=True):
        try:
            made.append(begun.run(chain, draw_generator(0, "", ""), following, lambda _: None)[0].tobytes())
        except ValueError:
            made.append(b"")
    assert begun.keeps(image)
    assert len(begun._kept) == 1
    return made


def test_what_chains_begin_with_alike_is_done_once() -> None:
    counted, image = Counted(), picture(20, 10)
    names = [("a",), ("a", "b"), ("a", "b", "c"), ("a", "c"), ("b",), ("b", "random"), ("b", "random", "c")]
    chains = [counted.chain(*one) for one in names]
    made = run_all(image, *chains)
    assert counted.calls == ["a", "b", "c", "c", "b", "random", "random", "c"]
    assert made == [chain(image, draw_generator(0, "", "")).tobytes() for chain in chains]


def test_a_chain_that_fails_leaves_the_next_one_whole() -> None:
    counted, image = Counted(), picture(20, 10)
    names = [("a", "b", "bad"), ("a", "b", "bad", "c"), ("a", "c"), ("b",)]
    made = run_all(image, *(counted.chain(*one) for one in names))
    draw = draw_generator(0, "", "")
    assert made == [b"", b"", *(counted.chain(*one)(image, draw).tobytes() for one in names[2:])]


def test_an_image_that_a_later_chain_starts_from_is_known() -> None:
    counted, image = Counted(), picture(20, 10)
    begun, none, one, two = Beginning(image), Chain(()), counted.chain("a"), counted.chain("a", "b")
    draw = draw_generator(0, "", "")
    made, _ = begun.run(none, draw, one, lambda _: None)
    assert made is image
    assert begun.keeps(made)
    shared, _ = begun.run(one, draw, two, lambda _: None)
    assert begun.keeps(shared)
    last, _ = begun.run(two, draw, None, lambda _: None)
    assert not begun.keeps(last)
    assert not begun.keeps(shared)
