"""The part of a picture that a `prepare` looks at, where it states one: the rest need not be perturbed."""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import repr as short

from forenbench.perturbations.reaches import Box, Size
from forenbench.registry.guests import contained

from .calls import Prepare


def window(prepare: Prepare, size: Size) -> Box | None:
    """Return all that a `prepare` looks at of pictures of one size (width, height); None: all, or unknown.

    Raises:
        ValueError: It states something else than a part of such a picture.
    """
    state = getattr(prepare, "window", None)
    if state is None:
        return None
    with contained():
        box = state(*size)
    if box is None:
        return None
    try:
        left, top, right, lower = box
        if 0 <= left < right <= size[0] and 0 <= top < lower <= size[1]:
            return int(left), int(top), int(right), int(lower)
    except (TypeError, ValueError):
        pass
    wanted = "(left, top, right, lower) within it, or None"
    raise ValueError(f"prepare.window of {size[0]}×{size[1]} gives {short(box)}; it must be {wanted}")


class Windows:
    """What several prepares look at together.

    Attributes:
        boxes: The window of each in what was looked at last; without any, all of them get all of it.
    """

    def __init__(self, prepares: Sequence[Prepare]) -> None:
        self._prepares = prepares
        self.boxes: list[Box] = []

    def __call__(self, size: Size) -> Box | None:
        """Return the smallest box that holds all windows; None where one of the prepares states none."""
        try:
            boxes = [window(prepare, size) for prepare in self._prepares]
        except Exception:  # what cannot be understood leaves all as if nothing had been said
            boxes = [None]
        self.boxes = [box for box in boxes if box]
        if len(self.boxes) < len(boxes):
            self.boxes = []
            return None
        lefts, tops, rights, lowers = zip(*self.boxes, strict=True)
        return min(lefts), min(tops), max(rights), max(lowers)
