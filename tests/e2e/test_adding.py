"""What docs/adding_*.md show runs as it is shown: the file, the check of its contract, every command."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from command_line import BRIGHT, Bench
from hub_cache import in_hub_cache
from huggingface_hub import constants
from onnx_graph import colour_classifier
from PIL import Image
from safetensors.torch import save_file

from forenbench import load_results, registry
from forenbench.front.starting import TEMPLATES
from forenbench.testing import write_tiny_dataset

DOCS = Path(__file__).parents[2] / "docs"

CALLS = """
import json, sys
from pathlib import Path
from forenbench.cli import main
for number, sys.argv in enumerate(json.loads(sys.argv[1])):
    with Path(f"{number}.txt").open("w", encoding="utf-8") as sys.stdout:
        try:
            main()
        except SystemExit as end:
            assert not end.code, (sys.argv, end)
"""
"""Calls of ``bench`` in one process, each with what it prints in a file."""


def shown(page: str, language: str) -> Iterator[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return iter(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL))


def write_example(page: str) -> None:
    (block,) = shown(page, "python")
    Path(block.partition("\n")[0].removeprefix("# ")).write_text(block, encoding="utf-8")


def commands(page: str) -> list[list[str]]:
    lines = [line for block in shown(page, "console") for line in block.splitlines()]
    return [shlex.split(line)[2:] for line in lines if line.startswith("$ bench ")]


def commands_for_files(page: str) -> list[list[str]]:
    return [command for command in commands(page) if page != "adding_metric.md" or "./" in "".join(command)]


@pytest.mark.usefixtures("_own_metrics")
@pytest.mark.parametrize(
    "page", ["adding_perturbation.md", "adding_table.md", "adding_source.md", "adding_metric.md"]
)
def test_a_file_that_a_page_shows_runs_with_every_command_that_it_shows(page: str, bench: Bench) -> None:
    write_example(page)
    Path("bright.py").write_text(BRIGHT)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 3), dtype=np.uint8)
    np.savez("images.npz", images=pixels, labels=np.arange(8) % 2)
    if page in ("adding_table.md", "adding_metric.md"):
        bench("run", "--detectors", "./bright.py", "--dataset", "tiny")
    for command in commands_for_files(page):
        where = [] if "--dataset" in command else ["--dataset", "tiny"]
        more = ["--detectors", "./bright.py", *where] if command[0] == "run" else []
        outcome = bench(*command, *more)
        assert outcome.code == 0, (command, outcome.err)
        if command[0] == "check":
            assert "FAIL" not in outcome.out
    if page == "adding_metric.md":
        assert "Right reals" in bench(*commands_for_files(page)[1]).out
        assert "Right reals" in Path("results/runs/tiny/report.html").read_text(encoding="utf-8")
        return
    last = bench(*commands(page)[-1], *more)
    assert re.search(r"pixelate@[0-9a-f]{12}|AUROC|sdxl", last.out)
    if page != "adding_table.md":
        assert bench("report", *map(str, Path("results/runs").iterdir())).code == 0


def test_a_detector_of_files_runs_as_the_page_shows(bench: Bench) -> None:
    write_example("adding_a_detector.md")
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    for file in Path("tiny").rglob("0_real/*.png"):
        with Image.open(file) as image:
            image.save(file.with_suffix(".jpg"), exif=exif)
        file.unlink()
    for command in [one for one in commands("adding_a_detector.md") if "./camera.py" in one]:
        outcome = bench(*command, *(["--dataset", "tiny"] if command[0] == "run" else []))
        assert outcome.code == 0, outcome.err
        assert "FAIL" not in outcome.out
    rows = load_results("results/runs/tiny").rows()
    assert dict(rows.groupby("perturbation")["score"].mean()) == {"none": 0.5, "jpeg:75": 1.0}
    assert "camera got files as they are" in outcome.out


def test_the_page_names_every_kind_that_can_be_started() -> None:
    page = (DOCS / "adding_a_detector.md").read_text(encoding="utf-8")
    table = page[page.index("| `--kind` |") : page.index("A detector is a class")]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(TEMPLATES)
    for kind, template in TEMPLATES.items():
        (row,) = re.findall(rf"^\| `{kind}` .*$", table, re.MULTILINE)
        assert (f"`mine{template.beside}" in row) == bool(template.beside)
        assert (f"extra `{template.needs[1]}`" in row) == bool(template.needs[1])


def test_models_without_a_file_run_as_the_page_shows(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but `hf:`, which needs a model of the hub."""
    pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
    Path("mine.onnx").write_bytes(colour_classifier(np.ones((3, 2), dtype=np.float32)))
    torch.save({"weight": torch.ones(1, 96)}, "head.pth")
    network = timm.create_model("test_resnet.r160_in1k")
    file = in_hub_cache(tmp_path, "timm/test_resnet.r160_in1k") / "model.safetensors"
    save_file(network.state_dict(), file)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    asked = [command for command in commands("adding_a_detector.md") if re.match("onnx:|timm:", command[-1])]
    assert len(asked) == 2
    for command in asked:
        outcome = bench(*command, "--dataset", "tiny", "--readers", "0")
        assert outcome.code == 0, outcome.err
        assert re.search(r"onnx:mine|timm:test_resnet\.r160_in1k\+head", outcome.out)


