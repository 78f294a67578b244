"""No flipped bit of any stored file changes a number without a word.

One bit of each byte is flipped here, of long files in one byte of several.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import torch
from flipped_bits import flip_each
from stored_cells import ONE_WRONG, PERFECT, add, identity

from forenbench import tables
from forenbench.data.inventory import FileFacts
from forenbench.errors import BenchError
from forenbench.records import fits
from forenbench.records.fits import Fit
from forenbench.records.record import Record
from forenbench.records.rows import ImageResult, as_arrow
from forenbench.records.store import Store
from forenbench.scoring.feature_files import Address
from forenbench.scoring.features import FeatureCache
from forenbench.scoring.plan import PlannedCell, Task
from forenbench.scoring.progress import Progress
from forenbench.tables import measure
from forenbench.tables.exports import export
from forenbench.testing import MemorySource
from forenbench.types import Cell, Sample, TestSet


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two cells with a fit, measured and exported."""
    store = Store(tmp_path_factory.mktemp("damage") / "run")
    add(store, "d", "a", PERFECT)
    add(store, "d", "b", ONE_WRONG, place=1)
    model = {"detector_version": "1", "threshold": 0.5, "code": "", "checkpoints": {"head": "abc" * 20}}
    fit = Fit(0.25, {}, True, (2, 2), ("data/v",), model)
    fits.write(store.root, {("d", "sample"): fit})
    export(measure([store]), store.root)
    return store


def nothing_is_silent(found: Counter[str]) -> None:
    assert not found["other"], found


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "stride"), [(".json", 1), (".parquet", 5)])
def test_of_cells(run: Store, suffix: str, stride: int) -> None:
    file = next(run.root.glob(f"scores/data/a/none/*{suffix}"))

    def read() -> object:
        fresh = Store(run.root)  # which knows no record that was whole a moment ago
        return [(record, fresh.rows(record).to_csv()) for record in fresh.records()]

    found = flip_each(file, read, stride=stride)
    nothing_is_silent(found)
    assert found["named"] > 0.9 * found.total()


def noticed(store: Store, record: Record) -> bool:
    return store.is_done(record.cell, record.identity) or store.damage(record.cell) != ""


@pytest.mark.slow
def test_a_run_that_is_started_again_notices_each(run: Store) -> None:
    (record,) = [one for one in run.records() if one.cell.testset == "a"]
    for file in run.root.glob("scores/data/a/none/*"):
        found = flip_each(file, lambda: noticed(Store(run.root), record), stride=7)
        assert set(found) == {"same"}, found


def test_of_fits(run: Store) -> None:
    found = flip_each(run.root / "fits.json", lambda: fits.read(run.root))
    nothing_is_silent(found)
    assert found["named"] > 0.7 * found.total()


@pytest.mark.slow
def test_of_what_was_measured(run: Store) -> None:
    file = run.root / "measured.arrows"
    nothing_is_silent(flip_each(file, lambda: measure([run]).to_json(), stride=len(file.read_bytes()) // 15))


@pytest.mark.slow
def test_of_what_tables_were_made_from(run: Store) -> None:
    cells = measure([run])

    def files() -> list[bytes]:
        return [(run.root / name).read_bytes() for name in export(cells, run.root)]

    file = run.root / "tables/made_from.json"
    nothing_is_silent(flip_each(file, files, stride=len(file.read_bytes()) // 3))


@pytest.mark.slow
def test_of_parts_of_unfinished_cells(tmp_path: Path) -> None:
    """A damaged one is made again: it is lacking, and never becomes rows."""
    samples = tuple(Sample(f"{at}.png", at % 2) for at in range(3))
    facts = {sample.path: FileFacts("") for sample in samples}
    task = Task(TestSet("d", "t", samples, MemorySource([]), ""), facts, ())
    cell = PlannedCell(Cell("det", "d", "t", "none"), identity(), (0, 0), (0, 0, 0, 0))
    parts = Progress(tmp_path)
    parts.write(task, 0, {cell: as_arrow([ImageResult("ok", 0.25, -1.0)] * 3)})
    (file,) = tmp_path.glob("parts/**/*.arrow")
    assert set(flip_each(file, lambda: parts.lacking(task, 0, [cell]) == [])) == {"other"}
    nothing_is_silent(
        flip_each(file, lambda: [str(rows.to_pylist()) for (rows,) in parts.rows(task, [cell])])
    )


def test_of_features_on_disk(tmp_path: Path) -> None:
    cache, address = FeatureCache(tmp_path, 10**6), Address("encoder", "ab" * 32)
    for features in (torch.arange(6.0).reshape(2, 3), torch.ones(2, dtype=torch.bfloat16)):
        cache.put(address, features)
        (file,) = tmp_path.glob("*/*/*.npy")

        def read() -> object:
            found = cache.get(address)
            if found is None:
                raise BenchError("they are made again")
            return found.tolist()

        assert set(flip_each(file, read)) == {"named"}


def test_tables_say_which_rows_carry_no_digest(tmp_path: Path) -> None:
    """Those of earlier versions, whose records had four keys."""
    store = Store(tmp_path)
    add(store, "d", "a", PERFECT)
    assert not any("without a digest" in note for note in tables.make("cells", [store]).notes)
    (file,) = tmp_path.glob("scores/**/*.json")
    record = json.loads(file.read_text())
    file.write_text(json.dumps({name: record[name] for name in ("cell", "identity", "counts", "made")}))
    assert any("without a digest" in note for note in tables.make("cells", [store]).notes)
