"""Each check of handed-in results fails where its sentence is not true, and says where."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stored_cells import ONE_WRONG, PERFECT, add

import forenbench
from forenbench.data.catalogue import open_dataset
from forenbench.errors import BenchError
from forenbench.plugins.installed import installed
from forenbench.records import remembered
from forenbench.records.leakage import Contents
from forenbench.records.record import Record
from forenbench.records.record_files import RecordFiles
from forenbench.records.store import Store
from forenbench.review.of_images import _agreed, _at_hand, _described
from forenbench.review.of_rows import cells, copies, grid, scores
from forenbench.review.of_tables import tables
from forenbench.review.of_weights import weights
from forenbench.tables import measure
from forenbench.tables.exports import export
from forenbench.tables.leaderboard import write
from forenbench.testing import write_tiny_dataset

CELLS = "rows and records are what was written"


@pytest.fixture
def run(tmp_path: Path) -> Store:
    """A run of two detectors on two test sets."""
    store = Store(tmp_path / "handed-in" / "run")
    for at, testset in enumerate(("t", "u")):
        add(store, "d", testset, PERFECT, place=at, digest=testset)
        add(store, "e", testset, ONE_WRONG, place=at, digest=testset)
    return store


def test_a_sound_run_keeps_every_check_and_is_left_as_it_is(run: Store) -> None:
    export(measure([run]), run.root)
    before = {path: path.read_bytes() for path in run.root.rglob("*") if path.is_file()}
    found = forenbench.check_results(run.root)
    assert list(found["problem"]) == [""] * 9
    assert list(found["ok"]) == [True] * 9
    assert {path: path.read_bytes() for path in run.root.rglob("*") if path.is_file()} == before


def test_what_is_no_run_and_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="neither a run folder nor a file of scores at"):
        forenbench.check_results(tmp_path / "nothing")
    with pytest.raises(BenchError, match="is no run folder"):
        forenbench.check_results(tmp_path)


def test_damaged_rows_end_the_review(run: Store) -> None:
    rows = run.root / "scores/data/t/none/d.parquet"
    rows.write_bytes(rows.read_bytes()[:-9] + b"x" * 9)
    found = forenbench.check_results(run.root)
    assert list(found["check"]) == [CELLS]
    assert not found["ok"][0]
    assert "cell d on data/t (none) is damaged" in found["problem"][0]


def test_a_damaged_record_ends_the_review(run: Store) -> None:
    record = run.root / "scores/data/t/none/d.json"
    record.write_text(record.read_text().replace('"ok": 4', '"ok": 5'))
    found = forenbench.check_results(run.root)
    assert list(found["check"]) == [CELLS]
    assert "is damaged" in found["problem"][0]


def test_rows_without_a_record_are_named(run: Store) -> None:
    (run.root / "scores/data/t/none/d.json").unlink()
    assert cells(run).problem == "'scores/data/t/none/d.parquet' has no record"


def test_a_folder_without_cells_holds_no_result(tmp_path: Path) -> None:
    (tmp_path / "run/scores").mkdir(parents=True)
    assert "there is no finished cell" in cells(Store(tmp_path / "run")).problem


def first(store: Store) -> Record:
    (record,) = [one for one in store.records() if (one.cell.detector, one.cell.testset) == ("d", "t")]
    return record


def restate(store: Store, **changes: Any) -> None:  # noqa: ANN401 - a record's fields
    """Seal another record for the rows of detector d on t, as anybody can who has this package."""
    files = RecordFiles(store.root)
    files.write(files.place(first(store).cell), replace(first(store), **changes))


def test_a_record_that_counts_other_rows_is_named(run: Store) -> None:
    restate(run, counts=replace(first(run).counts, ok=3, failed=1))
    assert "has other numbers of rows by status than its record says" in cells(run).problem


def test_rows_of_earlier_versions_are_vouched_for_by_nobody(run: Store) -> None:
    restate(run, rows_sha256=None)
    assert "is of an earlier version, and nothing vouches for its rows" in cells(run).problem


def test_an_image_that_counts_twice_is_named(run: Store) -> None:
    add(run, "d", "t", PERFECT, paths=["a", "b", "c", "b"], digest="t")
    assert cells(run).problem == "cell d on data/t (none) has 'b' twice"


def test_a_score_that_is_none_is_not_ok(run: Store) -> None:
    add(run, "d", "t", [0.1, 0.2, float("nan"), 0.9], digest="t")
    assert "has rows that are ok and have no finite score" in cells(run).problem


def test_a_cell_that_others_have_is_lacking(run: Store) -> None:
    assert grid(run).problem == ""
    add(run, "d", "t", PERFECT, digest="t", perturbation="jpeg:75")
    assert grid(run).problem == "e (sample) lacks data/t under jpeg:75, protocol all"
    add(run, "e", "t", PERFECT, digest="t", perturbation="jpeg:75")
    add(run, "vendor", "t", PERFECT, digest="t", kind="foreign")
    assert grid(run).problem == ""  # of the rest the vendor was not asked
    assert grid(run).said.startswith("vendor (foreign) lacks data/t under jpeg:75")


def test_failures_are_problems_and_files_that_cannot_be_read_are_said(run: Store) -> None:
    assert scores(run)[1:] == ("", "")
    add(run, "d", "t", PERFECT, digest="t", status="unreadable")
    assert scores(run)[1:] == ("", "without a score: 1 unreadable d")
    add(run, "d", "t", PERFECT, digest="t", status="failed")
    assert scores(run).problem.startswith("1 rows failed")


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(tmp_path / "handed-in" / "other")


def test_scores_under_another_name_are_found(run: Store, other: Store) -> None:
    add(other, "f", "t", PERFECT, digest="t")
    assert (
        copies(run, [other]).problem == f"the scores of d (sample) are those of f (sample) in '{other.root}'"
    )
    assert copies(run, []).problem == ""
    # Nor does the order of rows hide it.
    add(other, "f", "t", PERFECT[::-1], [1, 1, 0, 0], paths=[f"t/{at}" for at in (3, 2, 1, 0)], digest="t")
    assert copies(run, [other]).problem.startswith("the scores of d (sample) are those of f")
    assert _agreed(run, [other]).problem == ""
    add(run, "f", "t", PERFECT, digest="t")
    assert copies(run, []).problem == "d (sample) and f (sample) have the same scores"


@pytest.mark.parametrize(
    ("numbers", "digest", "perturbation"),
    [(PERFECT, "other", "none"), (PERFECT, "t", "jpeg:75"), (ONE_WRONG[::-1], "t", "none")],
)
def test_other_images_changes_or_scores_are_no_copies(
    run: Store, other: Store, numbers: list[float], digest: str, perturbation: str
) -> None:
    add(other, "f", "t", numbers, digest=digest, perturbation=perturbation)
    assert copies(run, [other]).problem == ""


def test_one_score_for_all_is_nobodys(run: Store, other: Store) -> None:
    for name, store in (("f", run), ("g", other)):
        add(store, name, "t", [0.5] * 4, digest="t")
    assert copies(run, [other]).problem == ""


def test_the_same_cell_elsewhere_is_said(run: Store, other: Store) -> None:
    add(other, "d", "t", PERFECT, digest="t")
    assert copies(run, [other])[1:] == ("", "1 cells are in another run too, under the same name")


def test_runs_beside_it_are_looked_into(run: Store, other: Store) -> None:
    alone = forenbench.check_results(run.root).iloc[-1]
    assert alone.to_list() == ["its scores are nobody else's", True, "", ""]
    add(other, "f", "t", PERFECT, digest="t")
    add(other, "d", "u", PERFECT, digest="u")
    found = forenbench.check_results(run.root).iloc[-1]
    assert found["problem"] == f"the scores of d (sample) are those of f (sample) in '{other.root}'"
    assert found["said"] == "1 cells are in another run too, under the same name"


def test_other_labels_than_those_of_another_run_are_found(run: Store, other: Store) -> None:
    """A record can be sealed over any labels; the digest of a test set is of one list of them."""
    assert _agreed(run, [other]).problem == ""
    add(other, "f", "t", ONE_WRONG, [0, 1, 0, 1], digest="t")
    add(other, "f", "u", ONE_WRONG, digest="u")
    assert _agreed(run, [other]).problem == (
        f"f on data/t (none) in '{other.root}' has other images or labels than d on data/t (none) in "
        f"'{run.root}'"
    )


def test_a_described_test_set_lacks_images(run: Store) -> None:
    """It has 35 reals and 35 fakes."""
    for detector, fakes in (("d", 35), ("e", 34)):
        labels = [0] * 35 + [1] * fakes
        paths = [f"vae/{label}/{at}.png" for at, label in enumerate(labels)]
        numbers = [at / 100 for at in range(len(labels))]
        add(
            run,
            detector,
            "vae",
            numbers,
            labels,
            dataset="sample",
            paths=paths,
            digest=f"{fakes} fakes",
            generators=["vae"] * len(labels),
        )
    add(run, "d", "nearest", PERFECT, dataset="sample", digest="few", protocol="all, limit 2")
    found = _described(run, run.records())
    assert found.problem == "sample/vae fake: 34 images, expected 35"
    assert "not run: sample/transposed; sample/blurred; sample/superres; and 1 more" in found.said
    assert "not counted: sample/nearest under protocol all, limit 2" in found.said
    assert "nobody knows how many images it has: data/t; data/u" in found.said


def test_reals_that_are_shared_or_borrowed_are_counted_where_they_are_described(run: Store) -> None:
    """A thousand of LAION stand beside a thousand fakes; Synthbuster's reals are those of RAISE."""
    labels = [0] * 1000 + [1] * 1000
    numbers = [at / 2000 for at in range(2000)]
    for detector, reals in (("d", 1000), ("e", 999)):
        add(
            run,
            detector,
            "ldm_200",
            numbers[1000 - reals :],
            labels[1000 - reals :],
            dataset="univfd-diffusion",
            digest=str(reals),
            sources=["laion"] * reals + [""] * 1000,
            generators=["ldm_200"] * (reals + 1000),
        )
    paths = [*(f"raise-1k:/{at}.png" for at in range(1000)), *(f"dalle2/{at}.png" for at in range(1000))]
    add(
        run,
        "d",
        "dalle2",
        numbers,
        labels,
        dataset="synthbuster",
        paths=paths,
        digest="lent",
        generators=["dalle2"] * 2000,
        lender="raise-1k",
    )
    assert _described(run, run.records()).problem == "univfd-diffusion/laion real: 999 images, expected 1000"


