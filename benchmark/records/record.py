"""Records: what made a cell's rows. What they are in JSON is spelled here, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any, Self

from forenbench.types import FOREIGN, OWN, PUBLISHED, SAMPLE, UNVERIFIED, Cell, Whereabouts

DetectorKey = tuple[str, str]
"""A detector's name and whose weights it has, which together make one row of every table."""
_KEYS = {"weights": "kind"}
"""Fields whose keys in files are other words; all others are called the same."""
_UNSEALED = "rows were stored without a digest, as earlier versions did: damage to them goes unnoticed"


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A JSON object of a record, which is written again as it was read, whatever version wrote it.

    Attributes:
        other: What it holds under keys that this version does not know. A field that is None has no key.
    """

    other: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        known = {key: getattr(self, name) for key, name in self._names().items()}
        return {**{key: value for key, value in known.items() if value is not None}, **self.other}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned, or an earlier version wrote.

        Raises:
            TypeError: It lacks a key that every version wrote.
            AttributeError: It is no JSON object.
        """
        names = cls._names()
        # A null is no field that is missing: it stays in `other`, so that it is written again, and so that
        # two identities of which one has it differ.
        known = {key: value for key, value in content.items() if key in names and value is not None}
        # JSON has no tuples, and what was written must compare equal to what is read
        frozen = {names[key]: tuple(v) if isinstance(v, list) else v for key, v in known.items()}
        return cls(**frozen, other={key: value for key, value in content.items() if key not in known})

    @classmethod
    @cache  # a run reads thousands of records
    def _names(cls) -> dict[str, str]:
        """Return the names of fields by their keys."""
        names = [field.name for field in fields(cls) if field.name != "other"]
        return {_KEYS.get(name, name): name for name in names}


@dataclass(frozen=True, kw_only=True)
class Identity(_Part):
    """All that makes rows what they are; rows of equal identity are not made again.

    Attributes:
        rows: Version of what a row means, raised by whoever makes rows: a run, an import, the baseline.
        detector: Its name.
        detector_version: The detector's own.
        threshold: A score strictly above it means "generated".
        weights: Whose they are (see `forenbench.weights.checkpoint_store`), or `FOREIGN`.
        checkpoints: sha256 of each file they were read from, by the checkpoint's name.
        code: sha256 of the file that the detector is in, if no package holds it; else empty.
        testset: Digest of the test set's images.
        perturbation: Its canonical name.
        seed: Of random perturbations.
        precision: See `forenbench.scoring.numerics.Numerics`; the first versions knew fp32 only.
        max_pixels: Of pictures that are read, where that is not the usual limit.
        reading: How a file of foreign scores was understood.
        reencoded: Digest of which files were re-encoded before the perturbation, and how; None: none was.
    """

    rows: int
    detector: str
    detector_version: str
    threshold: float
    weights: str
    checkpoints: Mapping[str, str]
    code: str
    testset: str
    perturbation: str
    seed: int
    precision: str | None = None
    max_pixels: int | None = None
    reading: Mapping[str, Any] | None = None
    reencoded: str | None = None


@dataclass(frozen=True, kw_only=True)
class Provenance(_Part):
    """What else a reader may want to know of rows: it does not make them others.

    Attributes:
        time: When they were stored, in UTC.
        position: Of the cell in tables: dataset, test set, perturbation, detector.
        command: What was typed.
        commit: Of the checkout that the code ran from; empty if it was installed.
        device: What the networks ran on.
        python: Its version.
        machine: System and processor.
        packages: Versions of what scores rest on.
        protocol: The rule by which images were chosen.
        found: Where the dataset was.
        notes: What readers of the rows must know.
        trained_on: What the detector's weights have seen, by the names of test sets and sources of reals.
        file: Of foreign scores.
    """

    time: str
    position: tuple[int, ...]
    command: tuple[str, ...] | None = None
    commit: str | None = None
    device: str | None = None
    python: str | None = None
    machine: str | None = None
    packages: Mapping[str, str] | None = None
    protocol: str | None = None
    found: Whereabouts | None = None
    notes: tuple[str, ...] | None = None
    trained_on: tuple[str, ...] | None = None
    file: str | None = None

    def to_json(self) -> dict[str, Any]:
        """See `_Part.to_json`."""
        if self.found is None:
            return super().to_json()
        # what is absent is not written, as elsewhere in records
        said = {name: value for name, value in self.found._asdict().items() if value is not None}
        return super().to_json() | {"found": said}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """See `_Part.from_json`."""
        read = super().from_json(content)
        found: Any = read.found  # still the object that it is in JSON
        return read if found is None else replace(read, found=Whereabouts(**found))


