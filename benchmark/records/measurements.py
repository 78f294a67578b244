"""The metrics of stored cells, remembered beside them: a finished run's tables read no row again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from importlib.metadata import version
from itertools import chain, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forenbench.files.checksums import sha256_of
from forenbench.files.forked import in_processes, most
from forenbench.metrics import classification as metrics
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.times_drawn import ROOM

from . import coverage, fits, remembered
from .coverage import APART, MISSING, WRONG
from .leakage import full_name
from .record import DetectorKey, Record
from .remembered import CellMetrics, Remembered
from .store import Store

if TYPE_CHECKING:
    from .measuring import Question

_CELL, _IMAGE = 0.015, 15e-6
"""Seconds that a cell takes, and each of its images, about."""
_WORTH = 2.0
"""Seconds from which on several processes pay."""
_MEMORY, _BYTES = 2 << 30, 350
"""Bytes that all processes may take, or an eighth of the machine's memory; and those of an image."""
_GROUPS = 4
"""Groups of cells for each process: the last ones at work do not keep the others waiting for long."""
_NO_PROBABILITY = "images without a score count as errors, and an error has no probability"


@dataclass(slots=True)
class Measurements:
    """What the rows of one run say, each cell measured once.

    A cell is measured again if its record, its file of rows or the code that measures has changed. In a run
    folder that cannot be written nothing is remembered, and all is measured each time.

    Attributes:
        store: The run.
        by_class: Take each class of a cell's images (its reals and its fakes) for itself, without intervals.
        failed_as: What images without a score count as, one of `coverage.FAILED_AS`.
        tampered_as: What tampered images count as, one of `coverage.TAMPERED_AS`.
        anew: Neither believe nor keep what is remembered.
    """

    store: Store
    by_class: bool
    failed_as: str = MISSING
    tampered_as: str = APART
    anew: bool = False
    _known: dict[str, Remembered] = field(init=False)
    _fits: dict[DetectorKey, dict[str, Any]] = field(init=False)
    _code: str = field(init=False)
    _changed: bool = False

    def __post_init__(self) -> None:
        coverage.check(self.failed_as, self.tampered_as)
        self._known = {} if self.anew else remembered.read(self.store.root)
        self._fits = fits.read(self.store.root)
        # What numbers rest on beside the rows: the text of the modules, rather than a version that somebody
        # would have to remember to raise.
        here = (Path(__file__).with_name(f"{name}.py") for name in ("measuring", "coverage"))
        files = [*here, *sorted(Path(metrics.__file__).parent.glob("*.py"))]
        libraries = [version(name) for name in ("scikit-learn", "numpy")]
        catalogue = [(row.name, row.version) for row in METRICS.values()]  # those of packages included
        self._code = json.dumps([libraries, [*map(sha256_of, files)], catalogue])

    def prepare(self, records: Iterable[Record]) -> None:
        """Measure what is not known of cells, in several processes where that pays; `of` then knows it.

        Raises:
            Damaged: Rows are not what was written.
        """
        lacking = {key: question for key, question in map(self._asked, records) if self._lacks(key, question)}
        images = [question.record.counts.images for question in lacking.values()]
        processes = at_once(images)
        if processes < 2:
            return  # `of` measures each when it is asked for
        import scipy.special  # noqa: F401 - once, and not in each process

        most_each, groups = -(-len(lacking) // (_GROUPS * processes)), []
        # Consecutive cells of a test set go together, for they share what they draw.
        for _, several in groupby(lacking.values(), lambda one: full_name(one.record)):
            while some := list(islice(several, most_each)):
                groups.append(some)
        answers = in_processes(lambda some: [one.answer(self.store) for one in some], groups, processes)
        for key, answer in zip(lacking, chain.from_iterable(answers), strict=True):
            self._keep(key, answer)

    def of(self, record: Record) -> list[CellMetrics]:
        """Return a finished cell's lines.

        Each has the counts of its images (see `coverage.count`), ``class`` (empty unless `by_class`), every
        metric, the ends of its interval as ``<metric>_low`` and ``<metric>_high`` where it has one,
        ``undefined`` and ``no_probabilities`` with the reasons for what is missing, ``replicates`` of the
        metrics that are `kept`, ``failed_as`` (`WRONG` where images without a score count as errors),
        ``tampered_as``, and ``mark``, which differs where anything that the line rests on does. Without
        `by_class` there are also ``origins``, how many were drawn from (0: images were), ``sources``: of the
        reals of each source their number ``real``, their ``real_acc``, and the ``auroc`` of all fakes against
        them; and of tampered images, see `_of_tampered`.
        """
        key, question = self._asked(record)
        if self._lacks(key, question):
            self._keep(key, question.answer(self.store))
        known = self._known[key]
        failed_as = question.failed_as
        shared = {"mark": question.mark, "failed_as": failed_as, "replicates": known.replicates}
        shared |= {"tampered_as": self.tampered_as}
        shared |= {"no_probabilities": _NO_PROBABILITY} if failed_as == WRONG else {}
        return [line | shared for line in known.lines]

    def save(self) -> None:
        """Keep what was measured for the next time."""
        if self._changed and not self.anew:
            with suppress(OSError):  # somebody else's run, read-only: all is measured each time
                remembered.write(self.store.root, self._known)

    def _asked(self, record: Record) -> tuple[str, Question]:
        """Say what is asked of a cell, and what it is remembered under."""
        from .measuring import Question  # tables need nothing of what measures, once all is known

        # where every image has a score both ways of counting are one, and so is what is remembered
        failed_as = self.failed_as if record.counts.lost else MISSING
        key = json.dumps([*astuple(record.cell), self.by_class, failed_as, self.tampered_as])
        fit = fits.find(self._fits, record)
        # Whatever a number rests on is in the mark: one that is remembered must be the one that would be
        # computed now.
        made_from = json.dumps([self._code, record.to_json(), self.store.stamp(record), fit], sort_keys=True)
        mark = hashlib.sha256(made_from.encode()).hexdigest()
        return key, Question(record, mark, fit, self.by_class, failed_as, self.tampered_as)

    def _lacks(self, key: str, question: Question) -> bool:
        return key not in self._known or self._known[key].mark != question.mark

    def _keep(self, key: str, answer: Remembered) -> None:
        self._known[key] = answer
        self._changed = True


def at_once(images: Sequence[int]) -> int:
    """Say how many processes are to measure cells of so many images each: as many as pay, and find memory."""
    if most() < 2 or sum(_CELL + _IMAGE * each for each in images) < _WORTH:
        return 1
    memory = max(_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8)
    return min(len(images), most(), max(1, memory // (ROOM + _BYTES * max(images))))
