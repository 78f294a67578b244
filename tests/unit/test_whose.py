"""Whose weights a row has: the word comes from the files that were read, and so do the stars."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from forenbench.detectors._nets.encoders import CLIP_RN50, CLIP_VIT_L14
from forenbench.files.checksums import sha256_of
from forenbench.plugins import resolving
from forenbench.plugins.loaded import LoadedDetector
from forenbench.tables.contamination import remark
from forenbench.types import Cell
from forenbench.weights import Checkpoint, Weights, WrongWeights
from forenbench.weights.checkpoint_store import Judgement, judge, weakest
from forenbench.weights.file_bytes import FileBytes

HEAD = Checkpoint("head", "head.pth", "there", "MIT", {"weight": (1, 2)})
STEM = Checkpoint("stem", "stem.pth", "there", "MIT", {"weight": (1, 3)})


def saved(path: Path, width: int, value: float = 1) -> Path:
    torch.save({"weight": torch.full((1, width), value)}, path)
    return path


def test_the_word_for_a_file_is_that_of_what_is_known_of_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "head.pth", 2)
    sha256, size = sha256_of(path), path.stat().st_size
    shipped = replace(HEAD, shipped=True, file="types.py", package="forenbench")
    types = Path(resolving.__file__).parents[1] / "types.py"
    for checkpoint, file, word, problem in (
        (replace(HEAD, sha256=sha256), path, "published", False),
        (replace(HEAD, sha256=sha256.upper()), path, "published", False),
        (replace(HEAD, sha256=sha256[:8], size=size), path, "published", False),
        (HEAD, path, "unverified", False),
        (replace(HEAD, size=size), path, "unverified", False),
        (replace(HEAD, size=size + 1), path, "own", True),
        (replace(HEAD, size=size + 1, sha256=sha256), path, "own", True),
        (replace(HEAD, sha256="0" * 64), path, "own", True),
        (replace(HEAD, command="bench train head"), path, "own", False),
        (shipped, types, "sample", False),
        (shipped, path, "own", True),
        (replace(shipped, sha256=sha256_of(types)), types, "published", False),
    ):
        found = judge(checkpoint, file, FileBytes.of(file))
        assert (found.weights, bool(found.problem)) == (word, problem), checkpoint
        assert found.sha256 == sha256_of(file)


def test_of_several_files_the_weakest_word_counts_and_no_file_is_its_authors_own() -> None:
    order = ["published", "sample", "unverified", "own"]
    for at, word in enumerate(order):
        assert weakest(order[: at + 1]) == word
    assert weakest([]) == "own"


class Two:
    """A plugin that reads two files."""

    variants: ClassVar = {"published": ("a", "none")}
    checkpoints: ClassVar = (HEAD, STEM)
    version, threshold, trained_on = "1", 0.5, ("progan",)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"two:{variant}"
        for checkpoint in self.checkpoints if variant == "a" else ():
            weights.load(checkpoint)

    def prepare(self, image: object) -> object: ...
    def score(self, batch: object) -> object: ...


@pytest.mark.parametrize(
    ("known", "word", "stars"),
    [
        ({"head", "stem"}, "published", ("progan",)),
        ({"head"}, "unverified", ("mine",)),
        ({"stem", "other head"}, "own", ("mine",)),
    ],
)
def test_a_detectors_word_and_stars_are_those_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: set[str], word: str, stars: tuple[str, ...]
) -> None:
    paths = {"head": saved(tmp_path / "head.pth", 2), "stem": saved(tmp_path / "stem.pth", 3)}
    head = "0" * 64 if "other head" in known else sha256_of(paths["head"])
    stem = sha256_of(paths["stem"]) if "stem" in known else None
    monkeypatch.setattr(Two, "checkpoints", (replace(HEAD, sha256=head), replace(STEM, sha256=stem)))
    (loaded,) = make("a", Weights(paths=paths, unverified=True, trained_on=("mine",)))
    assert (loaded.weights, loaded.trained_on) == (word, stars)
    suffix = {"unverified": "stem (unverified)", "own": "head (own)", "published": "head"}[word]
    assert suffix in loaded.checkpoints
    (silent,) = make("a", Weights(paths=paths, unverified=True))
    assert silent.trained_on == (() if word == "own" else ("progan",))


def test_another_published_file_of_the_same_weights_is_published_too(tmp_path: Path) -> None:
    """OpenAI's own archive of CLIP has another size and sha256 than the copy that is fetched."""
    path = saved(tmp_path / "copy.pth", 2)
    known, file = replace(HEAD, sha256="0" * 64, size=1), FileBytes.of(path)
    assert judge(known, path, file).weights == "own"
    copied = replace(known, copies=(file.sha256,))
    assert judge(copied, path, file) == Judgement("published", sha256_of(path))


def test_the_catalogue_knows_openais_archives_by_what_their_addresses_say() -> None:
    from open_clip.pretrained import get_pretrained_url

    for checkpoint, model in ((CLIP_VIT_L14, "ViT-L-14"), (CLIP_RN50, "RN50")):
        assert checkpoint.copies == (get_pretrained_url(model, "openai").split("/")[-2],)


def test_a_detector_that_reads_no_file_states_itself_what_it_has_seen() -> None:
    (loaded,) = make("none", Weights(trained_on=("mine",)))
    assert (loaded.weights, loaded.trained_on) == ("own", ("progan",))


def make(variant: str, weights: Weights) -> list[LoadedDetector]:
    return [resolving._make("two", Two, variant, weights)]


def test_another_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not the published file is not unpacked; only its shapes are looked at, for the message."""
    path, devices = saved(tmp_path / "head.pth", 2), []
    import forenbench.weights as module

    read = module.read
    monkeypatch.setattr(module, "read", lambda path, device: devices.append(device) or read(path, device))
    with pytest.raises(WrongWeights, match=r"has sha256 .*expected 0000"):
        Weights(paths={"head": path}).load(replace(HEAD, sha256="0" * 64))
    assert devices == ["meta"]


def test_rows_of_two_kinds_of_weights_have_two_files(tmp_path: Path) -> None:
    from forenbench.records.record_files import RecordFiles

    paths = {
        RecordFiles(tmp_path).place(Cell("two:a", "set", "one", "none", word)).name
        for word in ("published", "sample", "unverified", "own")
    }
    assert len(paths) == 4
    assert "two=a.json" in paths


def test_tables_say_of_whom_no_star_can_be_expected() -> None:
    import pandas as pd

    cells = pd.DataFrame(
        {
            "detector": ["a", "b", "b"],
            "weights": ["published", "own", "own"],
            "testset": "progan",
            "known": [["progan"], [], []],
            "seen": [True, False, False],
            "unstated": [False, True, True],
        }
    )
    seen, unstated = remark(cells, "*")
    assert "seen in training" in seen
    assert "b (own)" in unstated
    assert "a (" not in unstated
    assert "--trained-on" in unstated
