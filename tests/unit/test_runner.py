"""Cells are computed when something that made them differs, and only then."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.perturbations import parse
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records import environment
from forenbench.records.record import StatusCounts
from forenbench.records.store import Store
from forenbench.scoring.engines.local import LocalEngine
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.outcome import Silent
from forenbench.scoring.plan import Job, RunSettings
from forenbench.scoring.runner import Summary, run
from forenbench.tables import measure
from forenbench.testing import Brightness, tiny_image, write_tiny_dataset
from forenbench.types import Stamp

ROOT = Path(__file__).parents[2]


class Counted(Brightness):
    """StatusCounts the images it prepares."""

    name = "counted"

    def __init__(self) -> None:
        self.prepared = 0

    def prepare(self, image: Image.Image) -> Tensor:
        self.prepared += 1
        return super().prepare(image)


class Noting(Silent):
    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def begin(self, cells: int, present: int, images: int) -> None:
        self.begun = (cells, present, images)

    def tell(self, text: str) -> None:
        self.notes.append(text)

    note = tell


class Bench:
    """One run folder over a tiny dataset of two generators, eight images each."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "tiny"
        write_tiny_dataset(self.data)
        self.store = Store(folder / "run")
        self.loaded = LoadedDetector(Counted(), "published", {"head": "aa"})
        self.stop: Callable[[], bool] = lambda: False

    def dataset(self) -> Dataset:
        return open_dataset(str(self.data), data_root=self.data)[0]

    def __call__(self, *perturbations: str, seed: int = 0) -> tuple[Summary, int]:
        """Run, and return the summary with the number of images prepared."""
        detector = self.loaded.detector
        assert isinstance(detector, Counted)
        before = detector.prepared
        settings = RunSettings([parse(text) for text in perturbations or ("none",)], seed)
        engine, self.reporter = LocalEngine(Numerics()), Noting()
        self.reporter.stop = self.stop
        jobs = [Job(self.dataset(), [self.loaded])]
        summary = run(jobs, settings, self.store, engine, self.reporter)
        return summary, detector.prepared - before


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_second_run_computes_nothing(bench: Bench) -> None:
    assert bench() == (Summary(present=0, computed=2), 16)
    assert bench() == (Summary(present=2, computed=0), 0)


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_a_damaged_cell_is_named_and_made_anew(bench: Bench, suffix: str) -> None:
    bench()
    (rows,) = bench.store.root.glob("scores/tiny/alpha/none/*.parquet")
    whole, damaged = rows.read_bytes(), rows.with_suffix(suffix)
    damaged.write_bytes(damaged.read_bytes().replace(b"counted", b"c0unted", 1))
    assert bench() == (Summary(present=1, computed=1), 8)
    (told,) = bench.reporter.notes
    assert "is damaged" in told
    assert rows.read_bytes() == whole
    assert len(bench.store.records()) == 2


def test_only_what_is_missing_is_computed(bench: Bench) -> None:
    bench()
    summary, prepared = bench("none", "jpeg:50")
    assert (summary.present, summary.computed, prepared) == (2, 2, 16)


@pytest.mark.parametrize(
    "change",
    [{"weights": "sample"}, {"checkpoints": {"head": "bb"}}, {"code": "cc"}],
    ids=lambda c: next(iter(c)),
)
def test_other_weights_or_code_mean_a_new_computation(bench: Bench, change: dict[str, str]) -> None:
    bench()
    bench.loaded = replace(bench.loaded, **change)  # type: ignore[arg-type]
    assert bench()[0].computed == 2


def test_another_version_or_seed_means_a_new_computation(bench: Bench) -> None:
    bench()
    bench.loaded.detector.version = "2"
    assert bench()[0].computed == 2
    assert bench(seed=1)[0].computed == 2


def test_only_the_test_set_with_a_changed_image_is_computed_again(bench: Bench) -> None:
    bench()
    tiny_image(77).save(bench.data / "alpha" / "0_real" / "0.png")
    assert bench()[0].computed == 1


def reads_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Give a list that each file below a folder is added to when it is read from now on."""
    heard: list[Path] = []
    read = Path.read_bytes

    def listen(file: Path) -> bytes:
        if file.is_relative_to(folder):
            heard.append(file)
        return read(file)

    monkeypatch.setattr(Path, "read_bytes", listen)
    return heard


def test_a_file_is_read_once_to_be_listed_and_once_to_be_scored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = reads_below(bench.data, monkeypatch)
    files = sorted(file for file in bench.data.rglob("*") if file.is_file())
    for perturbations, times in (((), 2), ((), 0), (("none", "jpeg:50", "noise:4"), 1)):
        heard.clear()
        bench(*perturbations)
        assert sorted(heard) == sorted(files * times)


def test_a_file_that_changed_after_it_was_listed_fails_and_is_alone_listed_again(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the second shard."""
    bench.data = tmp_path / "large"
    write_tiny_dataset(bench.data, ["alpha"], images=80)
    jobs, file = [Job(bench.dataset(), [bench.loaded])], bench.data / "alpha/1_fake/70.png"
    tiny_image(77).save(file)
    summary = run(jobs, RunSettings([parse("none")]), bench.store, LocalEngine(Numerics()), Silent())
    assert [counts.failed for counts in summary.problems.values()] == [1]
    heard = reads_below(bench.data, monkeypatch)
    bench.dataset()
    assert heard == [file]


