"""Any folder as a labelled dataset: ``0_real``/``1_fake`` or ``real``/``fake`` folders at any depth."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from posixpath import join

from forenbench.errors import BenchError
from forenbench.files.hub_datasets import folder_name
from forenbench.files.regular import irregular
from forenbench.printable import readable as readable
from forenbench.types import REAL, Sample, Stamp

from .findings import Findings
from .labels import GENIMAGE_LABELS, LABELS, WORDS
from .leftovers import aside, texts_beside
from .links import Entry, walk
from .names import is_passed_over
from .ruled import read_by_rules
from .rules import NO_RULES, Rules
from .splits import find_splits, split_of
from .stamping import refuse_size, stamp_file
from .unlabelled import merged, without_fit, without_labels


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of image files; paths are relative to it."""

    root: Path

    def read(self, path: str) -> bytes:
        """Return one file's bytes."""
        file = self.root / path
        if why := irregular(file):
            raise FileNotFoundError(f"no file at {readable(str(file))} ({why})")
        refuse_size(file.stat().st_size)
        return file.read_bytes()

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at files' sizes and times of change."""
        root = self.root.resolve()
        return {path: stamp_file(root / path) for path in paths}


def find_samples(
    root: Path, otherwise: int | None = None, classes: Collection[str] = (), rules: Rules = NO_RULES
) -> Findings:
    """List the labelled files below a folder, in the order of their paths (see `read_labels`).

    Every file counts, whatever its name, except hidden ones and those of the operating system.

    Raises:
        BenchError: The folder does not exist, cannot be read, is empty, or has no label folder; or no file
            fits the rules.
    """
    if not root.is_dir():
        raise BenchError(f"no folder at '{root}'")
    findings = read_labels(list_files(root), folder_name(root), otherwise, classes, rules)
    return refuse_empty(root, findings, rules)


def refuse_empty(location: Path, findings: Findings, rules: Rules) -> Findings:
    """Return what a folder or archive holds, if anything in it has a label.

    Raises:
        BenchError: Nothing has.
    """
    if not findings.samples:
        if findings.unlabelled and rules.label_paths:
            raise without_fit(location, findings)
        raise without_labels(location, findings.unlabelled)
    return findings


def read_labels(
    paths: Iterable[str],
    root_name: str,
    otherwise: int | None = None,
    classes: Collection[str] = (),
    rules: Rules = NO_RULES,
) -> Findings:
    """Read labels, splits, generators and classes off the folders in paths.

    The innermost folder with a label's name gives the label. Above it stand generator and class
    (``biggan/0_real/x.png``, ``progan/horse/1_fake/x.png``); where it is the outermost folder, what follows
    it is the generator (``fake/sdxl/x.png``), and reals are then shared by all generators. Where there is
    none, the label is `otherwise`, as if all such files lay in a folder called so. A split's folder is none
    of these (see `find_splits`).

    A text beside an image of the same name is left aside: a caption, or what else is known of the image.

    Args:
        paths: With forward slashes.
        root_name: Of the generator, where no folder names one.
        otherwise: See above.
        classes: Folders that are no splits, whatever they are called.
        rules: What they leave aside is left; where patterns say the label, no folder's name does.
    """
    # The order is part of what a test set is: digests, limits and batches go by it, and file systems list
    # each in their own.
    ordered = sorted(paths)
    texts = texts_beside(ordered)
    notes = list(aside(sorted(texts)))
    if rules.leave or rules.label_paths:
        ruled = read_by_rules([path for path in ordered if path not in texts], root_name, rules)
        notes += ruled.notes
        if rules.label_paths:
            return replace(ruled, notes=tuple(notes))
        ordered = list(ruled.unlabelled)
    # by folder, for a million files lie in some dozen of them
    folders = {path.rpartition("/")[0] for path in ordered}
    names = {folder: tuple(folder.split("/")) if folder else () for folder in folders}
    # Only folders of labelled files can be splits: a "train" of scripts beside the images is none.
    labelled = (above for above in names.values() if otherwise is not None or _find_label(above) is not None)
    splits = find_splits(labelled, classes)
    read = {folder: _read(above, splits, root_name, otherwise) for folder, above in names.items()}
    # A description says what is a generator, and what a class; and where all labels are one, neither matters.
    if not classes and otherwise is None:
        places = {above: (_find_label(above), read[folder]) for folder, above in names.items()}
        said = {f: (at, made.keywords) for f, (at, made) in places.items() if at and made}
        notes += merged({f: (at, of["label"], of["generator"]) for f, (at, of) in said.items()})
    found = [(path, read[path.rpartition("/")[0]]) for path in ordered if path not in texts]
    samples = tuple(sample(path) for path, sample in found if sample is not None)
    unlabelled = tuple(path for path, sample in found if sample is None)
    return Findings(samples, unlabelled, tuple(notes))


def list_files(root: Path) -> Iterator[str]:
    """Yield paths of files below a folder, hidden and system ones aside; links to folders are followed.

    Raises:
        BenchError: A folder cannot be read, or see `walk`.
    """
    return (path for path, _ in walk(join(os.path.realpath(root), ""), _entries))


def _entries(folder: str) -> list[Entry]:
    """List a folder of the file system."""
    entries = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if is_passed_over(entry.name):
                    continue
                # scandir knows without another call what is a folder, but for links. `DirEntry.is_dir`
                # raises for links that lead in a circle; by `Path.is_dir` such a one is an unreadable file.
                is_link, real = entry.is_symlink(), entry.path
                if (Path(real) if is_link else entry).is_dir():
                    real = join(os.path.realpath(real) if is_link else real, "")
                entries.append(Entry(entry.name, real))
    except OSError as error:
        raise BenchError(f"folder '{readable(folder)}' cannot be read: {error.strerror or error}") from error
    return entries


def _read(
    folders: Sequence[str], splits: Collection[tuple[str, ...]], root_name: str, otherwise: int | None
) -> partial[Sample] | None:
    """Read off its folders what makes a sample of a file's path; None where nothing says the label."""
    depth = len(folders)
    split_at = next((at for at in range(depth) if tuple(folders[: at + 1]) in splits), depth)
    split = split_of(folders[split_at]) if split_at < depth else ""
    others = [*folders[:split_at], *folders[split_at + 1 :]]
    label_at = _find_label(others)
    if label_at is None:
        label, above, below = otherwise, [], others
    else:
        label, above, below = WORDS[others[label_at].lower()], others[:label_at], others[label_at + 1 :]
    if label is None:
        return None
    if above:
        generator, class_name = above[0], "/".join(above[1:] + below)
    elif label != REAL:
        generator, class_name = (below[0], "/".join(below[1:])) if below else (root_name, "")
    else:
        generator, class_name = "", ""
    real_source = ("/".join(below) or generator or root_name) if label == REAL else ""
    texts = map(readable, (generator, class_name, real_source))
    names = dict(zip(("generator", "class_name", "real_source"), texts, strict=True))
    return partial(Sample, label=label, split=split, **names)


def _find_label(folders: Sequence[str]) -> int | None:
    """Return the index of the innermost folder whose name is a label."""
    for names in (LABELS, GENIMAGE_LABELS):
        for at in reversed(range(len(folders))):
            if folders[at].lower() in names:
                return at
    return None