def test_images_that_are_here_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tiny_dataset(tmp_path / "tiny")
    (opened,) = open_dataset(str(tmp_path / "tiny"), data_root=tmp_path)
    store = Store(tmp_path / "run")
    for testset in opened.testsets:
        add(
            store,
            "d",
            testset.name,
            [0.1] * 4 + [0.9] * 4,
            [one.label for one in testset.samples],
            dataset="tiny",
            paths=[one.path for one in testset.samples],
            digest=testset.digest,
        )
    known = Contents({store.root: {"tiny": opened.testsets[0].source}})
    assert _at_hand(store, store.records(), known)[1:] == ("", "")
    assert _at_hand(store, store.records(), Contents()).said == "not at hand: tiny/alpha; tiny/beta"
    next((tmp_path / "tiny/alpha").rglob("*.png")).unlink()
    assert _at_hand(store, store.records(), known).problem == "not so, or not all there: tiny/alpha"


def test_what_is_called_published_is_compared_with_what_is_known(run: Store) -> None:
    known = {one.name: one for found in installed() for one in found.checkpoints}["cnndetection-0.5"]
    restate(
        run,
        identity=replace(first(run).identity, weights="published", checkpoints={known.name: known.sha256}),
    )
    assert weights(run)[1:] == ("", "e, d: the small checkpoints of the package")
    identity = first(run).identity
    restate(run, identity=replace(identity, checkpoints={known.name: "f" * 64, "own": "e" * 64}))
    copied = next(one for found in installed() for one in found.checkpoints if one.copies and one.sha256)
    restate(run, identity=replace(identity, checkpoints={copied.name: copied.copies[0]}))
    assert weights(run).problem == ""
    restate(run, identity=replace(identity, checkpoints={known.name: "f" * 64, "own": "e" * 64}))
    assert weights(run).problem.startswith("d: 'cnndetection-0.5' is ffffffffffff…, not ")
    assert "d: checkpoint 'own', which no detector here reads" in weights(run).said


