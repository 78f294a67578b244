"""A cell is done or not there: nothing is deleted, half files never count, damage is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_cells import identity, provenance

from forenbench.errors import BenchError
from forenbench.files.sealed import from_json, to_json
from forenbench.records.record import StatusCounts
from forenbench.records.rows import COLUMNS
from forenbench.records.store import Damaged, Store
from forenbench.types import Cell

CELL = Cell("univfd:nn-k9", "sample", "vae", "jpeg:75+blur:1.0")
SAME, OTHER, MADE = identity(seed=0), identity(seed=1), provenance()


def rows(*statuses: str, score: float = 0.5) -> pa.Table:
    values = dict.fromkeys(COLUMNS, "x") | {"label": 1, "score": score, "logit": 0.0}
    return pa.Table.from_pylist([values | {"status": status} for status in statuses])


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    store, written = Store(tmp_path), rows("ok", "unreadable")
    store.write(CELL, [written], SAME, MADE)
    (record,) = store.records()
    assert record.counts == StatusCounts(ok=1, unreadable=1)
    pd.testing.assert_frame_equal(store.rows(record), written.to_pandas(), check_dtype=False)


def test_a_score_that_is_not_there_is_null_for_every_reader(tmp_path: Path) -> None:
    Store(tmp_path).write(CELL, [rows("unreadable", score=float("nan"))], SAME, MADE)
    (file,) = tmp_path.glob("scores/**/*.parquet")
    assert pq.read_table(file, columns=["score", "logit"]).to_pylist() == [{"score": None, "logit": 0.0}]


def as_earlier_versions_wrote(place: Path) -> None:
    """Take the digests out of a record."""
    record = json.loads(place.read_text())
    kept = {name: record[name] for name in ("cell", "identity", "counts", "made")}
    place.write_text(json.dumps(kept, indent=1, sort_keys=True))


def test_text_that_older_rows_lack_is_empty(tmp_path: Path) -> None:
    store, written = Store(tmp_path), rows("ok")
    store.write(CELL, [written], SAME, MADE)
    (file,) = tmp_path.glob("scores/**/*.parquet")
    pd.read_parquet(file).drop(columns="origin").to_parquet(file)
    as_earlier_versions_wrote(file.with_suffix(".json"))
    (record,) = store.records()
    assert store.rows(record)["origin"].tolist() == [""]
    assert store.rows(record, ["origin", "path"]).to_dict("list") == {"origin": [""], "path": ["x"]}
    assert store.rows(record, ["origin"]).to_dict("list") == {"origin": [""]}


def test_done_means_equal_identity_and_nothing_failed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not store.is_done(CELL, SAME)
    store.write(CELL, [rows("ok")], SAME, MADE)
    assert store.is_done(CELL, SAME)
    assert not store.is_done(CELL, OTHER)
    store.write(CELL, [rows("ok", "failed")], SAME, MADE)
    assert not store.is_done(CELL, SAME)


def test_rows_of_another_identity_are_kept_aside(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(CELL, [rows("ok", score=0.25)], SAME, MADE)
    store.write(CELL, [rows("ok", score=0.75)], OTHER, MADE)
    (kept,) = tmp_path.glob("superseded/**/*.parquet")
    assert pd.read_parquet(kept)["score"].tolist() == [0.25]
    assert store.rows(store.records()[0])["score"].tolist() == [0.75]


def test_rows_without_their_record_do_not_count(tmp_path: Path) -> None:
    """What a kill between the two files leaves."""
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    (record,) = tmp_path.glob("scores/**/*.json")
    record.unlink()
    assert not store.is_done(CELL, SAME)
    assert store.records() == []


def test_a_record_is_parsed_once_until_somebody_writes_it(tmp_path: Path) -> None:
    store, elsewhere = Store(tmp_path), Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    known = store.record(CELL)
    assert known is not None
    assert store.record(CELL) is store.records()[0] is known
    elsewhere.restate(CELL, trained_on=("gan",))
    assert store.records()[0].provenance.trained_on == ("gan",)
    elsewhere.write(CELL, [rows("ok", "ok")], OTHER, MADE)
    assert store.is_done(CELL, OTHER)
    assert not store.is_done(CELL, SAME)
    elsewhere.supersede(CELL)
    assert store.record(CELL) is None


def test_a_known_record_that_is_damaged_later_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    assert store.is_done(CELL, SAME)
    (file,) = tmp_path.glob("scores/**/*.json")
    file.write_text(file.read_text()[:-20])
    with pytest.raises(Damaged, match=r"nn-k9.json' is damaged"):
        store.records()
    assert not store.is_done(CELL, SAME)


@pytest.mark.parametrize("left", ["", "{", "[]", "null", '{"cell": {}}', "[" * 100_000])
def test_a_record_that_is_cut_short_is_named_and_made_again(tmp_path: Path, left: str) -> None:
    """By a power failure, say. Left out without a word, its test set would be missing from every mean."""
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    (record,) = tmp_path.glob("scores/**/*.json")
    record.write_text(left)
    assert not store.is_done(CELL, SAME)
    with pytest.raises(Damaged, match=r"nn-k9.json' is damaged; the command that made it makes it anew"):
        store.records()
    assert store.records(beside_damaged=True) == []
    store.write(CELL, [rows("ok")], SAME, MADE)
    assert store.is_done(CELL, SAME)
    (kept,) = tmp_path.glob("superseded/**/*.json")
    assert kept.read_text() == left


def test_rows_that_are_not_those_of_their_record_are_named_and_made_again(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "run"), Store(tmp_path / "other")
    for one, score in ((store, 0.5), (other, 0.75)):
        one.write(CELL, [rows("ok", score=score)], SAME, MADE)
    (file,) = store.root.glob("scores/**/*.parquet")
    (theirs,) = other.root.glob("scores/**/*.parquet")
    shutil.copyfile(theirs, file)
    (record,) = store.records()
    with pytest.raises(Damaged, match=r"cell univfd:nn-k9 on sample/vae .* is damaged: its rows are not"):
        store.rows(record)
    assert "is damaged" in store.damage(CELL)
    assert not store.is_done(CELL, SAME)
    store.write(CELL, [rows("ok", score=0.5)], SAME, MADE)
    assert store.damage(CELL) == ""
    assert store.is_done(CELL, SAME)


@pytest.mark.parametrize("digest", ["sha256", "rows_sha256"])
def test_a_record_with_one_of_its_two_digests_is_damaged(tmp_path: Path, digest: str) -> None:
    """Earlier versions wrote neither; whoever takes one out would have the rest believed."""
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    (place,) = tmp_path.glob("scores/**/*.json")
    record, _ = from_json(place.read_bytes())
    if digest == "sha256":
        place.write_text(json.dumps(record))
    else:
        place.write_text(to_json({name: part for name, part in record.items() if name != digest}))
    with pytest.raises(Damaged, match=r"nn-k9.json' is damaged"):
        store.records()


def test_rows_that_are_gone_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    (file,) = tmp_path.glob("scores/**/*.parquet")
    file.unlink()
    with pytest.raises(Damaged, match=r"cell univfd:nn-k9 on sample/vae .* has lost its rows"):
        store.records()
    assert not store.is_done(CELL, SAME)
    store.write(CELL, [rows("ok")], SAME, MADE)
    assert store.is_done(CELL, SAME)


def test_a_record_counts_only_where_its_cell_belongs(tmp_path: Path) -> None:
    """A folder that was renamed by hand would give a test set's numbers another's name."""
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    (tmp_path / "scores/sample/vae").rename(tmp_path / "scores/sample/gan")
    with pytest.raises(Damaged, match=r"gan/.*is damaged"):
        store.records()
    assert store.record(Cell("univfd:nn-k9", "sample", "gan", "jpeg:75+blur:1.0")) is None


def test_records_of_earlier_versions_are_read_and_said_to_hold_no_digest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    cell = Cell("d", "data", "StyleGAN", "none")
    store.write(cell, [rows("ok")], SAME, MADE)
    (record,) = tmp_path.glob("scores/**/*.json")
    as_earlier_versions_wrote(record)
    remark = "rows were stored without a digest, as earlier versions did: damage to them goes unnoticed"
    assert store.records()[0].remarks == [remark]
    (tmp_path / "scores/data/StyleGAN~e1").rename(tmp_path / "scores/data/StyleGAN")  # its name then
    assert store.is_done(cell, SAME)
    assert len(store.rows(store.records()[0])) == 1
    store.write(cell, [rows("ok")], OTHER, MADE)
    assert [path.name for path in (tmp_path / "scores/data").glob("*/none/d.json")] == ["d.json"]
    assert store.records()[0].remarks == []


@pytest.mark.parametrize("cell", [Cell("d", "data", "gan", "none", "own"), Cell("d", "data", "GAN", "none")])
@pytest.mark.parametrize("kept", [0, 1, 300, None])
def test_a_damaged_record_of_an_earlier_version_is_named_and_moved_aside(
    tmp_path: Path, cell: Cell, kept: int | None
) -> None:
    """Its file was called otherwise then, without capitals and whose weights; and it may not say either."""
    store, same = Store(tmp_path), identity(weights=cell.weights or "published")
    store.write(cell, [rows("ok")], same, MADE)
    (record,) = tmp_path.glob("scores/**/*.json")
    as_earlier_versions_wrote(record)
    old = tmp_path / f"scores/data/{cell.testset}/none/d.json"
    for path in (record, record.with_suffix(".parquet")):
        old.parent.mkdir(parents=True, exist_ok=True)
        path.rename(old.with_suffix(path.suffix))
    assert store.is_done(cell, same)
    text = old.read_text()
    old.write_text(text[:kept] if kept is not None else text.replace('"kind"', '"kinf"'))
    assert "none/d.json' is damaged; the command that made it makes it anew" in store.damage(cell)
    store.write(cell, [rows("ok")], same, MADE)
    assert store.is_done(cell, same)
    assert len(store.records()) == 1
    (folder,) = (tmp_path / "superseded").iterdir()
    assert sorted(path.name for path in folder.rglob("d.*")) == ["d.json", "d.parquet"]


@pytest.mark.parametrize("kept", [200, 500, None])
def test_a_damaged_record_of_other_weights_is_not_taken_for_ones_own(
    tmp_path: Path, kept: int | None
) -> None:
    """The published weights' file has the name today that a run of own ones gave its file once."""
    store = Store(tmp_path)
    published = Cell("d", "data", "gan", "none", "published")
    store.write(published, [rows("ok")], identity(weights="published"), MADE)
    file = tmp_path / "scores/data/gan/none/d.json"
    file.write_text(file.read_text()[:kept] if kept else file.read_text().replace('"rows"', '"rowt"'))
    own = Cell("d", "data", "gan", "none", "own")
    assert store.damage(own) == ""
    store.write(own, [rows("ok")], identity(weights="own"), MADE)
    assert file.exists()
    assert "is damaged" in store.damage(published)


