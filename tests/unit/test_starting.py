"""Whatever kind of detector is started, its file runs as it is written, and keeps the contract."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from answering_service import service
from onnx_graph import colour_classifier

from forenbench.errors import BenchError, NotHere
from forenbench.front import starting_examples
from forenbench.front.starting import TEMPLATES, Started, start_detector
from forenbench.plugins.loading import load
from forenbench.testing import CHECKS, run_check, tiny_image
from forenbench.weights import Weights

ALL = ("plain", "api")
"""Kinds of which every check is run; of the others, those that rest on the kind."""
SOME = (
    "one finite score for an image of any size",
    "a batch gives what single images give",
    "higher means more likely generated",
)
LARGE = ("timm", "hf", "embedding")
"""Kinds whose scores of 64 images take seconds, or mean nothing."""


def start(kind: str, folder: Path) -> Started:
    library = TEMPLATES[kind].needs[0]
    if library:
        pytest.importorskip(library)
    return start_detector("my-own", kind, folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_file_of_each_kind_keeps_the_contract_as_it_is_written(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = start(kind, tmp_path)
    assert made.file == tmp_path / "my_own.py"
    with service() as asked:
        if kind == "api":
            asked.point(made.file)
        found = load(str(made.file), Weights(allow_network=True))
        names = ["my-own-high", "my-own-peaks"] if kind == "encoder" else ["my-own"]
        assert [one.name for one in found] == names
        for check in SOME if kind in LARGE else CHECKS:
            assert {one.name: run_check(check, one.detector) for one in found} == dict.fromkeys(names, ""), (
                check
            )
    # What docs/adding_a_detector.md and the command say of the contract's price.
    assert kind != "api" or 80 <= len(asked.asked) <= 90


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_template_is_short_and_wrapped(kind: str) -> None:
    folder = Path(starting_examples.__file__).resolve().parents[1] / "templates"
    lines = (folder / f"{kind}.py.txt").read_text(encoding="utf-8").splitlines()
    assert 15 <= len(lines) <= 60
    assert max(map(len, lines)) <= 112 - len("{name}") + len("mine")


@pytest.mark.parametrize("kind", ["logit", "onnx"])
def test_other_weights_make_another_version(kind: str, tmp_path: Path) -> None:
    """Else rows of the example would be taken for those of what its user put in its place."""
    made = start(kind, tmp_path)
    assert made.example is not None
    (before,) = load(str(made.file), Weights())
    if kind == "onnx":
        made.example.write_bytes(colour_classifier(np.ones((3, 1), np.float32), side=("h", "w")))
    else:
        content = bytearray(made.example.read_bytes())
        content[-1] ^= 1
        made.example.write_bytes(content)
    (after,) = load(str(made.file), Weights())
    assert before.detector.version != after.detector.version


@pytest.mark.slow
def test_a_bank_is_made_of_folders_by_the_command_that_its_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = start("embedding", tmp_path)
    assert made.example is not None
    before = made.example.read_bytes()
    for label in range(2):
        (tmp_path / str(label)).mkdir()
        for number in range(3):
            shade = tiny_image(number).point(lambda value, label=label: value // 2 + 100 * label)
            shade.save(tmp_path / str(label) / f"{number}.png")
    words = made.file.read_text(encoding="utf-8").split("\n\n")[1].split()
    assert words[:2] == ["python", "my_own.py"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [words[1], "0", "1"])
    runpy.run_path(words[1], run_name="__main__")
    assert made.example.read_bytes() != before
    (loaded,) = load(str(made.file), Weights())
    encoder, detector = loaded.detector.encoder, loaded.detector  # type: ignore[attr-defined]
    batch = encoder.prepare(tiny_image(0).point(lambda value: value // 2 + 100))[None]
    assert detector.score(encoder.encode(batch))[0] > 0.5


def test_the_example_of_a_graph_is_the_one_that_the_tests_can_write(tmp_path: Path) -> None:
    starting_examples.colours(tmp_path / "it.onnx")
    weight = np.array([[1], [1], [-1]], np.float32)
    assert (tmp_path / "it.onnx").read_bytes() == colour_classifier(weight, side=("height", "width"))


def test_nothing_is_written_where_a_library_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, extra in (("onnx", "onnx"), ("hf", "hf"), ("api", "api")):
        monkeypatch.setitem(sys.modules, TEMPLATES[kind].needs[0], None)
        with pytest.raises(NotHere, match=rf"kind '{kind}' needs \w+: pip install 'forenbench\[{extra}\]'"):
            start_detector("mine", kind, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.safetensors").write_text("hours of training")
    with pytest.raises(BenchError, match=r"mine\.safetensors' is there already"):
        start_detector("mine", "logit", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.safetensors"]
    assert start_detector("mine", "plain", tmp_path).example is None
    with pytest.raises(BenchError, match=r"mine\.py' is there already"):
        start_detector("mine", "plain", tmp_path)


def test_a_misspelt_kind_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="unknown kind of detector 'tim': did you mean timm"):
        start_detector("mine", "tim", tmp_path)
