"""A record keeps all that was known when rows were made, whoever made them; those of old are read."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import earlier_records
import pytest
from stored_cells import PERFECT, add, identity

from forenbench import tables
from forenbench.audit import audit, metadata_only
from forenbench.data.catalogue import open_dataset
from forenbench.files.sealed import from_json, to_json
from forenbench.imports import cells as imported
from forenbench.imports.matching import beside
from forenbench.imports.score_file import Reading, read_scores
from forenbench.perturbations import parse
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.environment import environment, versions
from forenbench.records.finished import newest
from forenbench.records.record import Identity, Provenance, Record
from forenbench.records.store import Damaged, Store
from forenbench.report.provenance import provenance as described
from forenbench.scoring import plan
from forenbench.scoring.engines.local import LocalEngine
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.outcome import Silent
from forenbench.scoring.runner import run
from forenbench.testing import Brightness, write_tiny_dataset
from forenbench.types import Cell, Whereabouts

EARLIER = (earlier_records.FIRST, earlier_records.SECOND, earlier_records.IMPORTED)


def here(device: str) -> dict[str, Any]:
    """What each maker of rows knows of the machine."""
    return {
        "command": tuple(sys.argv),
        "commit": environment("")["commit"],
        "device": device,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": versions(),
    }


def holds(part: Identity | Provenance, known: dict[str, Any]) -> None:
    """Hold every field against what was known; what is not in `known` was not."""
    for one in fields(part):
        expected = known.get(one.name, {} if one.name == "other" else None)
        assert getattr(part, one.name) == expected, one.name


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    write_tiny_dataset(tmp_path / "tiny", ["alpha"], images=2)
    return tmp_path / "tiny"


def read_back(store: Store, since: datetime) -> tuple[Record, str]:
    """Read the one record of a run, and the time that it states, which is now."""
    (record,) = Store(store.root).records()
    time = record.provenance.time
    assert since.replace(microsecond=0) <= datetime.fromisoformat(time) <= datetime.now(UTC)
    return record, time


def test_the_record_of_a_run_has_all_that_the_run_knew(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENBENCH_MAX_PIXELS", "123456")
    (dataset,) = open_dataset(str(tiny), data_root=tiny.parent / "data")
    files, seen, remarks = {"head": "aa" * 32}, ("alpha", "LSUN"), ("nobody knows this file",)
    loaded = LoadedDetector(Brightness(), "unverified", files, "cc" * 32, "", seen, remarks)
    settings, store = plan.RunSettings([parse("jpeg:75")], 7, "tf32"), Store(tiny.parent / "run")
    since = datetime.now(UTC)
    run([plan.Job(dataset, [loaded])], settings, store, LocalEngine(Numerics()), Silent())
    record, time = read_back(store, since)
    assert record.cell == Cell("brightness", "tiny", "alpha", "jpeg:75", "unverified")
    detector = {"rows": plan.ROWS, "detector": "brightness", "detector_version": Brightness.version}
    weights = {"threshold": 0.5, "weights": "unverified", "checkpoints": files, "code": "cc" * 32}
    images = {"testset": dataset.testsets[0].digest, "perturbation": "jpeg:75", "seed": 7}
    holds(record.identity, detector | weights | images | {"precision": "tf32", "max_pixels": 123456})
    found = Whereabouts(str(tiny), str(tiny.parent / "data"))
    told = {"time": time, "position": (0, 0, 0, 0), "protocol": "all", "found": found}
    holds(record.provenance, here("cpu") | told | {"notes": remarks, "trained_on": seen})


def test_the_record_of_an_import_has_all_that_it_knew(tiny: Path) -> None:
    dataset = open_dataset(str(tiny), data_root=tiny.parent)[0]
    file = tiny.parent / "scores.csv"
    file.write_text("path,score\n" + "".join(f"{one.path},0.25\n" for one in dataset.testsets[0].samples))
    (scores,) = read_scores(file, [Reading(threshold=0.5)])
    store, since = Store(tiny.parent / "run"), datetime.now(UTC)
    found = replace(beside(scores, [dataset]), perturbation="jpeg:90", trained_on=("alpha",))
    imported.store_scores({"api": found}, store)
    record, time = read_back(store, since)
    assert record.cell == Cell("api", "tiny", "alpha", "jpeg:90")
    detector = {"rows": imported.ROWS, "detector": "api", "detector_version": "imported", "threshold": 0.5}
    files = {"weights": "foreign", "checkpoints": {"scores": scores.sha256}, "code": "", "precision": "fp32"}
    images = {"testset": dataset.testsets[0].digest, "perturbation": "jpeg:90", "seed": 0}
    reading = {"columns": {}, "labels": {}, "prefix": "", "threshold": 0.5, "real_is_high": False}
    holds(record.identity, detector | files | images | {"reading": reading})
    note = "scores of api on copies under jpeg:90, made elsewhere, were imported from scores.csv"
    told = {"time": time, "position": (0, 0, 0, 0), "protocol": "all", "trained_on": ("alpha",)}
    told |= {"found": Whereabouts(str(tiny), str(tiny.parent)), "file": str(file)}
    holds(record.provenance, here("none: imported") | told | {"notes": (f"{note} (higher means generated)",)})


def test_the_record_of_the_baseline_has_all_that_it_knew(tiny: Path) -> None:
    dataset = open_dataset(str(tiny), data_root=tiny.parent)[0]
    (testset,) = dataset.testsets
    store, since = Store(tiny.parent / "run"), datetime.now(UTC)
    metadata_only.keep(store, testset, audit([dataset]).of("tiny", "alpha"), seed=3, position=2)
    record, time = read_back(store, since)
    name = metadata_only.NAME
    detector = {"rows": metadata_only.ROWS, "detector": name, "detector_version": metadata_only.VERSION}
    files = {"threshold": 0.5, "weights": "own", "checkpoints": {}, "code": "", "precision": "fp32"}
    holds(record.identity, detector | files | {"testset": testset.digest, "perturbation": "none", "seed": 3})
    assert "scikit-learn" in (record.provenance.packages or {})
    told = {"time": time, "position": (2, 0, 0, 1_000_000), "protocol": "all", "found": testset.found}
    told |= here("cpu") | {"packages": record.provenance.packages}
    note = "metadata-only is no detector: file properties alone, cross-validated within each test set"
    holds(record.provenance, told | {"notes": (note,)})


def test_files_call_the_fields_what_they_always_did(tmp_path: Path) -> None:
    """Other programs read them, and so do earlier versions."""
    store = Store(tmp_path)
    add(store, "d", "t", PERFECT, protocol="all")
    content = json.loads((tmp_path / "scores/data/t/none/d.json").read_text())
    assert set(content) == {"cell", "counts", "identity", "made", "rows_sha256", "sha256"}
    first = earlier_records.FIRST
    assert content["counts"].keys() == first["counts"].keys()
    assert content["cell"].keys() == first["cell"].keys() | {"weights"}
    assert content["identity"].keys() == first["identity"].keys() | {"precision"}
    assert set(content["made"]) == {"time", "position", "protocol", "trained_on"}
    for record in EARLIER:
        names = {*record["identity"], *record["made"]} - {"kind"}
        assert names <= {one.name for part in (Identity, Provenance) for one in fields(part)}


def test_a_record_is_written_again_as_it_was_read() -> None:
    later = earlier_records.FIRST["identity"] | {"zoom": 2, "precision": None}
    for record in (*EARLIER, {**earlier_records.FIRST, "identity": later}):
        again = json.loads(json.dumps(Record.from_json(record).to_json()))
        assert again.pop("cell") == record["cell"] | {"weights": ""}
        assert again == {name: part for name, part in record.items() if name != "cell"}


def test_rows_are_made_again_where_anything_in_the_stored_identity_differs(tmp_path: Path) -> None:
    """Also what this version does not know, or what is null in place of missing."""
    store = Store(tmp_path)
    add(store, "d", "t", PERFECT)
    (file,) = tmp_path.glob("scores/**/*.json")
    written, _ = from_json(file.read_bytes())
    cell, same = Cell("d", "data", "t", "none"), identity()
    assert store.is_done(cell, same)
    other = {one.name: "other" for one in fields(Identity)} | {"threshold": 0.25, "checkpoints": {"head": ""}}
    for name in other.keys() - {"other"}:
        assert not store.is_done(cell, replace(same, **{name: other[name]})), name
    for stored in ({"zoom": 1}, {"zoom": None}, {"max_pixels": None}, {"weights": "sample"}):
        file.write_text(to_json({**written, "identity": written["identity"] | stored}))
        assert not store.is_done(cell, same), stored
    for name in written["identity"]:
        fewer = {key: value for key, value in written["identity"].items() if key != name}
        file.write_text(to_json({**written, "identity": fewer}))
        assert not store.is_done(cell, same), name


def test_a_record_that_lacks_what_every_version_wrote_is_named(tmp_path: Path) -> None:
    first = earlier_records.FIRST
    needed = [("identity", name) for name in first["identity"]] + [("made", "time"), ("made", "position")]
    place = earlier_records.write(tmp_path, first)
    for part, name in needed:
        fewer = {key: value for key, value in first[part].items() if key != name}
        place.write_text(json.dumps({**first, part: fewer}))
        with pytest.raises(Damaged, match=r"mean.json' is damaged"):
            Store(tmp_path).records()


def test_what_a_detector_has_seen_is_corrected_and_nothing_else(tmp_path: Path) -> None:
    later = {**earlier_records.IMPORTED, "made": earlier_records.IMPORTED["made"] | {"weather": "fine"}}
    place = earlier_records.write(tmp_path, later)
    Store(tmp_path).restate(Cell("api", "s", "s", "none"), trained_on=("ProGAN",))
    again = json.loads(place.read_text())
    assert again["made"] == later["made"] | {"trained_on": ["ProGAN"]}
    assert (again["identity"], again["counts"]) == (later["identity"], later["counts"])
    assert Store(tmp_path).records()[0].rows_sha256 is None


@pytest.mark.parametrize("record", EARLIER, ids=["first", "second", "imported"])
def test_a_run_folder_of_an_earlier_version_opens(tmp_path: Path, record: dict[str, Any]) -> None:
    earlier_records.write(tmp_path, record)
    store = Store(tmp_path)
    (cell,) = tables.measure([store]).to_dict("records")
    assert (cell["detector"], cell["weights"]) == (record["cell"]["detector"], record["identity"]["kind"])
    assert (cell["protocol"], cell["precision"], cell["acc"], cell["ap"]) == ("all", "fp32", 1, 1)
    assert (cell["seen"], cell["known"]) == (False, [])
    notes = [*record["made"].get("notes", []), "rows were stored without a digest"]
    assert [one.startswith(note) for one, note in zip(cell["remarks"], notes, strict=True)] == [True] * len(
        notes
    )
    made, *_ = described(newest([store]))
    assert made.frame["setting 1"]["commit"] == ""
    assert made.frame["setting 1"]["python"] == "3.11.7"
    assert made.frame["setting 1"]["command"].startswith("bench ")
    now = Record.from_json(record)
    assert store.is_done(now.cell, now.identity)
    assert not store.is_done(now.cell, replace(now.identity, rows=4))