def test_a_report_has_the_tables_of_packages_and_says_why_one_is_not_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_example("adding_table.md")
    group = "forenbench.tables"
    points = [EntryPoint("spread", "spread:SPREAD", group), EntryPoint("gone", "not_there:GONE", group)]
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.setattr(registry, "entries_of", lambda asked: points if asked == group else [])
    Path("bright.py").write_text(BRIGHT)
    assert bench("run", "--detectors", "./bright.py", "--dataset", "tiny").code == 0
    outcome = bench("report", "results/runs/tiny")
    assert outcome.code == 0, outcome.err
    page = Path("results/runs/tiny/report.html").read_text(encoding="utf-8")
    assert "AUROC (%) over all cells" in page
    assert "No module named &#39;not_there&#39;" in page


def test_the_engine_that_a_page_shows_gives_the_rows_of_ours(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_example("adding_engine.md")
    (toml,) = shown("adding_engine.md", "toml")
    name, target = re.findall(r'^(\w+) = "(.*)"', toml, re.MULTILINE)[0]
    group = "forenbench.engines"
    monkeypatch.syspath_prepend(str(Path.cwd()))
    point = EntryPoint(name, target, group)
    monkeypatch.setattr(registry, "entries_of", lambda asked: [point] if asked == group else [])
    Path("bright.py").write_text(BRIGHT)
    for command in commands("adding_engine.md"):
        more = ["--detectors", "./bright.py", "--dataset", "tiny"] if command[0] == "run" else []
        outcome = bench(*command, *more)
        assert outcome.code == 0, (command, outcome.err)
        assert "FAIL" not in outcome.out


@pytest.mark.slow
def test_the_metric_that_a_page_shows_is_in_tables_and_glossary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of their own: the catalogue is read once."""
    monkeypatch.chdir(tmp_path)
    write_example("adding_metric.md")
    (toml,) = shown("adding_metric.md", "toml")
    info = tmp_path / "right_reals-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: right-reals\nVersion: 1.0\n")
    name, target = re.findall(r'^(\w+) = "(.*)"', toml, re.MULTILINE)[0]
    broken = "acc = specificity:SPECIFICITY\ngone = not_there:GONE\n"
    (info / "entry_points.txt").write_text(f"[forenbench.metrics]\n{name} = {target}\n{broken}")
    write_tiny_dataset(tmp_path / "tiny")
    Path("bright.py").write_text(BRIGHT)
    run = ["run", "--detectors", "./bright.py", "--dataset", "tiny"]
    others = [
        one for one in commands("adding_metric.md") if one not in commands_for_files("adding_metric.md")
    ]
    calls = [["bench", *command] for command in (run, *others)]
    subprocess.run(
        [sys.executable, "-c", CALLS, json.dumps(calls)],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=True,
    )
    outputs = [Path(f"{number}.txt").read_text(encoding="utf-8") for number in range(len(calls))]
    assert "Right reals" in outputs[-1]
    assert "FAIL" not in outputs[-2]
    assert "No module named 'not_there'" in " ".join(outputs[1].split())
    assert "it calls itself 'right_reals'" in " ".join(outputs[1].split())
