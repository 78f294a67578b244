"""``bench cache``: what it shows, what it removes, and what it asks first."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result
from filelock import FileLock
from privileges import read_only, unprivileged
from typer.testing import CliRunner

from forenbench.cli.cache import app
from forenbench.errors import BenchError
from forenbench.files.in_use import using
from forenbench.files.places import cache_folder
from forenbench.scoring.features import address, user_cache

Cache = Callable[..., Result]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """Call ``bench cache`` with arguments; nothing is kept yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FORENBENCH_FEATURES", raising=False)

    def call(*arguments: str, answer: str = "") -> Result:
        result = CliRunner().invoke(app, arguments, input=answer)
        if isinstance(result.exception, BenchError):
            raise result.exception
        return result

    return call


def keep(encoder: str, blocks: int) -> None:
    """Keep blocks of 100 000 bytes, and a header of 128 and a checksum of 4, each."""
    for i in range(blocks):
        user_cache().put(address(encoder, "none", i, ["a"], ""), torch.zeros(25_000))


def kept() -> dict[str, int]:
    return {one.name: one.blocks for one in user_cache().usage()}


def test_an_empty_cache_shows_where_it_is_its_limit_and_every_kind(cache: Cache) -> None:
    lines = cache("show").stdout.splitlines()
    assert lines[:2] == ["folder   cache/forenbench", "limit    10.0 GB, of features (FORENBENCH_FEATURES)"]
    kinds = ["features", "weights", "downloads", "datasets", "inventory", "answers"]
    assert [line.split()[:4] for line in lines[3:]] == [[kind, "0", "0", "bytes"] for kind in kinds]


def test_encoders_are_shown_with_the_largest_first(cache: Cache) -> None:
    keep("little, version 1", 1)
    keep("large, version 1", 3)
    lines = cache("show").stdout.splitlines()
    assert lines[3].split()[:4] == [
        "features",
        "6",
        "400.6",
        "kB",
    ]  # a note of what they are, in two more files
    assert re.fullmatch(r"large-[0-9a-f]{12}: 3 blocks, 300.4 kB", lines[-2])
    assert re.fullmatch(r"little-[0-9a-f]{12}: 1 blocks, 100.1 kB", lines[-1])


@pytest.mark.parametrize(("size", "shown"), [("0", "off"), ("500 MB", "500.0 MB")])
def test_the_limit_is_the_users(cache: Cache, monkeypatch: pytest.MonkeyPatch, size: str, shown: str) -> None:
    monkeypatch.setenv("FORENBENCH_FEATURES", size)
    assert f"limit    {shown}, of features (FORENBENCH_FEATURES)" in cache("show").stdout


