"""What is missing is said before anything heavy is imported, with what can be run in its place."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from forenbench import registry
from forenbench.cli.console import split
from forenbench.errors import BenchError, hint_at
from forenbench.plugins.cards import GROUP
from forenbench.plugins.installed import by_cards, installed
from forenbench.plugins.not_ready import NotReady
from forenbench.plugins.own import OwnDetector
from forenbench.plugins.readiness import checkpoint_names, survey
from forenbench.plugins.ways import check_ready
from forenbench.scoring.devices import check_device, split_devices
from forenbench.scoring.requested import parse_files
from forenbench.testing import Brightness
from forenbench.weights.checkpoint_store import cached

TINY = "tiny-ladeda:forensynths@published"


@pytest.fixture(autouse=True)
def _no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing"))
    monkeypatch.delenv("FORENBENCH_WEIGHTS", raising=False)


@pytest.fixture
def with_tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the one file of Tiny-LaDeDa in a folder of weights."""
    (tmp_path / "tiny-ladeda.pth").touch()
    monkeypatch.setenv("FORENBENCH_WEIGHTS", str(tmp_path))


def refused(*requests: str, kind: str = "published", paths: dict[str, Path] | None = None) -> NotReady:
    with pytest.raises(NotReady) as caught:
        check_ready(requests, kind, paths or {})
    return caught.value


def test_each_card_says_what_the_code_says_that_variants_mean_and_need() -> None:
    cards = by_cards()
    for code in installed():
        card = cards[code.name]
        for kind in code.kinds():
            assert card.rows(kind) == code.rows(kind), code.name
        for variant in code.variants("published"):
            said, needed = ([(one.name, one.file) for one in each.needs(variant)] for each in (card, code))
            shipped = {one.name for one in code.needs(variant) if one.shipped}
            assert [one[0] for one in said] == [one[0] for one in needed], (code.name, variant)
            assert [one for one in said if one[0] not in shipped] == [
                one for one in needed if one[0] not in shipped
            ]
        assert {one.name for one in code.checkpoints} <= {*checkpoint_names()}, code.name


def test_the_smallest_download_comes_first_and_the_sample_last() -> None:
    error = refused("lgrad", "univfd")
    first, *_, last = error.ways
    assert (first.option, first.value, first.fetch) == (
        "detectors",
        "tiny-ladeda@published",
        ("tiny-ladeda",),
    )
    assert "12.4 kB" in first.title
    assert (last.option, last.value, last.fetch) == ("checkpoints", "sample", ())
    assert "lgrad: stylegan-bedroom" in str(error)
    assert "CC BY-NC 4.0: no commercial use" in str(error)
    assert "univfd: univfd-bank, which nobody published" in str(error)
    assert 'the same with detectors="tiny-ladeda@published"' in str(error)
    assert "bench run --x 1 --detectors tiny-ladeda@published" in error.worded(
        lambda option, value: f"bench run --x 1 --{option} {value}"
    )


def test_a_file_that_several_read_is_named_once() -> None:
    assert str(refused("univfd:lc", "rine:ldm", "d3")).count(": clip-vit-l14, ") == 1


@pytest.mark.usefixtures("with_tiny")
def test_what_is_here_can_be_run_and_is_named_first() -> None:
    check_ready(["tiny-ladeda"], "published", {})
    assert refused("lgrad").ways[0].value == "tiny-ladeda@published"
    assert refused("lgrad", "tiny-ladeda").ways[0].value == TINY
    assert "of 41 installed detectors 1 have" in str(refused("lgrad"))


def test_a_comma_in_a_files_name_ends_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a,b.py").touch()
    assert split(refused("./a,b.py", "lgrad").ways[0].value) == ["./a,b.py"]


def test_a_file_in_the_cache_or_of_the_user_counts_as_here(tmp_path: Path) -> None:
    assert survey(["tiny-ladeda"], "published", {})[0].lacks
    check_ready(["tiny-ladeda"], "published", {"tiny-ladeda": tmp_path / "mine.pth"})
    [lacking] = survey(["tiny-ladeda"], "published", {})[0].lacks
    cached(lacking).parent.mkdir(parents=True)
    cached(lacking).touch()
    check_ready(["tiny-ladeda"], "published", {})


def test_sample_checkpoints_are_always_here() -> None:
    check_ready(["lgrad", "univfd", "frank"], "sample", {})
    check_ready(["lgrad@sample"], "published", {})
    # by the other kind, "checkpoints" would change nothing of a request that says it itself
    assert refused("lgrad@published", kind="sample").ways[-1].value == "lgrad@sample"


