"""Layouts that say no label, or too little: what is said of them, and rules that would fit, as a guess."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from posixpath import splitext

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import FAKE

from .findings import Findings
from .rules import Rules
from .splits import split_of

_REAL = {"real", "reals", "nature", "natural", "photo", "photos", "coco", "mscoco", "raise", "lsun", "laion"}
_REAL |= {"imagenet", "ffhq", "afhq", "celeba", "celebahq", "flickr", "flickr30k", "cc3m", "sbu", "textcaps"}
"""What photographs, and sets of them, are called; a name counts if all its words are these or `_NEUTRAL`."""
_NEUTRAL = {"train", "val", "test", "images", "image", "dataset", "set", "hq", "k", "png", "jpg", "resized"}
_FAKE = {"fake", "fakes", "synthetic", "generated"}
_IMAGES = {".png", ".jpg", ".jpeg", ".jfif", ".webp", ".avif", ".heic", ".bmp", ".tif", ".tiff", ".gif"}
_SHOWN = 3

Folders = tuple[str, ...]


def without_labels(location: Path, paths: Sequence[str]) -> BenchError:
    """Return the error for a folder or archive in which nothing has a label.

    Args:
        location: Where it is.
        paths: All that is in it, but for texts beside images.
    """
    if not paths:
        return BenchError(f"'{location}' is empty: there is no file to score")
    quoted = shlex.quote(str(location))
    # the first file of each folder: reversed, the last one that is put under a key is the first in order
    first = {path.rpartition("/")[0]: path for path in reversed(paths)}
    some = ", ".join(f"'{readable(path)}'" for path in sorted(first.values())[:_SHOWN])
    ways = ["Sort them into such folders", "list them with their labels in a manifest"]
    if len(first) == 1:
        ways.append(f"if all have one label, real or fake, say it: bench data index {quoted} --label real")
    if location.is_dir():
        ways.append(f"score them without: bench score {quoted}")
    return BenchError(
        f"'{location}' holds {len(paths)} files, none below a folder named 0_real, 1_fake, real or fake, so "
        f"there are no labels (for instance {some}). {', or '.join(ways)}{_guess(location, paths)}"
    )


def without_fit(location: Path, findings: Findings) -> BenchError:
    """Return the error for a folder or archive of which no file fits a pattern for real or fake."""
    said = readable("; ".join(findings.notes))
    perhaps = _guess(location, findings.unlabelled)
    return BenchError(f"'{location}' holds no file that rules call real or fake: {said}{perhaps}")


def propose(paths: Iterable[str]) -> Rules:
    """Guess rules for paths whose folders say no label.

    Folders that are called like photographs, or sets of them, are real, unless another of the path is called
    like fakes. Of all others, the level of folders whose names vary most is the generator, the next one a
    class, or a split where all of its names say so.

    Returns:
        Rules by which every image has a label, right or wrong; none where all lie in one folder.
    """
    suffixes = defaultdict[Folders, set[str]](set)
    for path in paths:
        *folders, name = path.split("/")
        suffixes[tuple(folders)].add(splitext(name)[1].lower())
    # Where no name has an image's suffix, as names that are hashes, any file may be one.
    known = {folder: found for folder, found in suffixes.items() if found & _IMAGES}
    images = known or suffixes
    others = {suffix for found in known.values() for suffix in found - _IMAGES if suffix}
    if len(images) < 2:
        return Rules()
    reals, by_depth = dict[str, None](), defaultdict[int, list[Folders]](list)
    for folder in sorted(images):
        real_at = next((at for at, name in enumerate(folder) if _is_real(name)), None)
        if real_at is None or any(_FAKE & set(_words(name)) for name in folder):
            by_depth[len(folder)].append(folder)
            continue
        # all below the name that says it, or below a split that is deeper
        splits = [at for at, name in enumerate(folder) if split_of(name)]
        names = [_spelt(name) for name in folder[: max([real_at, *splits]) + 1]]
        if splits:
            names[splits[-1]] = "{split}"
        reals["/".join([*names, "**"])] = None
    fakes = [_pattern(found) for _, found in sorted(by_depth.items())]
    return Rules(tuple(reals), tuple(fakes), tuple(f"**/*{_spelt(suffix)}" for suffix in sorted(others)))


def _guess(location: Path, paths: Iterable[str]) -> str:
    """Return a sentence with a command that lists a folder's or archive's files by guessed rules."""
    if not (rules := propose(paths)):
        return ""
    words = [f"--{word} {shlex.quote(text)}" for word, texts in rules.to_json().items() for text in texts]
    command = " ".join(["bench data index", shlex.quote(str(location)), *words])
    return f". Patterns say it of any layout; these, which other commands take, too, are a guess: {command}"


def merged(labelled: Mapping[Folders, tuple[int, int, str]]) -> Iterator[str]:
    """Yield a note on a test set whose classes are perhaps test sets themselves.

    Such are the platforms of ``WildRF/test/reddit/0_real`` where nothing lies beside ``WildRF``, or where
    ``test`` lies beside what is no split, and is none itself.

    Args:
        labelled: For folders below one that says the label: at which place that is, the label, and the
            generator.
    """
    above = defaultdict[str, dict[Folders, int]](dict)
    for folders, (at, label, generator) in labelled.items():
        above[generator][folders[: at + 1]] = label
    for generator, found in above.items():
        # What one generator's splits hold is one, and is counted once.
        kinds = {tuple(n for n in names[1:-1] if not split_of(n)) for names in found} - {()}
        if len(kinds) < 2 or not (len(above) == 1 or split_of(generator)):
            continue
        depth = max(map(len, found))
        folder = _pattern([names[:-1] for names in found if len(names) == depth]).removesuffix("*")
        labels = sorted((label, names[-1]) for names, label in found.items())
        rules = " and ".join(
            f"{'fake' if label == FAKE else 'real'} '{folder}{_spelt(word)}/**'"
            for label, word in dict.fromkeys(labels)
        )
        some = ", ".join(f"'{'/'.join(names)}'" for names in sorted(kinds)[:_SHOWN])
        some += ", …" if len(kinds) > _SHOWN else ""
        yield (
            f"{len(kinds)} folders ({some}) count as classes of one test set '{generator}'; if each is a "
            f"test set, name the folder that they are in, or give the rules {rules}"
        )


def _is_real(name: str) -> bool:
    """Say whether a folder is called like photographs, and like nothing else: "ADM_imagenet" is not."""
    # "imagenet1k" is as good as "imagenet-1k"
    pieces = {one for word in _words(name) for one in ({word} & _REAL or re.findall("[a-z]+", word))}
    return bool(pieces & _REAL) and pieces <= _REAL | _NEUTRAL


def _words(name: str) -> list[str]:
    """Split a name into its words."""
    return re.findall("[a-z0-9]+", name.lower())


def _pattern(folders: Sequence[Folders]) -> str:
    """Make one pattern for folders of one depth."""
    levels = [sorted(set(names)) for names in zip(*folders, strict=True)]
    # Numbers and WordNet's n01440764 are names of classes or pictures, however many there are; and what is
    # called like photographs here says what fakes were made after.
    telling = [
        [n for n in names if len(re.findall("[A-Za-z]", n)) > 1 and not (_is_real(n) or split_of(n))]
        for names in levels
    ]
    varied = list(map(len, telling))
    parts, generator = [], varied.index(max(varied)) if levels else None
    for at, names in enumerate(levels):
        if at == generator:
            parts.append("{generator}")
        elif all(map(split_of, names)) and "{split}" not in parts:
            parts.append("{split}")
        elif len(names) == 1:
            parts.append(_spelt(names[0]))
        else:
            parts.append("*" if "{class}" in parts else "{class}")
    return "/".join([*parts, "*"])


def _spelt(name: str) -> str:
    """Spell a name in a pattern, and so that a shell and a terminal hand it on as it is."""
    return re.sub(r"[*]+", "*", "".join(c if c.isprintable() and c not in "{}" else "*" for c in name))
