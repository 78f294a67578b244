"""Kinds of perturbation that packages and files add, held at arm's length."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from reprlib import repr as short
from typing import TYPE_CHECKING

from PIL import Image

from forenbench.images.effort import max_pixels
from forenbench.registry import Opened
from forenbench.registry.guests import contained, reason

if TYPE_CHECKING:
    from .kinds import Kind

# Names and versions become parts of file names, of a comma-separated list and of chains joined by "+".
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
VERSION = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}|")


def of_package(found: Opened[Kind]) -> Opened[Kind]:
    """Give a package's kind the version that its rows carry; of one that states none, the package's."""
    kind, entry = found.thing, found.entry
    if kind is None:
        return found
    if kind.name != entry.name:
        return Opened(entry, problem=f"it calls itself {short(kind.name)}")
    # Versions such as 1.0+local hold a sign that joins chains.
    version = kind.version or re.sub(r"[^a-z0-9._-]", "-", entry.version.lower()) or "0"
    try:
        return Opened(entry, held(kind, kind.apply, version))
    except Exception as error:
        return Opened(entry, problem=reason(error))


def held(kind: Kind, apply: Callable[..., Image.Image], version: str) -> Kind:
    """Ask a kind once what is lacking, and stand between its function and the images that others see, too.

    Raises:
        Exception: Whatever its `lack` raises.
    """
    # Asked once: a kind that says another thing the next time would stop a run that had begun.
    with contained():
        lack = partial(str, kind.lack())
        # Nothing tries what a guest might say of its reach, and a wrong one would change pixels.
        return replace(kind, apply=_Guest(apply), version=version, lack=lack, reach=None)


def flaw(kind: Kind) -> str:
    """Say what of a kind cannot be written on a command line, or called."""
    if not isinstance(kind.name, str) or not NAME.fullmatch(kind.name):
        return f"has name {short(kind.name)}: use small letters, digits, '-' and '_', letter first"
    if not isinstance(kind.version, str) or not VERSION.fullmatch(kind.version):
        return f"has version {short(kind.version)}: use small letters, digits, '.', '-' and '_'"
    if kind.symbol and not (kind.number in (int, float) and kind.low <= kind.high):
        return f"has a value that is no int or float from {short(kind.low)} to {short(kind.high)}"
    return "" if callable(kind.apply) else "has an apply that cannot be called"


@dataclass(frozen=True, slots=True)
class _Guest:
    """An added kind's function, which gets an image of its own and whose result is looked at and copied."""

    apply: Callable[..., Image.Image]

    def __call__(self, image: Image.Image, *values: object) -> Image.Image:
        with contained():
            # A copy, for the same image goes through every other perturbation as well.
            made = self.apply(image.copy(), *values)
            if not isinstance(made, Image.Image) or made.mode != "RGB" or 0 in made.size:
                raise ValueError(f"it made {short(made)}, and no RGB image")
            if made.width * made.height > max_pixels():
                raise ValueError(f"it made {made.width}×{made.height} pixels, over {max_pixels()}")
            # Copied once more: the guest may keep what it returned, and change it with the next image.
            return Image.frombytes("RGB", made.size, made.tobytes())
