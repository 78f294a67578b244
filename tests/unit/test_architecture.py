"""The rules of the house: imports point one way, and the installed tree is this one."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "torch",
    "open_clip",
    "timm",
    "faiss",
    "pandas",
    "matplotlib",
    "sklearn",
    "scipy",
    "torchvision",
    "cv2",
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("path", sorted((ROOT / "benchmark").rglob("*.py")), ids=lambda p: p.name)
def test_the_harness_knows_no_detector(path: Path) -> None:
    for name in imports(path):
        assert not name.startswith("forenbench.detectors") or name.startswith("forenbench.detectors._nets")


@pytest.mark.parametrize("path", sorted((ROOT / "detectors").rglob("*.py")), ids=lambda p: p.name)
def test_detectors_need_only_types_errors_weights_and_nets(path: Path) -> None:
    allowed = ("forenbench.errors", "forenbench.types", "forenbench.weights", "forenbench.detectors._nets")
    assert all(
        name in allowed or name.startswith(allowed[-1]) for name in imports(path) if "forenbench" in name
    )


@pytest.mark.parametrize(
    "module",
    ["types", "records/store", "scoring/batches", "scoring/pipeline", "tables/__init__", "data/catalogue"],
)
def test_nothing_below_the_command_line_imports_it(module: str) -> None:
    assert not [name for name in imports(ROOT / "benchmark" / f"{module}.py") if "cli" in name]


def test_only_the_command_line_prints() -> None:
    for path in [*(ROOT / "benchmark").rglob("*.py"), *(ROOT / "detectors").rglob("*.py")]:
        if "cli" not in path.parts:
            calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
            assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"], path


def test_the_installed_tree_is_this_one() -> None:
    """A strict editable install does not see new files by itself."""
    for folder, package in (("benchmark", "forenbench"), ("detectors", "forenbench.detectors")):
        here = {p.relative_to(ROOT / folder) for p in (ROOT / folder).rglob("*.py")}
        there = Path(str(files(package)))
        missing = sorted(str(path) for path in here if not (there / path).is_file())
        assert not missing, f"{missing} not installed: run 'pip install -e .' again"


def _loaded_by(code: str) -> set[str]:
    """Name the top-level packages that a fresh process has loaded after some code."""
    code += "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_help_and_import_load_nothing_heavy() -> None:
    assert not HEAVY & _loaded_by("import forenbench.cli.app")


def test_looking_up_detectors_loads_no_library_of_networks() -> None:
    loaded = _loaded_by("from forenbench.plugins.installed import installed; installed()")
    assert not {"torchvision", "timm", "open_clip", "sklearn"} & loaded


def test_top_level_folders_do_not_shadow_other_packages() -> None:
    assert not (ROOT / "datasets" / "__init__.py").exists()
    assert not (ROOT / "tests" / "__init__.py").exists()
    assert not (ROOT / "conftest.py").exists()
    code = "import detectors"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "import forenbench.detectors, not detectors" in run.stderr