def test_what_is_stored_is_verified_once_by_a_run_that_is_started_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench("none", "jpeg:50")
    measure([bench.store])
    digest, made = hashlib.sha256, []

    def listen(content: bytes = b"") -> object:
        made.append(bytes(content))
        return digest(content)

    bench.store = Store(bench.store.root)
    monkeypatch.setattr(hashlib, "sha256", listen)
    bench("none", "jpeg:50")
    measure([bench.store])
    rows = [file.read_bytes() for file in bench.store.root.glob("scores/**/*.parquet")]
    assert sorted(one for one in made if one.startswith(b"PAR1")) == sorted(rows)
    assert len([one for one in made if one.startswith(b"{") and b'"rows_sha256"' in one]) == len(rows)


def test_rows_say_where_each_image_comes_from(bench: Bench) -> None:
    bench()
    first, second = (bench.store.rows(record) for record in bench.store.records())
    assert first["testset"].unique().tolist() == ["alpha"]
    assert second["path"].tolist()[0] == "beta/0_real/0.png"
    assert second["label"].tolist() == [0] * 4 + [1] * 4
    assert str(second["score"].dtype) == "float32"
    assert second["real_source"].tolist() == ["beta"] * 4 + [""] * 4


def test_images_that_were_not_scored_are_summed_up(bench: Bench) -> None:
    (bench.data / "alpha" / "1_fake" / "3.png").write_bytes(b"GIF89a?")
    summary, _ = bench()
    ((cell, counts),) = summary.problems.items()
    assert cell.testset == "alpha"
    assert counts == StatusCounts(ok=7, unreadable=1)
    assert bench()[0].computed == 0, "an unreadable file is a fact about the data, not a reason to run again"


class FailsOnce(Counted):
    """Has no memory for one image, the first time it meets it."""

    name = "fails-once"

    def __init__(self) -> None:
        super().__init__()
        self.failed = False

    def score(self, batch: Tensor) -> Tensor:
        if not self.failed and len(batch) == 5:  # the last batch of 261 images
            self.failed = True
            raise RuntimeError("the machine's fault")
        return super().score(batch)


def test_only_shards_with_failed_rows_are_made_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.data = tmp_path / "large"
    write_tiny_dataset(bench.data, ["alpha"], images=130)
    (bench.data / "alpha" / "1_fake" / "extra.png").write_bytes(
        (bench.data / "alpha/1_fake/0.png").read_bytes()
    )
    bench.loaded = LoadedDetector(FailsOnce(), "own")
    summary, prepared = bench()
    assert prepared == 261
    assert next(iter(summary.problems.values())).failed == 5
    assert bench() == (Summary(present=0, computed=1), 5)
    assert bench() == (Summary(present=1), 0)
    assert not (bench.store.root / "parts").exists()


class Broken(Counted):
    name = "broken"
    mended = False

    def score(self, batch: Tensor) -> Tensor:
        if not self.mended:
            raise RuntimeError("no such layer")
        return super().score(batch)


@pytest.mark.slow
def test_a_detector_that_fails_on_everything_is_stopped_named_in_every_row_and_tried_again(
    tmp_path: Path,
) -> None:
    """Others go on beside it; `keep_going` has it try them all."""
    bench = Bench(tmp_path)
    bench.data = tmp_path / "large"
    write_tiny_dataset(bench.data, ["alpha", "beta"], images=100)
    broken, fine, told = Broken(), Counted(), Noting()
    job = Job(bench.dataset(), [LoadedDetector(broken, "own"), LoadedDetector(fine, "own")])

    def go(*, keep_going: bool = False) -> Summary:
        settings = RunSettings([parse("none")], keep_going=keep_going)
        return run([job], settings, bench.store, LocalEngine(Numerics()), told)

    summary = go()
    assert (broken.prepared, fine.prepared) == (128, 400)
    assert (summary.computed, summary.unfinished) == (4, 0)
    assert {cell.detector: counts.failed for cell, counts in summary.problems.items()} == {"broken": 200}
    rows = {r.cell.testset: bench.store.rows(r) for r in bench.store.records() if r.counts.failed}
    assert rows["alpha"]["error"].value_counts().to_dict() == {
        "broken: RuntimeError: no such layer": 128,
        "not scored: stopped after 128 failures": 72,
    }
    assert set(rows["beta"]["error"]) == {"not scored: stopped after 128 failures"}
    assert len(told.notes) == 1
    assert "broken (none) fails on all images and is stopped: broken: RuntimeError" in told.notes[0]
    assert go(keep_going=True).problems
    assert (broken.prepared, fine.prepared) == (128 + 400, 400)
    broken.mended = True
    assert go() == Summary(present=2, computed=2)
    assert not (bench.store.root / "parts").exists()


