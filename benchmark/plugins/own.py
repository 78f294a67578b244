"""Detectors that a program hands over, as classes or as objects, and a digest of what they are."""

from __future__ import annotations

import hashlib
import inspect
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from forenbench.types import Detector

if TYPE_CHECKING:
    from _hashlib import HASH

_WHERE = {"__module__", "__qualname__", "__doc__", "__firstlineno__", "__dict__", "__weakref__"}
"""Of a class's members: where it stands, and what it is called."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnDetector:
    """A detector that is not given by name: an object, or a class or function that makes one.

    Attributes:
        given: The object, class or function.
    """

    given: Any

    def __str__(self) -> str:
        return self.__name__

    @property
    def __name__(self) -> str:
        """The name for error messages."""
        return str(getattr(self.given, "__name__", type(self.given).__name__))

    def __call__(self) -> Detector:
        """Return the object, or make it."""
        made: Detector = self.given() if self.is_made_here else self.given
        return made

    @property
    def is_made_here(self) -> bool:
        """Whether it is called to make the detector: it is a class, or a function."""
        return inspect.isclass(self.given) or inspect.isroutine(self.given)

    @property
    def code(self) -> str:
        """The sha256 of what makes its scores, as far as that can be seen; rows of another are made anew.

        Of a class in a file it is that file's, as for ``--detectors ./file.py``. A class of a notebook counts
        by its methods and attributes, an object also by what it holds: weights, parameters. What cannot be
        seen (functions that it calls, objects that cannot be pickled) does not count: there its ``version``
        must say that scores change.
        """
        maker = self.given if self.is_made_here else type(self.given)
        # A notebook's classes belong to `__main__`, which has no file there.
        module = sys.modules.get(getattr(maker, "__module__", None) or "")
        file = Path(getattr(module, "__file__", None) or "")
        if file.suffix == ".py" and file.is_file():
            made_of = file.read_bytes()
        elif inspect.isclass(maker):
            # With its bases of the same notebook: those of other modules are the code of libraries.
            bases = [base for base in maker.__mro__ if base.__module__ == maker.__module__]
            made_of = _digest(
                {f"{base.__name__}.{name}": member for base in bases for name, member in vars(base).items()}
            )
        else:
            made_of = _digest({maker.__name__: maker})
        held: dict[str, object] = {}
        if not self.is_made_here:
            slots = (name for base in type(self.given).__mro__ for name in getattr(base, "__slots__", ()))
            held = {name: getattr(self.given, name) for name in slots if hasattr(self.given, name)}
            held |= getattr(self.given, "__dict__", {})
        return hashlib.sha256(made_of + (_digest(held) if held else b"")).hexdigest()


def _digest(named: Mapping[str, object]) -> bytes:
    """Digest things by their names; of one that cannot be pickled only the name counts."""
    total = hashlib.sha256()
    for name in sorted(name for name in named if name.rpartition(".")[2] not in _WHERE):
        total.update(name.encode())
        one = hashlib.sha256()
        with suppress(Exception):  # whatever a class of others does when it is pickled
            _Digesting(one).dump(named[name])
            total.update(one.digest())
    return total.digest()


class _Sink:
    """A file of which only the digest is kept: what is pickled may be gigabytes of weights."""

    def __init__(self, digest: HASH) -> None:
        self.write: Callable[[Any], None] = digest.update


class _Digesting(pickle.Pickler):
    """Pickles functions and tensors by what is in them: by itself, it would take names and addresses."""

    def __init__(self, digest: HASH) -> None:
        super().__init__(_Sink(digest), protocol=5)

    def reducer_override(self, thing: Any) -> Any:  # noqa: ANN401 - pickle's own
        """Return what is pickled in place of an object."""
        # pickle takes a function by its module and name, which stay the same while its code changes.
        if isinstance(thing, FunctionType):
            return tuple, ((*_code(thing.__code__), thing.__defaults__, thing.__kwdefaults__),)
        if isinstance(thing, classmethod | staticmethod):
            return tuple, ((thing.__func__,),)
        if isinstance(thing, property):
            return tuple, ((thing.fget,),)
        if type(thing).__module__.partition(".")[0] == "torch" and hasattr(thing, "numpy"):
            import torch  # there already: one of its tensors is at hand; other modules of this need no torch

            # As bytes, for NumPy has no bfloat16; contiguous, for strides are no part of what a tensor says.
            values = thing.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
            return tuple, ((str(thing.dtype), tuple(thing.shape), values.tobytes()),)
        return NotImplemented


def _code(code: CodeType) -> Iterator[object]:
    """Yield what a function does, without where it stands."""
    yield code.co_code
    yield code.co_names
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield tuple(_code(value))
        else:  # a set of constants has no order of its own
            yield sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)
