"""A dataset divided into splits, a manifest each, for `calibrate` and training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from forenbench.audit import DISTANCE, duplicates
from forenbench.audit.traits import examine
from forenbench.data.descriptions import Spec, check_places
from forenbench.data.dividing import Division, Stratum, divide, shares_of
from forenbench.data.finding import find_files
from forenbench.data.inventory import take_stock
from forenbench.data.layouts import locate
from forenbench.data.requests import find_spec
from forenbench.data.sources.splits import chosen, take
from forenbench.data.split_manifests import write_splits
from forenbench.errors import BenchError
from forenbench.files.threads import in_threads
from forenbench.printable import readable
from forenbench.types import REAL, Advance, FileSource, Sample

from .arguments import PathName
from .bars import Quiet, RunProgress
from .keywords import taking
from .rule_options import RuleChoice, RuleOptions, several
from .talk import short

if TYPE_CHECKING:
    import pandas as pd

_SOME = 3
"""Names in a note."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The manifests that were written.

    Attributes:
        files: By split: val, test, train.
        counts: A row a split: ``split``, ``real``, ``fake``, ``tampered`` (where there are any), and
            ``origins``: how many photographs, videos and images of no origin, twins counting once.
        notes: What could not be divided as asked, in words.
    """

    files: Mapping[str, Path]
    counts: pd.DataFrame
    notes: tuple[str, ...]


@taking(RuleOptions, RuleChoice)
def split(  # noqa: PLR0913 - all that says what is divided, and how
    dataset: PathName,
    out: PathName | None = None,
    *,
    val: float | None = None,
    test: float | None = None,
    train: float | None = None,
    seed: int = 0,
    near: bool = False,
    of: str | Sequence[str] = "",
    data_root: PathName = "data",
    places: Mapping[str, PathName] | None = None,
    progress: bool = True,
    **options: Unpack[RuleOptions],
) -> Splits:
    """Divide a dataset into splits that share no origin, a manifest each, as ``bench data split`` does.

    Images of one origin or content are in one split, and each has its share of every label, generator, class
    and source of reals. The manifests are datasets: ``evaluate(…, "faces-split/val.csv")``.

    Args:
        dataset: The name of a dataset, a folder, an archive or a manifest.
        out: Folder of ``val.csv``, ``test.csv`` and ``train.csv``; by default ``<dataset>-split``.
        val: Share of the images for validation, between 0 and 1.
        test: For tests. A share that is not said gets the rest: test, else train.
        train: For training.
        seed: Another one gives other splits.
        near: Keep pictures together that look alike, too: all are decoded.
        of: Of a dataset that has splits, the first of these that is there; by default test, val, train.
        data_root: Where downloaded datasets lie.
        places: Where datasets lie that are not there, by name.
        progress: Say what was written, on stderr.
        options: See `RuleOptions`: what files of a path are.

    Returns:
        The manifests, how many images each holds, and what could not be divided as asked.

    Raises:
        BenchError: A share is none, a split would be empty, or the folder holds other splits.
    """
    told, shares = RunProgress() if progress else Quiet(), shares_of(val=val, test=test, train=train)
    spec = _one_dataset(str(dataset), RuleChoice(**options), places or {})
    with told:
        source, findings = find_files(spec, Path(data_root), told.files)
        taken = take(findings.samples, [one for word in several(of) for one in chosen(word)])
        generators = {sample.generator for sample in taken.samples if sample.label != REAL}
        samples = [_shared(sample, spec, generators) for sample in taken.samples]
        told.say(f"reading {spec.name}: {len(samples)} images")
        facts = take_stock(source, [sample.path for sample in samples])
        made = divide(samples, facts, shares, seed, _alike(source, samples, told.files) if near else ())
        notes = [readable(note) for note in (*taken.notes, *_notes(made))]
        out = Path(out or f"{spec.name}-split")
        files = write_splits(out, made, facts, source, Path(data_root) / spec.folder)
        for file, line in zip(files.values(), made.counts(), strict=True):
            told.say(f"wrote {short(file)}: {_in_words(line)}")
        for note in notes:
            told.say(f"note: {note}", "yellow")
    import pandas as pd  # not at the top: a command that is asked for its help should not load it

    return Splits(files, pd.DataFrame(made.counts()), tuple(notes))


def _one_dataset(request: str, rules: RuleChoice, places: Mapping[str, PathName]) -> Spec:
    """Find what is to be divided.

    Raises:
        BenchError: It is none, a suite, or borrows its reals.
    """
    spec = find_spec(request, rules.rules)
    if not isinstance(spec, Spec):
        parts = ", ".join(dict.fromkeys(part.dataset for part in spec.parts))
        raise BenchError(f"'{request}' is a suite: divide the datasets that it is made of ({parts})")
    if lender := spec.rules.reals:
        raise BenchError(
            f"the reals beside '{spec.name}' are those of '{lender}', and a split lists one dataset; write a "
            "manifest of both"
        )
    return locate(spec, check_places({name: Path(path) for name, path in places.items()}))


def _shared(sample: Sample, spec: Spec, generators: set[str]) -> Sample:
    """Word reals that a description shares among test sets as a manifest does: without a generator.

    Raises:
        BenchError: Some test sets have others, which no manifest can say.
    """
    if sample.label != REAL or sample.generator not in spec.reals:
        return sample
    if others := sorted(generators - set(spec.reals[sample.generator])):
        raise BenchError(
            f"dataset '{spec.name}' has reals of '{sample.generator}' for some test sets and not for "
            f"'{others[0]}', which a manifest cannot say; name the folder of one of them"
        )
    return replace(sample, generator="")


def _alike(source: FileSource, samples: Sequence[Sample], advance: Advance) -> list[list[str]]:
    """Decode all pictures, and group the paths of those that look alike."""
    import pandas as pd

    found = []
    paths = [sample.path for sample in samples]
    for done, traits in enumerate(in_threads(partial(examine, source), paths), 1):
        advance("comparing pictures", done, len(paths))
        found.append((traits.sha256, traits.looks, traits.problem))
    files = pd.DataFrame(found, columns=["sha256", "looks", "problem"]).astype({"looks": "uint64"})
    # Twins are asked for under whatever label: for all the search knows here, there is one.
    twins = duplicates.find(files.assign(dataset="", path=paths, label=REAL), DISTANCE).members
    near = twins[twins["kind"] == "near"]
    return [group["path"].tolist() for _, group in near.groupby("group")]


def _notes(made: Division) -> Iterator[str]:
    """Say what could not be divided as asked."""
    if made.merged:
        yield (
            f"{len(made.merged)} strata have too few origins to be divided by themselves, and were divided "
            f"together with others: {_some(made.merged)}"
        )
    for split, absent in made.absent.items():
        if absent:
            yield f"split '{split}' has no image of {_some(absent)}"


def _some(strata: Sequence[Stratum]) -> str:
    """Name the first of them."""
    more = f" and {len(strata) - _SOME} more" if len(strata) > _SOME else ""
    return ", ".join(map(str, strata[:_SOME])) + more


def _in_words(line: Mapping[str, str | int]) -> str:
    """Word a row of the counts."""
    labels = ", ".join(
        f"{number} {name}" for name, number in line.items() if name not in ("split", "origins")
    )
    return f"{labels} images of {line['origins']} origins"
