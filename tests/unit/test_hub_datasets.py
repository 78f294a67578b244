"""Datasets of the Hugging Face hub: downloaded when asked for, pinned to a commit, read where they lie."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_mirror import COMMIT, REPOSITORY, HubMirror, mirrored
from tiny_files import tiny_file
from typer.testing import CliRunner

from forenbench.cli.app import app as bench
from forenbench.cli.data import fetch_dataset
from forenbench.cli.hub import fetch_hub_dataset
from forenbench.data import requests
from forenbench.data.catalogue import open_dataset
from forenbench.data.descriptions import CountKey, Download, Spec
from forenbench.errors import BenchError, NotHere
from forenbench.files.downloads import DownloadFailed
from forenbench.files.hub_datasets import HubDataset, fetch_snapshot, parse_hub_dataset
from forenbench.types import FAKE

MAIN = f"hf://datasets/{REPOSITORY}@main"
PINNED = f"hf://datasets/{REPOSITORY}@{COMMIT}"


def table(*labels: int) -> bytes:
    images = [{"bytes": tiny_file(seed, "PNG"), "path": None} for seed in range(len(labels))]
    written = io.BytesIO()
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({"image": pa.array(images, kind), "label": list(labels)}), written)
    return written.getvalue()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubMirror]:
    """A hub of one dataset, with an empty cache."""
    from huggingface_hub import constants

    files = {"README.md": b"# Fakes", "data/test.parquet": table(0, 1), "more/train.parquet": table(1, 1, 0)}
    with mirrored(files) as mirror:
        # The library reads HF_ENDPOINT when it is imported, and makes two constants of it.
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, mirror.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", mirror.address)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield mirror


def test_nothing_is_downloaded_unless_asked(hub: HubMirror) -> None:
    with pytest.raises(NotHere, match=rf"not in the hub's cache .*'bench data fetch {MAIN}' gets it"):
        open_dataset(MAIN, data_root=Path("data"))
    assert hub.asked == []


def test_a_fetch_says_commit_size_and_licence_and_asks(
    hub: HubMirror, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody is there to answer
    with pytest.raises(BenchError, match="nothing was downloaded"):
        fetch_hub_dataset(MAIN, yes=False)
    told = capsys.readouterr().err
    assert f"org/fakes, revision main: commit {COMMIT}" in told
    assert "licence: CC-BY-NC-4.0: no commercial use" in told
    assert "3 files" in told
    assert not list((tmp_path / "hub").glob("**/*.parquet"))
    hub.licence = ""
    with pytest.raises(BenchError):
        fetch_hub_dataset(MAIN, yes=False)
    assert "no licence stated" in capsys.readouterr().err


def test_what_was_fetched_is_scored_at_its_commit(hub: HubMirror, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch_hub_dataset(MAIN, yes=True)
    assert f"'bench run --dataset {PINNED}' scores it" in capsys.readouterr().err
    asked = len(hub.asked)
    for request in (MAIN, PINNED):
        (dataset,) = open_dataset(request, data_root=Path("data"))
        assert dataset.name == "org--fakes@0123456"
        assert f"it is commit {COMMIT} of the hub's dataset org/fakes" in dataset.notes
        (testset,) = dataset.testsets
        assert testset.name == "org--fakes@0123456"
        assert [sample.path for sample in testset.samples] == ["data/test.parquet#0", "data/test.parquet#1"]
    assert len(hub.asked) == asked


def test_what_was_fetched_is_indexed_and_the_manifest_is_the_same_dataset(
    hub: HubMirror, tmp_path: Path
) -> None:
    command = ["data", "index", PINNED, "--out", str(tmp_path / "listed.csv")]
    assert "not in the hub's cache" in str(CliRunner().invoke(bench, command).exception)
    assert fetch_hub_dataset(MAIN, yes=True)
    assert CliRunner().invoke(bench, [*command, "--split", "train"]).exit_code == 0
    assert CliRunner().invoke(bench, command).exit_code == 0
    (listed,) = open_dataset(str(tmp_path / "listed.csv"), data_root=Path("data"))
    (fetched,) = open_dataset(PINNED, data_root=Path("data"))
    assert [t.digest for t in listed.testsets] == [t.digest for t in fetched.testsets]


def test_what_was_fetched_is_checked_by_the_description_whose_download_it_is(
    hub: HubMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "not in the hub's cache" in str(CliRunner().invoke(bench, ["data", "check", MAIN]).exception)
    assert fetch_hub_dataset(MAIN, yes=True)
    asked = len(hub.asked)
    found = CliRunner().invoke(bench, ["data", "check", MAIN, "--deep"])
    assert found.exit_code == 0
    assert "org--fakes@0123456: without a description" in found.output
    assert "2 images" in found.output
    counts = {CountKey("gan", "", FAKE): 5}
    spec = Spec("fakes", "d", "", folder="f", downloads=(Download("f", MAIN),), counts=counts)
    monkeypatch.setattr(requests, "specs", lambda: {"fakes": spec})
    found = CliRunner().invoke(bench, ["data", "check", PINNED])
    assert found.exit_code == 1
    assert "fakes: d" in found.output
    assert len(hub.asked) == asked


def test_another_fetch_brings_nothing_and_a_moved_branch_brings_the_new_commit(
    hub: HubMirror, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch_hub_dataset(MAIN, yes=True)
    capsys.readouterr()
    assert fetch_hub_dataset(MAIN, yes=False)
    assert "There already" in capsys.readouterr().err
    hub.commit, hub.files = "f" * 40, {"data/test.parquet": table(0, 1, 1)}
    assert fetch_hub_dataset(MAIN, yes=True)
    (dataset,) = open_dataset(MAIN, data_root=Path("data"))
    assert (dataset.name, len(dataset.facts)) == ("org--fakes@fffffff", 3)
    (dataset,) = open_dataset(PINNED, data_root=Path("data"))
    assert len(dataset.facts) == 2


def test_a_branch_that_moves_after_somebody_agreed_is_refused(hub: HubMirror) -> None:
    with pytest.raises(DownloadFailed, match=rf"was commit {'e' * 40} and is {COMMIT} by now"):
        fetch_snapshot(parse_hub_dataset(MAIN), "e" * 40)


def test_a_folder_of_a_dataset_is_fetched_alone(hub: HubMirror) -> None:
    assert fetch_hub_dataset(f"{MAIN}/more", yes=True)
    (dataset,) = open_dataset(f"{MAIN}/more", data_root=Path("data"))
    assert (dataset.name, len(dataset.facts)) == ("org--fakes@0123456--more", 3)
    with pytest.raises(NotHere, match="is not whole"):
        open_dataset(MAIN, data_root=Path("data"))


def test_an_interrupted_fetch_is_not_scored(hub: HubMirror, capsys: pytest.CaptureFixture[str]) -> None:
    hub.missing = "data/test.parquet"
    assert not fetch_hub_dataset(MAIN, yes=True)
    assert "cannot be had from the hub" in capsys.readouterr().err
    with pytest.raises(NotHere, match="is not whole in the hub's cache"):
        open_dataset(PINNED, data_root=Path("data"))
    hub.missing = ""
    assert fetch_hub_dataset(MAIN, yes=True)
    assert len(open_dataset(PINNED, data_root=Path("data"))) == 1


@pytest.mark.parametrize(
    ("status", "message"), [(403, "agree to its conditions"), (404, "cannot be had"), (401, "cannot be had")]
)
def test_what_the_hub_refuses_is_said(
    hub: HubMirror, capsys: pytest.CaptureFixture[str], status: int, message: str
) -> None:
    hub.status = status
    assert not fetch_hub_dataset(MAIN, yes=True)
    assert message in capsys.readouterr().err


def test_a_request_without_a_revision_is_refused(hub: HubMirror) -> None:
    for request in (
        "hf://datasets/org/fakes",
        "hf://datasets/fakes@main",
        "hf://datasets/org/fakes@main/../x",
    ):
        with pytest.raises(BenchError, match="a revision is a commit, or a branch such as main"):
            open_dataset(request, data_root=Path("data"))
    assert CliRunner().invoke(bench, ["data", "fetch", "hf://datasets/org/fakes"]).exit_code != 0
    assert parse_hub_dataset(f"{MAIN}/a/b/") == HubDataset(REPOSITORY, "main", "a/b")


def test_a_description_may_name_a_whole_dataset(hub: HubMirror, tmp_path: Path) -> None:
    spec = Spec("mine", "", "MIT", folder="mine", downloads=(Download("mine", PINNED),))
    hub.missing = "more/train.parquet"
    assert not fetch_dataset(spec, tmp_path / "data", yes=True)
    assert not (tmp_path / "data/mine").exists()
    hub.missing = ""
    assert fetch_dataset(spec, tmp_path / "data", yes=True)
    assert (tmp_path / "data/mine/data/test.parquet").read_bytes() == hub.files["data/test.parquet"]
    asked = len(hub.asked)
    assert fetch_dataset(spec, tmp_path / "data", yes=False)
    assert len(hub.asked) == asked