@pytest.mark.usefixtures("with_tiny")
def test_of_a_line_up_some_are_enough_but_not_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "14 detectors are not here" in str(refused("modern"))
    assert "more, which 'bench weights list' shows" in str(refused("modern"))
    check_ready(["modern", "tiny-ladeda"], "published", {})
    assert "npr: npr, " in str(refused("modern", "npr", "tiny-ladeda"))
    check_ready(["modern", OwnDetector(Brightness())], "published", {})


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("lgrat", "did you mean lgrad"),
        ("lgrad:stylegan-bedrom", "did you mean stylegan-bedroom "),
        ("lgrad@sampel", "did you mean sample"),
        ("gramnet@sample", "has no sample checkpoints"),
        ("./no.py", "no detector file at './no.py'"),
        ("onnx:no.onnx", "no file at no.onnx"),
    ],
)
def test_names_and_files_are_looked_at_too(request_: str, words: str) -> None:
    with pytest.raises(BenchError, match=words.replace("(", r"\(")):
        check_ready([request_], "published", {})


def test_a_detector_without_a_card_may_be_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code knows, and says it when it is loaded."""
    (tmp_path / "bare.py").write_text("class X:\n    checkpoints = ()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "entries_of", lambda group: [EntryPoint("bare", "bare:X", GROUP)])
    check_ready(["bare", "all"], "published", {})


def test_a_card_that_cannot_be_read_keeps_no_detector_from_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "carded.py").write_text("class X:\n    variants = {'published': ('a',)}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "entries_of", lambda group: [EntryPoint("carded", "carded:X", GROUP)])
    for said in ("[variants\n", '[variants]\npublished = ["a"]\n[needs]\na = ["nothing"]\n'):
        (tmp_path / "carded.toml").write_text(said)
        check_ready(["carded:a"], "published", {})
    assert "unknown checkpoint of a card 'nothing'" in by_cards()["carded"].problem


def test_files_of_the_user_are_looked_for_by_near_names(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(BenchError) as caught:
        parse_files([f"tinyladeda={tmp_path / 'x'}"])
    assert "did you mean tiny-ladeda" in str(caught.value)
    assert "cnndetection-0.5" not in str(caught.value)  # all 228 would hide it
    with pytest.raises(BenchError, match=r"no file at .*nowhere"):
        parse_files([f"tiny-ladeda={tmp_path / 'nowhere'}"])
    assert parse_files([f"sample-lgrad={tmp_path / 'x'}"]) == {"sample-lgrad": tmp_path / "x"}


def test_a_path_that_leads_nowhere_is_compared_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "dif").mkdir()
    assert hint_at(str(tmp_path / "diff")) == f"did you mean {tmp_path / 'dif'}?"
    assert hint_at(str(tmp_path / "photos")) == ""
    assert hint_at(str(tmp_path / "none" / "diff")) == ""
    for address in ("https://example.org/a.png", "https:/example.org/a.png", "s3://bucket/a"):
        assert "addresses are not taken" in hint_at(address)
    assert "addresses" not in hint_at("C:/photos")


def test_devices_are_known_by_their_names() -> None:
    for name in ("auto", "cpu", "cuda", "cuda:1", "mps", "xpu:0"):
        check_device(name)
    assert split_devices("cuda:0, cuda:1") == ["cuda:0", "cuda:1"]
    assert split_devices("") == ["auto"]
    for name in ("gpu", "cuda:", "cuda:x", "cpu:", "CPU "):
        with pytest.raises(BenchError, match="unknown device"):
            check_device(name)


REFUSED = [
    ["run", "--dataset", "tiny"],
    ["run", "--dataset", "tiny", "--detectors", "lgrat"],
    ["run", "--dataset", "tini"],
    ["run", "--dataset", "tiny", "--checkpoints", "sample", "--generators", "nobody"],
    ["run", "--protocol", "nobody"],
    ["run", "--device", "gpu"],
    ["run", "--precision", "fp8"],
    ["run", "--feature-cache", "lots"],
    ["run", "--engine", "rai"],
    ["run", "--perturbations", "jpgg"],
    ["run", "--weights", "tinyladeda=x"],
    ["run", "--list", "nowhere.csv"],
    ["run", "--experiment", "nobody-1"],
    ["score", "nowhere.png"],
    ["score", "tiny", "--device", "gpu"],
    ["score", "tiny"],
]


@pytest.mark.slow
def test_a_refusal_imports_no_torch(tmp_path: Path) -> None:
    code = f"""
import sys
from forenbench.cli import main
for words in {REFUSED!r}:
    sys.argv = ["bench", *words]
    try:
        main()
    except SystemExit as left:
        print(words, left.code, "torch" in sys.modules)
"""
    (tmp_path / "tiny/0_real").mkdir(parents=True)
    (tmp_path / "tiny/1_fake").mkdir()
    for folder in ("0_real", "1_fake"):
        (tmp_path / "tiny" / folder / "a.png").touch()
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert run.stdout.splitlines() == [f"{words} 2 False" for words in REFUSED], run.stderr