def test_what_is_said_to_be_stored_is(bench: Bench) -> None:
    """Not what was begun before."""
    told: list[tuple[int, int]] = []

    class Told(Silent):
        def stored(self, cells: int) -> None:
            told.append((cells, len(bench.store.records())))

    settings = RunSettings([parse("none"), parse("jpeg:50")])
    run([Job(bench.dataset(), [bench.loaded])], settings, bench.store, LocalEngine(Numerics()), Told())
    assert told == [(2, 2), (2, 4)]


def test_a_run_that_is_asked_to_stop_ends_after_a_shard_and_says_what_is_left(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.data = tmp_path / "large"
    write_tiny_dataset(bench.data, ["alpha"], images=150)
    bench.stop = lambda: True
    assert bench() == (Summary(unfinished=1), 0)
    detector = bench.loaded.detector
    assert isinstance(detector, Counted)
    bench.stop = lambda: detector.prepared >= 128
    assert bench() == (Summary(unfinished=1), 128)
    bench.stop = lambda: False
    assert bench() == (Summary(computed=1), 300 - 128)


def test_what_a_run_left_that_was_killed_after_its_last_rows_is_removed_by_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.data = tmp_path / "large"
    write_tiny_dataset(bench.data, ["alpha"], images=150)
    detector = bench.loaded.detector
    assert isinstance(detector, Counted)
    bench.stop = lambda: detector.prepared >= 128
    bench()
    shards, aside = bench.store.root / "parts", tmp_path / "aside"
    shutil.copytree(shards, aside)
    assert list(aside.glob("large/alpha/*.arrow"))
    bench.stop = lambda: False
    bench()
    assert not shards.exists()
    shutil.copytree(aside, shards)  # killed before their removal
    assert bench() == (Summary(present=1), 0)
    assert not shards.exists()
    (shards / "large").mkdir(parents=True)  # killed amid it
    (shards / "large" / "alpha.lock").touch()
    assert bench() == (Summary(present=1), 0)
    assert not shards.exists()


def test_runs_with_different_detectors_share_a_folder_without_loss(tmp_path: Path) -> None:
    """The second one finishes the test set in which the first one was stopped."""
    bench = Bench(tmp_path)
    bench.data = tmp_path / "large"
    write_tiny_dataset(bench.data, ["alpha"], images=150)
    first, second = bench.loaded, LoadedDetector(FailsOnce(), "own")
    detector = first.detector
    assert isinstance(detector, Counted)
    bench.stop = lambda: detector.prepared >= 128
    assert bench() == (Summary(unfinished=1), 128)
    bench.loaded, bench.stop = second, lambda: False
    assert bench() == (Summary(computed=1), 300)
    bench.loaded = first
    assert bench() == (Summary(computed=1), 300 - 128)
    assert len(bench.store.records()) == 2
    assert not (bench.store.root / "parts").exists()


def test_records_say_what_made_them(bench: Bench) -> None:
    bench()
    made = bench.store.records()[0].provenance
    assert torch.__version__.startswith((made.packages or {})["torch"])
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    if head.returncode == 0:  # in a checkout, not in an unpacked archive
        assert (made.commit or "").removesuffix("-dirty") == head.stdout.strip()


def test_a_package_that_was_swapped_for_another_is_left_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """README: faiss-gpu-cu12 in place of faiss-cpu."""
    monkeypatch.setattr(environment, "_PACKAGES", ("torch", "no-such-package"))
    bench()
    assert list(bench.store.records()[0].provenance.packages or ()) == ["torch"]


def test_a_file_that_is_not_what_was_remembered_fails_once_and_is_scored_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on disks that keep no time of a change, where a stamp may stay the same."""
    stamp = lambda file: Stamp(bytes(file), "always the same")  # noqa: E731
    monkeypatch.setattr("forenbench.data.sources.folder.stamp_file", stamp)
    bench = Bench(tmp_path)
    assert bench()[0].problems == {}
    changed = sorted(bench.data.glob("*/*/*.png"))[0]
    tiny_image(99).save(changed)
    shutil.rmtree(tmp_path / "run")
    (counts,) = [*bench()[0].problems.values()]
    assert counts.failed == 1
    assert bench()[0].problems == {}
