"""Runs as things: listed, renamed, removed, merged, compared, sent; nothing of others is touched."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from stored_cells import ONE_WRONG, PERFECT, add
from typer.testing import CliRunner

from forenbench import BenchError, diff_runs, list_runs, load_results, merge_runs
from forenbench.cli.runs import app
from forenbench.files.in_use import FOLDER, is_in_use, using
from forenbench.front.run_folders import find_run
from forenbench.front.runs import remove_run, rename_run
from forenbench.records.store import Store


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(name: str, *cells: tuple[str, str], **how: str) -> Path:
    """Make a run below results/runs with some cells, and tables."""
    store = Store(Path("results/runs") / name)
    for at, (detector, testset) in enumerate(cells or [("d", "t")]):
        add(store, detector, testset, PERFECT, place=at, **how)  # type: ignore[arg-type]
    return store.root


def flip(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_runs_are_listed_with_what_they_hold() -> None:
    run("b", ("d", "t"), ("e", "t"))
    run("a", ("d", "t"), status="failed", time="2026-05-06T07:08:09.123+00:00")
    Path("results/runs/not-a-run").mkdir()
    found = list_runs()
    assert found.drop(columns="size").values.tolist() == [
        ["a", "data", "d", 1, 4, "2026-05-06T07:08:09.123+00:00", "1 images not scored"],
        ["b", "data", "d, e", 2, 8, "2026-01-02T00:00:00+00:00", "whole"],
    ]
    assert found["size"].tolist() == [
        sum(map(len, files(Path("results/runs") / name).values())) for name in "ab"
    ]
    assert list_runs("nowhere").empty


def test_the_state_of_a_run_is_said() -> None:
    begun, going, damaged = run("begun"), run("going"), run("hurt")
    (begun / "parts").mkdir()
    Path("results/runs/bare/parts").mkdir(parents=True)
    flip(next(damaged.rglob("*.json")))
    with using(going):
        states = list_runs().set_index("run")["state"].to_dict()
    assert states == {"bare": "unfinished", "begun": "unfinished", "going": "running", "hurt": "damaged"}
    assert list_runs().set_index("run").loc["going", "state"] == "whole"
    assert list_runs().set_index("run").loc["hurt", "cells"] == 0


def test_who_is_at_work_is_known_until_it_dies(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from forenbench.files.in_use import using
with using(Path({str(tmp_path)!r})):
    print("there", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with using(tmp_path):
            pass  # another one ends: the first is still there
        assert is_in_use(tmp_path)
        process.send_signal(signal.SIGKILL)
    assert not is_in_use(tmp_path)
    assert not (tmp_path / FOLDER).exists()


def test_a_run_is_found_by_name_and_by_path_and_never_by_a_link() -> None:
    folder = run("mine")
    assert find_run("mine") == find_run("results/runs/mine") == folder
    with pytest.raises(BenchError, match="unknown run 'mien': did you mean mine"):
        find_run("mien")
    Path("photos").mkdir()
    with pytest.raises(BenchError, match="'photos' is no run folder"):
        find_run("photos")
    Path("link").symlink_to(folder)
    with pytest.raises(BenchError, match=r"'link' is a link to .*mine'; name the run folder itself"):
        remove_run("link")


def test_a_renamed_run_is_the_same_run() -> None:
    before = files(run("old"))
    assert rename_run("old", "new") == Path("results/runs/new")
    assert files(Path("results/runs/new")) == before
    assert not Path("results/runs/old").exists()
    assert rename_run("new", "elsewhere/new") == Path("elsewhere/new")
    assert load_results("elsewhere/new").table("acc-ap").frame.shape[0] == 1


def test_no_run_takes_the_place_of_another() -> None:
    run("a")
    run("b", ("other", "t"))
    before = files(Path("results/runs"))
    for name in ("b", "results/runs/b", ".."):
        with pytest.raises(BenchError, match="is there already: choose another name"):
            rename_run("a", name)
    assert files(Path("results/runs")) == before


def test_a_run_that_is_going_on_is_left_alone() -> None:
    folder = run("going")
    before = files(folder)
    with using(folder):
        for forbidden in (
            lambda: rename_run("going", "x"),
            lambda: remove_run("going"),
            lambda: merge_runs(["going"], "x"),
        ):
            with pytest.raises(BenchError, match="a run is going on there; wait for it, or stop it"):
                forbidden()
    assert files(folder) == before


def test_only_what_runs_make_is_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    folder = run("mine")
    load_results(folder).report(progress=False)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").touch()
    (folder / "superseded").mkdir()
    (folder / "superseded" / "link").symlink_to(tmp_path / "photos")
    (folder / "tables").symlink_to(tmp_path / "photos")
    (folder / "thesis.txt").touch()
    assert remove_run("mine") == [folder / "thesis.txt"]
    assert list(folder.iterdir()) == [folder / "thesis.txt"]
    assert (tmp_path / "photos" / "one.png").exists()
    other = run("other")
    assert remove_run("other") == []
    assert not other.exists()


def test_rm_asks_first() -> None:
    folder = run("mine")
    refused = CliRunner().invoke(app, ["rm", "mine"], input="n\n")
    assert (refused.exit_code, folder.exists()) == (1, True)
    assert "To remove: results/runs/mine/, whole" in refused.stderr
    assert CliRunner().invoke(app, ["rm", "mine", "--yes"]).exit_code == 0
    assert not folder.exists()


def test_merged_cells_are_bit_for_bit_what_they_were() -> None:
    one, two = run("one", ("d", "t"), ("d", "u")), run("two", ("e", "t"), ("d", "u"))
    merged = merge_runs(["one", "two"], "all")
    assert merged.out == Path("all")
    cells = {name: file for folder in (one, two) for name, file in files(folder / "scores").items()}
    assert files(Path("all") / "scores") == cells
    assert sorted({*merged.table("cells").frame.index.get_level_values("detector")}) == ["d", "e"]
    assert [path.name for path in Path().iterdir() if path.name != "results"] == ["all"]


def test_cells_that_contradict_each_other_are_not_merged() -> None:
    run("one")
    for name, how in {
        "version": {"version": "2"},
        "images": {"digest": "d2"},
        "rows": {"status": "failed"},
    }.items():
        run(name, ("d", "t"), **how)
        with pytest.raises(BenchError, match=f"cell d on data/t .none. is in '.*one' and in '.*{name}'"):
            merge_runs(["one", name], "all")
    assert not Path("all").exists()


def test_weights_of_several_kinds_stand_side_by_side() -> None:
    run("own", kind="own")
    run("published", kind="published")
    with pytest.raises(BenchError, match="two cells are both called"):  # as earlier versions named them
        merge_runs(["own", "published"], "all")
    assert [path.name for path in Path().iterdir()] == ["results"]


def test_neither_damage_nor_an_existing_folder_is_merged() -> None:
    folder = run("one")
    Path("there").mkdir()
    with pytest.raises(BenchError, match="'there' is there already"):
        merge_runs(["one"], "there")
    flip(next(folder.rglob("*.parquet")))
    with pytest.raises(BenchError, match=r"one' cannot be merged: cell d on data/t .* is damaged"):
        merge_runs(["one"], "all")


def test_what_a_killed_merge_left_is_no_run() -> None:
    run("one")
    run(".all.123.merging", ("other", "t"))
    assert list_runs()["run"].tolist() == ["one"]
    assert load_results().table("acc-ap").frame.index.get_level_values("detector").tolist() == ["d"]


def test_fits_come_along_unless_they_differ() -> None:
    folders = [run(name, (name, "t")) for name in "ab"]
    for folder, threshold in zip(folders, (0.1, 0.2), strict=True):
        fit = {"detector": folder.name, "weights": "sample", "threshold": threshold}
        (folder / "fits.json").write_text(json.dumps([fit]))
    merge_runs("ab", "all")
    kept = json.loads(Path("all/fits.json").read_text())["fits"]
    assert {one["detector"]: one["threshold"] for one in kept} == {"a": 0.1, "b": 0.2}
    (folders[1] / "fits.json").write_text(json.dumps([{**fit, "detector": "a"}]))
    with pytest.raises(BenchError, match=r"fits of a \(sample\) differ"):
        merge_runs("ab", "all2")


def test_equal_runs_do_not_differ_and_others_say_in_what() -> None:
    run("one", ("d", "t"), ("d", "u"), ("gone", "t"))
    run("two", ("d", "t"), ("d", "u"), ("new", "t"))
    assert diff_runs("one", "one")["differs"].tolist() == [""] * 3
    add(Store(Path("results/runs/two")), "d", "u", ONE_WRONG, version="2", place=1)
    found = diff_runs("one", "two").set_index(["detector", "testset"])
    assert found["differs"].to_dict() == {
        ("d", "t"): "",
        ("d", "u"): "detector_version, rows",
        ("gone", "t"): "only in first",
        ("new", "t"): "only in second",
    }
    assert found.loc[("gone", "t"), ["images", "scores"]].tolist() == [0, 0]
    assert found.loc[("d", "t"), ["images", "scores"]].tolist() == [4, 0]
    # 0.1, 0.2, 0.8, 0.9 against 0.1, 0.6, 0.4, 0.9
    row = found.loc[("d", "u")]
    assert (row["images"], row["scores"]) == (4, 2)
    assert row["largest"] == pytest.approx(0.4)
    shown = CliRunner().invoke(app, ["diff", "one", "two", "--format", "json"])
    assert [one["detector"] for one in json.loads(shown.stdout)["cells"]] == ["d", "gone", "new"]
    assert "3 of 4 cells differ." in shown.stderr


def test_images_are_compared_by_path_and_statuses_count() -> None:
    one, two = (Store(Path("results/runs") / name) for name in ("one", "two"))
    add(one, "d", "t", PERFECT, paths=["a", "b", "c", "d"])
    add(
        two,
        "d",
        "t",
        [0.9, 0.1, 0.2, 0.5],
        paths=["d", "a", "b", "x"],
        labels=[1, 0, 0, 1],
        status="failed",
        lost=[1],
    )
    (line,) = diff_runs("one", "two").to_dict("records")
    assert (line["images"], line["scores"], line["largest"]) == (3, 1, 0)


def zipped(folder: Path, file: str, inside: str) -> Path:
    with ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, Path(inside, path.relative_to(folder)))
    return Path(file)


@pytest.mark.parametrize("inside", ["mine", "", "deep/er/mine"])
def test_a_run_is_read_out_of_a_zip_elsewhere(inside: str) -> None:
    folder = run("mine", ("d", "t"), ("e", "t"))
    wanted = load_results(folder).table("cells").to_csv()
    (folder / "superseded").mkdir()
    shutil.copytree(folder / "scores", folder / "superseded" / "1" / "scores")
    file = zipped(folder, "mine.zip", inside)
    shutil.rmtree("results")
    found = load_results(file)
    assert found.table("cells").to_csv() == wanted
    assert found.out.name == "mine"
    assert len(found._stores) == 1
    # what is written beside rows would be gone with the program
    assert found.report(progress=False) == Path("results/report.html")


def test_several_runs_in_one_zip_are_several() -> None:
    run("a")
    run("b", ("e", "t"))
    file = zipped(Path("results/runs"), "both.zip", "runs")
    assert load_results(file).table("acc-ap").frame.index.get_level_values("detector").tolist() == ["d", "e"]


def test_a_zip_writes_nothing_outside_of_its_own_folder(tmp_path: Path) -> None:
    with ZipFile("bad.zip", "w") as archive:
        for name in ("../scores/out-1.json", "/scores/../../out-2.json", "a/../../scores/out-3.json"):
            archive.writestr(name, "{}")
    with pytest.raises(BenchError, match=r"'bad\.zip' holds no run"):
        load_results("bad.zip")
    assert [path.name for path in tmp_path.parent.rglob("out-[123].json")] == []


@pytest.mark.parametrize(
    ("content", "words"), [(b"no zip", "cannot be unpacked: File is not a zip"), (b"", "cannot")]
)
def test_what_is_no_zip_is_refused(content: bytes, words: str) -> None:
    Path("some.zip").write_bytes(content)
    with pytest.raises(BenchError, match=f"'some.zip' {words}"):
        load_results("some.zip")


def test_a_moved_run_needs_neither_its_data_nor_its_place(tmp_path: Path) -> None:
    folder = run("mine")
    wanted = load_results(folder).table("summary").to_csv()
    folder.rename(tmp_path / "sent")
    shutil.rmtree("results")
    assert load_results("sent").table("summary").to_csv() == wanted


def test_check_ends_with_three_where_something_is_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    add(Store(Path("results/runs/mine")), "d", "t", ONE_WRONG)
    call = CliRunner().invoke
    assert call(app, ["check", "results/runs/mine", "--fail-below", "ap=0.8"]).exit_code == 0
    worse = call(app, ["check", "--fail-below", "ap=0.9", "--fail-below", "mean:ap=0.8"])
    assert isinstance(worse.exception, BenchError)
    assert worse.exception.exit_status == 3
    assert "1 of 2 numbers" in str(worse.exception)
    assert "no limit is said" in str(call(app, ["check"]).exception)


def test_show_says_what_made_a_run() -> None:
    run("mine")
    shown = CliRunner().invoke(app, ["show", "mine", "--format", "csv"])
    assert "abc" * 20 in shown.stdout
    assert "results/runs/mine: whole" in shown.stderr
    assert "mine" in CliRunner().invoke(app, ["list"]).stdout
    assert (
        json.loads(CliRunner().invoke(app, ["list", "--format", "json"]).stdout)["runs"][0]["run"] == "mine"
    )
    Path("results/runs/begun/parts").mkdir(parents=True)
    begun = CliRunner().invoke(app, ["show", "begun"])
    assert (begun.exit_code, begun.stdout) == (0, "results/runs/begun: unfinished, 0 bytes\n")
    assert "is none of text, csv, json" in str(CliRunner().invoke(app, ["list", "--format", "xml"]).exception)