def test_a_number_that_the_rows_do_not_give_is_found(run: Store) -> None:
    """Nor are numbers believed that are remembered: their memory is sealed, as anybody can seal it."""
    known = remembered.read(run.root)
    export(measure([run]), run.root)
    known = remembered.read(run.root)
    for cell in known.values():
        cell.lines[0]["acc"] = 0.999
    remembered.write(run.root, known)
    (run.root / "tables/made_from.json").unlink()
    export(measure([run]), run.root)
    assert "99.9" in (run.root / "tables/cells.csv").read_text()
    (run.root / "leaderboard.md").unlink()
    found = tables(run)
    assert found.problem.startswith("tables/acc-ap.csv, line 4: 'd,sample,99.9,")
    assert found.said == "not there: leaderboard.md"


def test_line_ends_are_no_numbers_and_what_is_cut_off_is_shown(run: Store) -> None:
    """A run that was moved between systems may have other line ends; a line may lack its last numbers."""
    export(measure([run]), run.root)
    file = run.root / "tables/cells.csv"
    text = file.read_bytes()
    for moved in (text.replace(b"\n", b"\r\n"), text.rstrip(b"\n"), text + b"\n\n"):
        file.write_bytes(moved)
        assert tables(run).problem == ""
    file.write_bytes(text[:-20])
    last = text.decode().splitlines()[-1]
    assert tables(run).problem.endswith(f"there, '{last[len(last) - 19 - 30 :][:60]}' from the rows")


