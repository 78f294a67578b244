"""What is too small to be shared out among threads is computed by one; nothing else changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import faiss
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from forenbench.audit import metadata_only
from forenbench.detectors._nets import neighbours
from forenbench.files.threads import one_thread
from forenbench.training import probe

MANY = 3


@pytest.fixture(autouse=True)
def many_threads() -> Iterator[None]:
    with threadpool_limits(MANY):
        yield


def threads() -> set[int]:
    """Say how many threads the libraries would take now."""
    return {library["num_threads"] for library in threadpool_info()}


def test_one_thread_inside_and_as_many_as_before_behind() -> None:
    with one_thread(when=True):
        assert threads() == {1}
    assert threads() == {MANY}
    with one_thread(when=False):
        assert threads() == {MANY}


class Fitting(Exception):
    """In place of a fit, which with several threads on few cores takes its time."""


def fits_with(kind: type, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> set[int]:
    """Say how many threads there are when scikit-learn is asked to fit."""

    def instead(*_: object) -> None:
        raise Fitting(threads())

    monkeypatch.setattr(kind, "fit", instead)
    with pytest.raises(Fitting) as raised:
        call()
    assert threads() == {MANY}
    number: set[int] = raised.value.args[0]
    return number


@pytest.mark.parametrize(("small", "expected"), [(80, 1), (79, MANY)])
def test_trees_of_few_files_get_one(small: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_only, "_SMALL", small)
    rows = [
        (label, f"{label}{n}", "", "", "PNG", "RGB", "", 0, 8 + n, 8, 1, 1, False, False)
        for label in (0, 1)
        for n in range(4)
    ]
    names = ["label", "sha256", "origin", "problem", *metadata_only._CATEGORIES, *metadata_only._NUMBERS]
    files = pd.DataFrame(rows, columns=names)
    call = partial(metadata_only.cross_validate, files, 0)
    assert fits_with(HistGradientBoostingClassifier, monkeypatch, call) == {expected}


@pytest.mark.parametrize(("small", "expected"), [(120, 1), (119, MANY)])
def test_probes_of_few_numbers_get_one(small: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_SMALL", small)
    features = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    call = partial(probe._fitted, features, np.arange(40) % 2, 0)
    assert fits_with(LogisticRegression, monkeypatch, call) == {expected}


@pytest.mark.parametrize(("small", "expected"), [(5, 1), (4, MANY)])
def test_searches_of_small_banks_get_one(small: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, knn = [], faiss.knn

    def noting(*rest: object, **options: object) -> object:
        seen.append(faiss.omp_get_max_threads())
        return knn(*rest, **options)

    monkeypatch.setattr(faiss, "knn", noting)
    monkeypatch.setattr(neighbours, "_SMALL", small)
    neighbours.FeatureBank(torch.randn(5, 8), torch.randn(5, 8)).score(torch.randn(2, 8), 1)
    assert seen == [expected, expected]
    assert faiss.omp_get_max_threads() == MANY


@pytest.mark.parametrize("queries", [1, 32])
def test_the_number_of_threads_changes_no_score(queries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One image, and so many that faiss searches in another way (from 20 on)."""
    torch.manual_seed(0)
    real, fake, asked = torch.randn(neighbours._SMALL, 64), torch.randn(30, 64), torch.randn(queries, 64)
    scores = [neighbours.FeatureBank(real, fake).score(asked, 9)]
    monkeypatch.setattr(neighbours, "_SMALL", 0)
    scores.append(neighbours.FeatureBank(real, fake).score(asked, 9))
    assert torch.equal(*scores)
