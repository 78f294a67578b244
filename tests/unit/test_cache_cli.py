"""``bench cache``: what it shows, what it removes, and what it asks first."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result
from privileges import read_only, unprivileged
from typer.testing import CliRunner

from forenbench.cli.cache import app
from forenbench.errors import BenchError
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


def test_an_empty_cache_shows_where_it_is_and_its_limit(cache: Cache) -> None:
    assert cache("show").stdout.splitlines() == [
        "folder   cache/forenbench/features",
        "blocks   0",
        "used     0 bytes",
        "limit    10.0 GB (FORENBENCH_FEATURES)",
    ]


def test_encoders_are_shown_with_the_largest_first(cache: Cache) -> None:
    keep("little, version 1", 1)
    keep("large, version 1", 3)
    lines = cache("show").stdout.splitlines()
    assert lines[1:3] == ["blocks   4", "used     400.5 kB"]
    assert re.fullmatch(r"large-[0-9a-f]{12}: 3 blocks, 300.4 kB", lines[4])
    assert re.fullmatch(r"little-[0-9a-f]{12}: 1 blocks, 100.1 kB", lines[5])


@pytest.mark.parametrize(("size", "shown"), [("0", "off"), ("500 MB", "500.0 MB")])
def test_the_limit_is_the_users(cache: Cache, monkeypatch: pytest.MonkeyPatch, size: str, shown: str) -> None:
    monkeypatch.setenv("FORENBENCH_FEATURES", size)
    assert f"limit    {shown} (FORENBENCH_FEATURES)" in cache("show").stdout


def test_a_wrong_limit_is_named(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENBENCH_FEATURES", "plenty")
    with pytest.raises(BenchError, match="FORENBENCH_FEATURES: 'plenty' is no size"):
        cache("show")


def test_clear_asks_and_then_removes_everything(cache: Cache) -> None:
    keep("one", 2)
    keep("two", 1)
    result = cache("clear", answer="y\n")
    assert result.exit_code == 0
    assert "To remove: 3 blocks of 2 encoders, 300.4 kB" in result.stderr
    assert kept() == {}
    assert not list(user_cache().folder.iterdir())


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_clear_removes_nothing_without_a_yes(cache: Cache, answer: str) -> None:
    keep("one", 2)
    result = cache("clear", answer=answer)
    assert result.exit_code == 1
    assert "Nothing was removed." in result.stderr
    assert kept() == {"one": 2}


def test_clear_removes_nothing_where_nobody_answers(cache: Cache) -> None:
    keep("one", 1)
    with pytest.raises(
        BenchError, match="nothing was removed: nobody answered; with '--yes' nobody is asked"
    ):
        cache("clear")
    assert kept() == {"one": 1}


def test_clear_removes_one_encoder_by_name_or_by_folder(cache: Cache) -> None:
    keep("clip-vit-l14, version 1", 1)
    keep("clip-vit-l14, version 2", 1)
    keep("clip-rn50, version 1", 1)
    folder = address("clip-vit-l14, version 2", "none", 0, ["a"], "").folder
    assert cache("clear", "--encoder", folder, "--yes").exit_code == 0
    assert kept() == {"clip-vit-l14": 1, "clip-rn50": 1}
    keep("clip-vit-l14, version 2", 1)
    assert cache("clear", "--encoder", "clip-vit-l14", "--yes").exit_code == 0
    assert kept() == {"clip-rn50": 1}


def test_clear_knows_what_a_misspelt_encoder_may_mean(cache: Cache) -> None:
    keep("clip-vit-l14", 1)
    with pytest.raises(BenchError, match=r"unknown encoder 'clip-vit': did you mean clip-vit-l14\?"):
        cache("clear", "--encoder", "clip-vit", "--yes")


@pytest.mark.parametrize("arguments", [(), ("--encoder", "clip")])
def test_clear_of_an_empty_cache_says_so(cache: Cache, arguments: tuple[str, ...]) -> None:
    result = cache("clear", *arguments)
    assert result.exit_code == 0
    assert "Nothing is kept in cache/forenbench/features." in result.stderr


def test_what_cannot_be_removed_is_an_error(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    with unprivileged() as folder:
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
        keep("one", 1)
        words = f"1 blocks in {folder}/forenbench/features are there still"
        with read_only(folder), pytest.raises(BenchError, match=words):
            cache("clear", "--yes")
