"""Chains of perturbations: run whole, begun where another one left off, or on no more than is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .reaches import within

if TYPE_CHECKING:
    from PIL.Image import Image

    from forenbench.draws import Draw

    from .kinds import Kind
    from .reaches import Box, Size

    Look = Callable[[Size], Box | None]
    """Of an image of some size, all that will be looked at; None: all of it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A kind with its value."""

    kind: Kind
    value: float

    @property
    def name(self) -> str:
        """How it is written: ``jpeg:75``."""
        return f"{self.kind.family}:{self.value}" if self.kind.symbol else self.kind.family

    @property
    def values(self) -> tuple[float, ...]:
        """The value, where the kind takes one."""
        return (self.value,) if self.kind.symbol else ()

    def apply(self, image: Image, draw: Draw) -> Image:
        """Return a new image, or the same one where nothing was to be done."""
        draws = (draw,) if self.kind.random else ()
        return self.kind.apply(image, *self.values, *draws)


# No closure but an object: readers in other processes get it pickled.
@dataclass(frozen=True, slots=True)
class Chain:
    """Steps from left to right, all of which draw from one generator."""

    steps: tuple[Step, ...]

    def __call__(self, image: Image, draw: Draw) -> Image:
        """Run all steps."""
        for number in range(len(self.steps)):
            image = self.step(number, image, draw)
        return image

    def step(self, number: int, image: Image, draw: Draw) -> Image:
        """Run one step, counted from 0."""
        # In a chain, parameters are kept with the step's number ("1.left=3"): two steps may be of one kind.
        return self.steps[number].apply(image, draw.step(number + 1) if len(self.steps) > 1 else draw)

    def common(self, other: Chain) -> int:
        """Count the steps from the first that make the same of an image in both: those of one name, undrawn.

        Draws are seeded with the name of the whole chain, so that no two chains draw the same.
        """
        number = 0
        for one, another in zip(self.steps, other.steps, strict=False):
            if one.kind.random or one.name != another.name:
                break
            number += 1
        return number

    @property
    def whole(self) -> int:
        """Count the steps from the first that need the whole image; those after them have a `Kind.reach`."""
        drawn = False
        for number in range(len(self.steps), 0, -1):
            kind = self.steps[number - 1].kind
            # Of a part less is drawn, and whatever is drawn after that would be other numbers.
            if kind.reach is None or (kind.random and drawn):
                return number
            drawn = drawn or kind.random
        return 0

    def part(self, begun: int, image: Image, draw: Draw, box: Box) -> Image:
        """Run the steps that are left on no more of an image than decides one part of the result.

        Args:
            begun: How many were run; at least `whole`.
            image: What they made.
            draw: Of the whole chain.
            box: The part.
        """
        needed, size = [box], image.size
        for step in reversed(self.steps[begun:]):
            assert step.kind.reach is not None
            needed.append(step.kind.reach(size, needed[-1], *step.values))
        held = needed.pop()
        image = image.crop(held)
        for number in range(begun, len(self.steps)):
            image = self.step(number, image, draw)
            # Beyond what is needed next, pixels are wrong: the step took the part's edge for the image's. And
            # what a JPEG gets must begin with a block.
            last, held = held, needed.pop()
            image = image.crop(within(held, last))
        return image


class Beginning:
    """An image from which one chain after the other starts; what two neighbours begin with is done once."""

    def __init__(self, image: Image) -> None:
        self._kept = [image]  # after 0, 1, … steps of the last chain, as far as the next one has them too

    def keeps(self, image: Image) -> bool:
        """Say whether an image is one that later chains start from, and must stay as it is."""
        return any(image is one for one in self._kept)

    def run(self, chain: Chain, draw: Draw, following: Chain | None, look: Look) -> tuple[Image, Box | None]:
        """Run a chain.

        Args:
            chain: The last call's `following`.
            draw: Of the chain.
            following: The chain of the next call.
            look: What is looked at of the result.

        Returns:
            The result, or that part of it, and which part it is; None: all of it.
        """
        shared, whole = chain.common(following) if following else 0, chain.whole
        image = self._kept[-1]
        try:
            for number in range(len(self._kept) - 1, len(chain.steps)):
                if number >= whole and (box := look(image.size)):
                    return chain.part(number, image, draw, box), box
                image = chain.step(number, image, draw)
                if number < shared:
                    self._kept.append(image)
        finally:  # also where a step fails, as it may do in one chain of two
            del self._kept[shared + 1 :]
        box = look(image.size)
        return (image.crop(box) if box else image), box
