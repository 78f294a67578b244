"""Described datasets → their labelled files, wherever they lie, or made on first use."""

from __future__ import annotations

import pkgutil
import shlex
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from forenbench.data.sources.findings import Findings
from forenbench.data.sources.joined import Joined
from forenbench.data.sources.lent import Lent, lend
from forenbench.data.sources.listed import only_listed
from forenbench.data.sources.locations import open_location, open_locations
from forenbench.data.sources.source_kinds import is_there
from forenbench.errors import BenchError
from forenbench.files.hub_datasets import snapshot_of
from forenbench.files.places import cache_folder
from forenbench.printable import readable
from forenbench.types import REAL, Advance, FileSource

from .descriptions import Spec
from .layouts import find_layout, only_described
from .requests import find_lender
from .testsets import describe


class MissingDataset(BenchError):
    """A described dataset is not on this machine; the message says where to get it."""


def find_files(
    spec: Spec, data_root: Path, advance: Advance = lambda what, done, total: None
) -> tuple[FileSource, Findings]:
    """List a described dataset's labelled files, whether unpacked or in its archives; build it on first use.

    Reals of another dataset that stand beside them are `Findings.borrowed`, and are read where they are.

    Raises:
        MissingDataset: It is not there, or the one whose reals it borrows.
        BenchError: Nothing in it has a label; or it has reals, and borrows others.
    """
    source, findings = _find_own(spec, data_root, advance)
    lender = find_lender(spec)
    if lender is None:
        return source, findings
    if own := [sample.path for sample in findings.samples if sample.label == REAL]:
        raise BenchError(
            f"dataset '{spec.name}' has {len(own)} real images of its own, the first '{readable(own[0])}', "
            f"and is to have those of '{lender.name}' beside its fakes; leave out the one or the other"
        )
    try:
        lent, found = _find_lent(lender, data_root, advance)
    except BenchError as error:
        whose = f"the reals of dataset '{spec.name}' are those of '{lender.name}'"
        raise type(error)(f"{whose}: {error}") from error
    # as manifests list them in another order than that of paths, by which a subset is taken
    ordered = sorted((one for one in found.samples if one.label == REAL), key=lambda one: one.path)
    reals = lend(lender.name, lender.subset.of_label(ordered))
    if not reals:
        raise BenchError(f"dataset '{lender.name}', whose reals '{spec.name}' borrows, holds none")
    owners = {sample.path: at for at, several in enumerate((findings.samples, reals)) for sample in several}
    if len(owners) < len(findings.samples) + len(reals):
        raise BenchError(
            f"paths of dataset '{spec.name}' begin like those of the reals that it borrows "
            f"('{reals[0].path}'); rename the folder"
        )
    return Joined([source, Lent(lender.name, lent)], owners), replace(findings, borrowed=reals)


def _find_lent(lender: Spec, data_root: Path, advance: Advance) -> tuple[FileSource, Findings]:
    """List the files of a dataset whose reals are borrowed; in a plain folder of photographs all are real."""
    try:
        return _find_own(lender, data_root, advance)
    except BenchError:
        if lender.description:  # a name: its description says what its files are
            raise
        return _find_own(lender, data_root, advance, otherwise=REAL)


def _find_own(
    spec: Spec, data_root: Path, advance: Advance, otherwise: int | None = None
) -> tuple[FileSource, Findings]:
    """List the files of one dataset, with this label where none has any; see `find_files`."""
    folder = data_root / spec.folder
    if spec.builder:
        made = cache_folder() / f"{spec.name}-{spec.version}"
        folder = made / spec.folder
        try:
            with FileLock(f"{made}.lock"):  # runs that start together do not make it side by side
                if not folder.is_dir():
                    doing = f"making dataset {spec.name} (once)"
                    build = pkgutil.resolve_name(spec.builder)
                    build(made, lambda done, total: advance(doing, done, total))
        except OSError as error:
            raise BenchError(
                f"dataset '{spec.name}' cannot be made at '{made}': {error}. XDG_CACHE_HOME names another "
                "place"
            ) from error
    unpacked, archives = find_place(spec, folder, data_root)
    rules = replace(spec.rules, name=spec.name)
    if archives:
        source, findings = open_locations(archives, spec.names(), rules)
    else:
        source, findings = open_location(unpacked, otherwise, spec.names(), rules)
    # In a folder of its own all files are its files. Where official code unpacks it, or where somebody says,
    # other benchmarks may lie beside it.
    if unpacked != data_root / spec.folder or Path(spec.folder).is_absolute():
        findings = only_described(spec, findings)
    if (snapshot := snapshot_of(unpacked)) is not None:
        note = f"it is commit {snapshot.revision} of the hub's dataset {snapshot.repository}"
        findings = replace(findings, notes=(note, *findings.notes))
    findings = replace(findings, samples=describe(spec, findings.samples))
    return only_listed(source, findings, Path(spec.subset.list)) if spec.subset.list else (source, findings)


def find_place(spec: Spec, folder: Path, data_root: Path) -> tuple[Path, list[Path]]:
    """Say where a dataset lies; nothing of it is listed.

    Args:
        spec: The dataset.
        folder: Where it is unpacked, if it is in its own place.
        data_root: Where else it is looked for.

    Returns:
        Its folder; and the archives in place of this one, none where it is there.

    Raises:
        MissingDataset: It is nowhere.
    """
    archives = [data_root / name for name in spec.archives]
    if not is_there(folder) and archives and all(path.is_file() for path in archives):
        return folder, archives
    unpacked = folder if is_there(folder) else find_layout(spec, data_root)
    if unpacked is None:
        paths = " or ".join(f"'{path}'" for path in (folder, *archives))
        fetch = f"'bench data fetch {spec.name}{root_option(data_root)}'"
        raise MissingDataset(
            f"dataset '{spec.name}' is not at {paths}. {fetch} gets it or says how (source: {spec.source}; "
            f"licence: {spec.licence}). Where it lies elsewhere, name that data root, or the path of "
            f"{spec.name}"
        )
    return unpacked, []


def root_option(data_root: Path) -> str:
    """Return the option ``--data-root`` for a printed command; empty where the data root is ``data``."""
    return "" if data_root == Path("data") else f" --data-root {shlex.quote(str(data_root))}"