def test_rows_of_an_earlier_version_are_believed_only_if_they_can_be_its_rows(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    (file,) = tmp_path.glob("scores/**/*.parquet")
    as_earlier_versions_wrote(file.with_suffix(".json"))
    (record,) = store.records()
    whole = file.read_bytes()
    pq.write_table(rows("ok", "ok"), file)
    others = file.read_bytes()
    for damaged in (whole[:-50], b"", others):
        file.write_bytes(damaged)
        assert not store.is_done(CELL, SAME)
        with pytest.raises(Damaged, match="its rows are not what was written"):
            store.rows(record)


def test_rows_that_vanish_after_their_record_was_read_are_named(tmp_path: Path) -> None:
    """Another process supersedes them."""
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    (record,) = store.records()
    store.supersede(CELL)
    with pytest.raises(Damaged, match="has lost its rows"):
        store.rows(record)


def test_what_cannot_be_read_in_a_records_place_is_named_and_left_there(tmp_path: Path) -> None:
    (tmp_path / "scores/data/gan/none/d.json").mkdir(parents=True)
    for read in (Store(tmp_path).records, lambda: Store(tmp_path).damage(Cell("d", "data", "gan", "none"))):
        with pytest.raises(BenchError, match=r"none/d\.json' cannot be read: Is a directory"):
            read()


def test_a_write_that_fails_leaves_no_half_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], SAME, MADE)
    with pytest.raises(KeyError):
        store.write(CELL, [rows("ok").drop_columns("label")], SAME, MADE)
    assert list(tmp_path.glob("**/*.part")) == []
    assert not store.is_done(CELL, SAME)