@dataclass(frozen=True)
class StatusCounts:
    """How many rows there are of each status (see `forenbench.records.rows.ImageResult`)."""

    ok: int = 0
    unreadable: int = 0
    failed: int = 0
    nonfinite: int = 0

    @property
    def images(self) -> int:
        """How many there are."""
        return sum(vars(self).values())

    @property
    def lost(self) -> dict[str, int]:
        """How many have no score, by status; empty where all have one."""
        return {status: number for status, number in vars(self).items() if status != "ok" and number}


@dataclass(frozen=True)
class Record:
    """What is kept beside a cell's rows.

    Attributes:
        cell: Whose rows they are.
        identity: What makes them what they are.
        counts: How many there are of each status.
        provenance: What else a reader may want to know.
        rows_sha256: Of their file; None in records of earlier versions.
    """

    cell: Cell
    identity: Identity
    counts: StatusCounts
    provenance: Provenance
    rows_sha256: str | None = None

    @property
    def detector(self) -> DetectorKey:
        """The row of every table that it is in."""
        return self.cell.detector, self.identity.weights

    @property
    def key(self) -> tuple[str, ...]:
        """What tells the cell from others, whose weights it has among it: detector to perturbation."""
        return *self.detector, self.cell.dataset, self.cell.testset, self.cell.perturbation

    @property
    def threshold(self) -> float:
        """The detector's own; a score strictly above it means "generated"."""
        return float(self.identity.threshold)

    @property
    def precision(self) -> str:
        """What the networks computed in; runs before there was a choice took fp32."""
        return self.identity.precision or "fp32"

    @property
    def protocol(self) -> str:
        """The rule by which images were chosen; runs before there was a choice took all."""
        return self.provenance.protocol or "all"

    @property
    def remarks(self) -> list[str]:
        """What a reader must know of how its rows were made and stored."""
        return [*(self.provenance.notes or ()), *([_UNSEALED] if self.rows_sha256 is None else [])]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object, without the seal that `forenbench.files.sealed` puts to it."""
        return {
            "cell": asdict(self.cell),
            "identity": self.identity.to_json(),
            "counts": asdict(self.counts),
            "made": self.provenance.to_json(),
            **({} if self.rows_sha256 is None else {"rows_sha256": self.rows_sha256}),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned, or an earlier version wrote.

        Raises:
            ValueError, TypeError, AttributeError: It is no record.
        """
        if content.keys() - {"rows_sha256"} != {"cell", "identity", "counts", "made"}:
            raise ValueError("it is no record")
        return cls(
            Cell(**content["cell"]),
            Identity.from_json(content["identity"]),
            StatusCounts(**content["counts"]),
            Provenance.from_json(content["made"]),
            content.get("rows_sha256"),
        )


def stated_weights(stored: bytes) -> str | None:
    """Read off whose weights a stored record is of, be it damaged elsewhere; None where it does not say."""
    # By a pattern, not as JSON, which is nothing at all once a record is cut short. A string cannot hold the
    # pattern, for JSON escapes its quotes; "weights" is in the cells of records whose file names say it, too.
    found = re.search(rf'"(?:{_KEYS["weights"]}|weights)": *"(\w*)"'.encode(), stored)
    stated = found[1].decode() if found else None
    return stated if stated in ("", PUBLISHED, SAMPLE, UNVERIFIED, OWN, FOREIGN) else None
