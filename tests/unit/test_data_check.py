"""``bench data check`` finds exactly what differs; ``bench data fetch`` brings what is published."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from zipfile import ZipFile

import pytest
from file_server import serving
from layouts import write_layout
from PIL import Image
from typer.testing import CliRunner

from forenbench.cli.app import app as bench
from forenbench.cli.data import app, fetch_dataset
from forenbench.data.check_counts import CountCheck, compare
from forenbench.data.descriptions import CountKey, Download, Spec, specs
from forenbench.errors import BenchError
from forenbench.types import FAKE, REAL, Sample

SPECS = specs()
SUFFIXES = {"PNG": "png", "BMP": "bmp", "JPEG": "jpeg"}


def published(spec: Spec) -> Iterator[Sample]:
    """Yield a sample for every published image, as a source would find it."""
    names = {
        key: chain.from_iterable([SUFFIXES[name]] * number for name, number in formats.items())
        for key, formats in spec.formats.items()
    }
    for (generator, class_name, label), number in spec.counts.items():
        folder = "/".join(filter(None, (generator, class_name, "0_real" if label == REAL else "1_fake")))
        for i in range(number):
            suffix = next(names[generator, label]) if names else "png"
            yield Sample(f"{folder}/{i:05}.{suffix}", label, generator, class_name)


def differences(spec: Spec, samples: list[Sample], *testsets: str) -> list[CountCheck]:
    return [line for line in compare(spec, samples, testsets) if line.problem]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["forensynths", "forensynths-val", "univfd-diffusion", "celebahq", "celebahq-train"]
)
def test_a_whole_dataset_is_one_line_per_set(name: str) -> None:
    spec = SPECS[name]
    lines = compare(spec, list(published(spec)))
    assert [line.where for line in lines] == list(dict.fromkeys(place.generator for place in spec.counts))
    assert all(line.found == line.expected > 0 and not line.problem for line in lines)


@pytest.mark.slow
def test_each_difference_is_named() -> None:
    spec = SPECS["forensynths"]
    whole = list(published(spec))
    gone = CountKey("progan", "horse", FAKE)
    kept = [
        s for s in whole if (s.generator, s.class_name, s.label) != gone or not s.path.endswith("00007.png")
    ]
    kept = [s for s in kept if s.generator != "imle"]
    extra = [
        Sample("biggan/0_real/new.png", REAL, "biggan"),
        Sample("biggan/dogs/0_real/x.png", REAL, "biggan", "dogs"),
        Sample("dalle3/1_fake/y.png", FAKE, "dalle3"),
    ]
    assert differences(spec, [*kept, *extra]) == [
        CountCheck("progan/horse fake", 200, 199, "1 missing"),
        CountCheck("biggan real", 2000, 2001, "1 surplus"),
        CountCheck("biggan/dogs real", 0, 1, "unknown folder"),
        CountCheck("imle", 12764, 0, "missing"),
        CountCheck("dalle3", 0, 1, "unknown folder"),
    ]


def test_other_formats_are_named_where_they_are_declared() -> None:
    spec = SPECS["forensynths"]
    converted = [
        Sample(s.path.replace(".bmp", ".png"), s.label, s.generator, s.class_name) for s in published(spec)
    ]
    assert differences(spec, converted) == [CountCheck("san real: PNG", 200, 219, "other format")]
    in_truth = {sample.path: "JPEG" for sample in converted if sample.path == "crn/0_real/00003.png"}
    assert CountCheck("crn real: JPEG", 0, 1, "other format") in compare(spec, converted, formats=in_truth)


def test_some_test_sets_bring_the_reals_they_share_and_no_others() -> None:
    spec = SPECS["univfd-diffusion"]
    lines = compare(spec, list(published(spec)), ["dalle"])
    assert [(line.where, line.found) for line in lines] == [("dalle", 1000), ("laion", 1000)]


def write_names(root: Path, *, without: str = "", extra: tuple[str, ...] = ()) -> None:
    """Write `progan_val.zip` with the names of all published files and nothing in them."""
    names = {sample.path.removeprefix("progan/") for sample in published(SPECS["forensynths-val"])}
    with ZipFile(root / "progan_val.zip", "w") as archive:
        for name in sorted({*names, *extra} - {without}):
            archive.writestr(name, b"")


def run(*arguments: str, code: int) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.slow
def test_check_passes_what_is_whole(tmp_path: Path) -> None:
    write_names(tmp_path)
    assert "progan      8000   8000  whole" in run(
        "check", "forensynths-val", "--data-root", str(tmp_path), code=0
    )


def test_check_names_what_is_missing_surplus_or_misplaced(tmp_path: Path) -> None:
    extra = ("dog/1_fake/again.png", "dogs/1_fake/1.png", "notes.txt")
    write_names(tmp_path, without="cat/0_real/00007.png", extra=extra)
    output = run("check", "forensynths-val", "--data-root", str(tmp_path), code=1).splitlines()
    assert [line.split() for line in output if "progan/" in line or "notes" in line] == [
        ["progan/cat", "real", "200", "199", "1", "missing"],
        ["progan/dog", "fake", "200", "201", "1", "surplus"],
        ["progan/dogs", "fake", "0", "1", "unknown", "folder"],
        ["notes.txt", "0", "1", "in", "no", "label", "folder"],
    ]
    assert max(map(len, output)) <= 80


def test_check_looks_into_folders_too(tmp_path: Path) -> None:
    write_layout(tmp_path, "univfd-diffusion", 2, side=8)
    output = run("check", "univfd-diffusion", "--data-root", str(tmp_path), code=1)
    assert "guided fake            1000      2  998 missing" in output
    assert "laion real             1000      2  998 missing" in output


def test_check_of_test_sets_without_counts_says_what_is_there_and_which_are_missing(tmp_path: Path) -> None:
    for name in ("AttGAN/0_real/1.png", "AttGAN/1_fake/1.png", "AttGAN/1_fake/2.png", "ProGAN/1_fake/1.png"):
        (tmp_path / "GANGen-Detection" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "GANGen-Detection" / name).touch()
    lines = run("check", "gangen", "--data-root", str(tmp_path), code=1).splitlines()
    assert ["AttGAN", "3"] in [line.split() for line in lines]
    assert ["STGAN", "0", "missing"] in [line.split() for line in lines]
    assert ["ProGAN", "0", "1", "unknown", "folder"] in [line.split() for line in lines]


def test_check_counts_the_split_that_is_scored(tmp_path: Path) -> None:
    platforms = ("test/reddit", "test/twitter", "test/facebook")
    for folder in (f"{above}/{label}" for above in (*platforms, "train") for label in ("0_real", "1_fake")):
        (tmp_path / "WildRF" / folder).mkdir(parents=True)
        (tmp_path / "WildRF" / folder / "1.jpg").touch()
    output = run("check", "wildrf", "--data-root", str(tmp_path), code=0)
    assert "left aside: 2 of 'train'" in output
    assert output.endswith("6 images\n")


def test_a_deep_check_names_broken_files_and_true_formats(tmp_path: Path) -> None:
    (root,) = write_layout(tmp_path, "lgrad-table2", side=8)
    broken, disguised = (root / name for name in ("cat/1_fake/00000.png", "dog/0_real/00000.png"))
    broken.write_bytes(broken.read_bytes()[:60])
    Image.new("RGB", (8, 8)).save(disguised, "JPEG")
    command = ("check", "lgrad-table2", "--data-root", str(tmp_path))
    assert "JPEG" not in run(*command, code=1)
    lines = run(*command, "--deep", code=1).splitlines()
    assert any(line.split() == ["progan", "real:", "JPEG", "0", "1", "other", "format"] for line in lines)
    assert any(line.startswith("broken: cat/1_fake/00000.png: truncated PNG") for line in lines)


def test_check_of_what_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    output = run("check", "univfd-19", "--data-root", str(tmp_path), code=1)
    assert "bench data fetch forensynths" in output
    assert "bench data fetch univfd-diffusion" in output


def test_an_unknown_name_is_a_bad_request(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", "forensynth", "--data-root", str(tmp_path)])
    assert isinstance(result.exception, BenchError)
    assert "did you mean forensynths" in str(result.exception)


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Describe a dataset whose one file lies on this machine."""
    data = b"as published"
    (tmp_path / "server").mkdir()
    (tmp_path / "server/set.zip").write_bytes(data)
    url = (tmp_path / "server/set.zip").as_uri()
    download = Download("set.zip", url, len(data), hashlib.sha256(data).hexdigest())
    return Spec("mine", "made here", "CC BY-NC 4.0", folder="set", archives=("set.zip",), source="https://example.org",
                downloads=(download,), instructions="Unpack it.")  # fmt: skip