def as_lines(runs: list[Store], folder: Path) -> tuple[list[str], list[str]]:
    csv, markdown = write(measure(runs), folder)
    return csv.read_text().splitlines(), markdown.read_text().splitlines()


@pytest.mark.parametrize("is_first", [True, False])
def test_a_new_run_joins_the_leaderboard_as_a_small_diff(run: Store, tmp_path: Path, is_first: bool) -> None:
    """Lines of contests that it has no part in stay, in their order, wherever its name sorts it."""
    for change in ("blur:1.0", "jpeg:100", "jpeg:75"):
        add(run, "d", "t", ONE_WRONG, digest="t", perturbation=change)
        add(run, "e", "t", PERFECT, digest="t", perturbation=change)
    new = Store(tmp_path / "new")
    add(new, "a-long-name-of-a-detector", "t", ONE_WRONG, digest="t", perturbation="jpeg:75")
    add(new, "a-long-name-of-a-detector", "t", ONE_WRONG, digest="t", perturbation="blur:2.0")
    add(new, "a-long-name-of-a-detector", "v", PERFECT, dataset="z", digest="v")
    add(new, "a-long-name-of-a-detector", "v", PERFECT, dataset="a", digest="v")
    assert as_lines([new, run], tmp_path / "one") == as_lines([run, new], tmp_path / "other")
    before = as_lines([run], tmp_path / "before")
    after = as_lines([new, run] if is_first else [run, new], tmp_path / "after")
    for old, joined in zip(before, after, strict=True):
        changes = [line for line in difflib.ndiff(old, joined) if line[0] in "+-"]
        # In the contest that it enters, ranks and what they leave open are others; elsewhere no line is.
        assert [line for line in changes if line[0] == "-" and "jpeg:75" not in line] == []
        added = [line for line in changes if line[0] == "+" and "jpeg:75" not in line]
        assert len(added) >= 2
        assert all("a-long-name" in line for line in added)