def test_a_wrong_limit_is_named(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENBENCH_FEATURES", "plenty")
    with pytest.raises(BenchError, match="FORENBENCH_FEATURES: 'plenty' is no size"):
        cache("show")


def test_clear_asks_and_then_removes_everything(cache: Cache) -> None:
    keep("one", 2)
    keep("two", 1)
    result = cache("clear", "features", answer="y\n")
    assert result.exit_code == 0
    assert "To remove: features, 5 files, 300.4 kB; computed again" in result.stderr
    assert kept() == {}
    assert not user_cache().folder.exists()


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_clear_removes_nothing_without_a_yes(cache: Cache, answer: str) -> None:
    keep("one", 2)
    result = cache("clear", "features", answer=answer)
    assert result.exit_code == 1
    assert "Nothing was removed." in result.stderr
    assert kept() == {"one": 2}


def test_clear_removes_nothing_where_nobody_answers(cache: Cache) -> None:
    keep("one", 1)
    with pytest.raises(
        BenchError, match="nothing was removed: nobody answered; with '--yes' nobody is asked"
    ):
        cache("clear", "features")
    assert kept() == {"one": 1}


def test_clear_removes_one_encoder_by_name_or_by_folder(cache: Cache) -> None:
    keep("clip-vit-l14, version 1", 1)
    keep("clip-vit-l14, version 2", 1)
    keep("clip-rn50, version 1", 1)
    folder = address("clip-vit-l14, version 2", "none", 0, ["a"], "").folder
    assert cache("clear", "features", "--encoder", folder, "--yes").exit_code == 0
    assert kept() == {"clip-vit-l14": 1, "clip-rn50": 1}
    keep("clip-vit-l14, version 2", 1)
    assert cache("clear", "--encoder", "clip-vit-l14", "--yes").exit_code == 0
    assert kept() == {"clip-rn50": 1}


def test_clear_knows_what_a_misspelt_encoder_may_mean(cache: Cache) -> None:
    keep("clip-vit-l14", 1)
    with pytest.raises(BenchError, match=r"unknown encoder 'clip-vit': did you mean clip-vit-l14\?"):
        cache("clear", "features", "--encoder", "clip-vit", "--yes")


@pytest.mark.parametrize("arguments", [(), ("--encoder", "clip")])
def test_clear_of_an_empty_cache_says_so(cache: Cache, arguments: tuple[str, ...]) -> None:
    result = cache("clear", "features", *arguments)
    assert result.exit_code == 0
    assert "Nothing of that is kept in cache/forenbench." in result.stderr


def test_what_cannot_be_removed_is_an_error(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    with unprivileged() as folder:
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
        keep("one", 1)
        words = f"'{folder}/forenbench/features/one-.* are there still: may they be removed"
        with read_only(folder), pytest.raises(BenchError, match=words):
            cache("clear", "features", "--yes")


Made = dict[str, Path]


@pytest.fixture
def made(cache: Cache) -> Made:
    """Something of every kind, by kind."""
    folder = cache_folder()
    keep("one", 1)
    files = {
        "features": next(user_cache().folder.rglob("*.npy")),
        "weights": folder / "weights" / "clip" / "clip.pt",
        "downloads": folder / "weights" / "dino" / "dino.pt.part",
        "datasets": folder / "sample-2" / "sample" / "0_real" / "a.png",
        "inventory": folder / "inventory.sqlite",
        "answers": folder / "answers" / "api" / "ab.json",
    }
    for name, file in files.items():
        if name != "features":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"12345")
    (folder / "weights" / "dino" / "dino.pt.part.json").write_text("{}")
    (folder / "sample-2.lock").touch()
    (folder / "of-others.txt").write_text("kept")
    return files


def test_every_kind_is_shown_with_its_files(cache: Cache, made: Made) -> None:
    table = {line.split()[0]: line.split()[1:4] for line in cache("show").stdout.splitlines()[3:9]}
    assert list(table) == list(made)
    assert {name: (files, size) for name, (files, size, _) in table.items() if name != "features"} == {
        "weights": ("1", "5"),
        "downloads": ("2", "7"),
        "datasets": ("1", "5"),
        "inventory": ("1", "5"),
        "answers": ("1", "5"),
    }


def test_only_the_kind_that_is_named_is_removed(cache: Cache, made: Made) -> None:
    gone = []
    for name in made:
        assert cache("clear", name, "--yes").exit_code == 0
        gone.append(name)
        assert [kind for kind, file in made.items() if not file.exists()] == gone
    assert [path.name for path in cache_folder().iterdir()] == ["of-others.txt"]


def test_all_means_every_kind_and_nothing_of_others(cache: Cache, made: Made) -> None:
    assert cache("clear", "all", answer="n\n").exit_code == 1
    assert all(file.exists() for file in made.values())
    assert cache("clear", "all", "--yes").exit_code == 0
    assert [path.name for path in cache_folder().iterdir()] == ["of-others.txt"]


def test_what_a_run_that_is_going_on_may_need_stays(cache: Cache, made: Made) -> None:
    with using(cache_folder()):
        for name in ("weights", "datasets", "inventory", "answers"):
            with pytest.raises(BenchError, match=f"a run is going on that may need {name}"):
                cache("clear", name, "--yes")
        assert cache("clear", "features", "downloads", "--yes").exit_code == 0
    assert {name for name, file in made.items() if not file.exists()} == {"features", "downloads"}


@pytest.mark.parametrize("name", ["weights", "downloads", "datasets"])
def test_what_another_process_writes_stays(cache: Cache, made: Made, name: str) -> None:
    place = cache_folder() / "sample-2" if name == "datasets" else made[name].with_name(made[name].stem)
    place = made[name] if name == "weights" else place
    with FileLock(f"{place}.lock"):
        result = cache("clear", name, "--yes")
    assert "are just being written, and stay" in result.stderr
    assert made[name].exists()


def test_what_was_half_removed_is_no_dataset_and_goes_the_next_time(cache: Cache, made: Made) -> None:
    (cache_folder() / "sample-2").rename(cache_folder() / ".sample-2.removed")
    assert cache("clear", "datasets", "--yes").exit_code == 0
    assert not list(cache_folder().glob("*sample*.removed"))


def test_links_are_removed_and_not_what_they_lead_to(cache: Cache, made: Made, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.png").touch()
    (made["datasets"].parent / "link").symlink_to(tmp_path / "mine")
    (made["weights"].parent / "own.pt").symlink_to(tmp_path / "mine" / "photo.png")
    assert cache("clear", "all", "--yes").exit_code == 0
    assert (tmp_path / "mine" / "photo.png").exists()
    assert not made["weights"].parent.exists()


def test_an_unknown_kind_and_an_encoder_of_another_kind_are_refused(cache: Cache, made: Made) -> None:
    with pytest.raises(BenchError, match="unknown kind of cache 'weight': did you mean weights"):
        cache("clear", "weight")
    with pytest.raises(BenchError, match=r"say what to clear: features, weights, .* or all"):
        cache("clear", "--yes")
    assert all(file.exists() for file in made.values())
    with pytest.raises(BenchError, match="--encoder is of features alone"):
        cache("clear", "weights", "--encoder", "one")
