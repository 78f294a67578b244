"""Miniatures of the described datasets: the right folders and formats, with tiny images made by formula."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from forenbench.data.descriptions import CountKey, Spec, specs, suites
from forenbench.types import REAL

_SUFFIXES = {"PNG": ".png", "BMP": ".bmp", "JPEG": ".jpeg"}


def write_layout(
    folder: Path, name: str, images_per_class: int = 1, side: int = 64, contents: int | None = None
) -> list[Path]:
    """Write a dataset, or those a suite selects from, as they would lie below ``--data-root folder``.

    Args:
        folder: The data root.
        name: Of a dataset or suite.
        images_per_class: In every place that the description names: generator, class and label.
        side: Of the images, in pixels.
        contents: How many contents there are for the generators of all datasets; by default, each has its
            own. Those that share one have the same images, so that an encoder's features of the first are
            found for the others.

    Returns:
        The folder of each dataset written.
    """
    known = suites()
    wanted = {part.dataset: part.testsets for part in known[name].parts} if name in known else {name: ()}
    described = specs()
    return [
        _write(folder, described[one], scaled(described[one], images_per_class, testsets), side, contents)
        for one, testsets in wanted.items()
    ]


def scaled(spec: Spec, images_per_class: int = 1, testsets: tuple[str, ...] = ()) -> dict[CountKey, int]:
    """Return the places of a miniature, each with its number of images."""
    sources = {source for source, names in spec.reals.items() if {*names} & {*testsets}}
    wanted = {*testsets, *sources}
    return {place: images_per_class for place in spec.counts if not testsets or place.generator in wanted}


def _write(folder: Path, spec: Spec, counts: dict[CountKey, int], side: int, contents: int | None) -> Path:
    """Write one dataset."""
    root = folder / spec.folder
    classes = {
        generator: sorted({key.class_name for key in counts if key.generator == generator})
        for generator in {key.generator for key in counts}
    }
    for key, number in counts.items():
        above = (key.class_name,) if spec.generator else (key.generator, key.class_name)
        target = root.joinpath(*filter(None, above), "0_real" if key.label == REAL else "1_fake")
        target.mkdir(parents=True, exist_ok=True)
        formats = spec.formats.get((key.generator, key.label), {"PNG": 1})
        for i, image_format in enumerate(islice(cycle(formats), number)):
            file = target / f"{i:05}{_SUFFIXES[image_format]}"
            seed = file.relative_to(folder).as_posix()
            if contents is not None:
                content = zlib.crc32(key.generator.encode()) % contents
                seed = f"{content}/{classes[key.generator].index(key.class_name)}/{key.label}/{i}"
            _image(seed, key.label, side).save(file, image_format)
    return root


def _image(seed: str, label: int, side: int) -> Image.Image:
    """Draw smooth colours and noise, seeded by a text; generated images carry a faint checkerboard."""
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    y, x = np.mgrid[0:side, 0:side] / side
    phase, speed = random.uniform(0, 6, 3), random.uniform(2, 9, 3)
    field = 128 + 90 * np.sin(x[..., None] * speed + y[..., None] * speed[::-1] + phase)
    field = field + random.normal(0, 4, field.shape)
    if label != REAL:
        field[::2, ::2] += 12
    return Image.fromarray(np.clip(np.rint(field), 0, 255).astype(np.uint8))


_UNSAID: dict[str, list[str]] = {"real": ["{generator}/0_real/*"], "fake": ["{generator}/1_fake/*"]}
_FILLED = {"class": "class", "source": "source", "origin": "000"}


def write_mock(root: Path, spec: Spec) -> None:
    """Write a file for every place that a description names, and for those whose reals it borrows.

    Places are its test sets in its patterns, or in label folders. The files are empty, but for tables.

    Args:
        root: The data root.
        spec: The description.
    """
    names, rules = spec.testsets or ("some",), spec.rules.to_json()
    if not rules and spec.counts:
        _write(root, spec, scaled(spec), 8, None)
    elif "columns" in rules:
        _write_table(root / spec.folder / "data" / "test-0.parquet", rules, names)
    else:
        said = rules or _UNSAID
        for text in (text for word in ("leave", "real", "fake") for text in _published(said.get(word, ()))):
            for name in names:
                target = root / spec.folder / _filled(text, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
    if "reals" in rules:
        write_mock(root, specs()[rules["reals"]])


def _published(patterns: Sequence[str]) -> Sequence[str]:
    """Leave out how others sort what was published otherwise."""
    return [text for text in patterns if "0_real" not in text and "1_fake" not in text] or patterns


def _filled(pattern: str, generator: str) -> str:
    """Return a path that fits a pattern."""
    # what lies beside folders of generators is for training
    split = "test" if "{generator}" in pattern else "train"
    path = pattern.replace("**/", "").replace("**", "*").format(generator=generator, split=split, **_FILLED)
    folder, _, file = path.rpartition("/")
    # a pattern that says no suffix takes any
    name = file.replace("*", "1") if file.endswith((".jpg", ".txt", ".pdf", ".json")) else "000.png"
    return f"{folder.replace('*', '1')}/{name}".removeprefix("/")


def _write_table(file: Path, rules: Mapping[str, Any], names: Sequence[str]) -> None:
    """Write a parquet file with a fake of each generator, and a row for each label that is mapped."""
    labels = ["1"] * len(names) + list(rules.get("labels", ()))
    generators = [*names, *[names[0]] * (len(labels) - len(names))]
    columns = {
        theirs: generators if ours == "generator" else labels for ours, theirs in rules["columns"].items()
    }
    file.parent.mkdir(parents=True)
    pq.write_table(pa.table({"image": [b"-"] * len(labels), "label": labels, **columns}), file)