def test_fetch_says_what_comes_and_what_to_do_next(
    tmp_path: Path, spec: Spec, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    assert fetch_dataset(spec, root, yes=True)
    told = capsys.readouterr().err
    for fact in (
        "https://example.org",
        "CC BY-NC 4.0",
        "set.zip: 12 bytes",
        spec.downloads[0].sha256,
        "Unpack it.",
    ):
        assert str(fact) in told
    assert Download("set.zip", md5="0695").checksum == "md5 0695"
    assert Download("set.zip").checksum == "sha256 not known"
    assert (root / "set.zip").read_bytes() == b"as published"
    assert fetch_dataset(spec, root, yes=False)
    told = " ".join(capsys.readouterr().err.split())
    assert "There already: " in told
    assert f"'bench data check {spec.name} --data-root {root}' looks into it" in told


def test_fetch_asks_first(tmp_path: Path, spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(BenchError, match="--yes"):
        fetch_dataset(spec, tmp_path / "data", yes=False)
    assert not (tmp_path / "data/set.zip").exists()


def test_fetch_replaces_a_file_of_another_size(tmp_path: Path, spec: Spec) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/set.zip").write_bytes(b"as pub")
    assert fetch_dataset(spec, tmp_path / "data", yes=True)
    assert (tmp_path / "data/set.zip").read_bytes() == b"as published"


def test_fetch_refuses_a_disk_that_is_too_small(tmp_path: Path) -> None:
    huge = Download("huge.zip", "https://example.org/huge.zip", 10**18)
    with pytest.raises(BenchError, match="has room for"):
        fetch_dataset(Spec("huge", "", "", folder="huge", downloads=(huge,)), tmp_path, yes=True)


@pytest.mark.slow
def test_a_failed_download_says_what_else_to_do_and_stops_no_other_dataset(
    tmp_path: Path, spec: Spec, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "server/set.zip").unlink()
    assert not fetch_dataset(spec, tmp_path / "data", yes=True)
    told = capsys.readouterr().err
    assert "there is no such file" in told
    assert "By hand: get the files from https://example.org into" in told
    begun = tmp_path / "data/CNN_synth_testset.zip.part"  # all but a byte of it, so that any disk has room
    begun.touch()
    os.truncate(begun, 20_052_866_586)
    with serving() as hub:
        hub.statuses = [404]
        call = [sys.executable, "-m", "forenbench.cli", "data", "fetch", "univfd-19", "--yes"]
        call += ["--data-root", str(tmp_path / "data")]
        environment = {**os.environ, "HF_ENDPOINT": hub.address}
        done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "It has no stable public location." in done.stderr


def test_a_data_root_that_cannot_be_made_is_named(tmp_path: Path, spec: Spec) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match=r"file' cannot be made: .*--data-root"):
        fetch_dataset(spec, tmp_path / "file", yes=True)


def test_the_list_is_that_of_bench_list() -> None:
    listed = CliRunner().invoke(bench, ["list", "datasets"], env={"COLUMNS": "80"}).output
    assert "forensynths-train" in listed
    assert "lgrad-table3" in listed
    assert run("list", code=0) == listed


def test_what_has_no_stable_location_gets_instructions(tmp_path: Path) -> None:
    output = run("fetch", "celebahq", "--data-root", str(tmp_path), code=1)
    assert "no stable public location" in output
    assert "celebahq/stylegan/1_fake/" in output
    assert "nothing to fetch" in run("fetch", "sample", code=0)
