"""The rules of the house: imports point one way, and the installed tree is this one."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
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


def test_the_harness_knows_no_detector() -> None:
    for path in (ROOT / "benchmark").rglob("*.py"):
        for name in imports(path):
            nets = name.startswith("forenbench.detectors._nets")
            assert nets or not name.startswith("forenbench.detectors"), path


def test_detectors_need_only_types_errors_weights_and_nets() -> None:
    allowed = {"forenbench.errors", "forenbench.types", "forenbench.weights"}
    for path in (ROOT / "detectors").rglob("*.py"):
        ours = {name for name in imports(path) if "forenbench" in name}
        assert all(name in allowed or name.startswith("forenbench.detectors._nets") for name in ours), path


ROOMS = (
    ("errors", "draws", "markdown", "printable", "version"),
    ("types", "registry"),
    ("files", "images", "metrics"),
    ("weights", "perturbations", "data"),
    ("plugins", "records", "sample"),
    ("scoring",),
    ("imports", "tables", "audit", "pictures", "training", "testing"),
    ("report", "review"),
    ("front",),
    ("cli",),
)
"""From the ground floor up: a room knows those below, and of its own floor's at most in one direction."""


def modules() -> dict[str, Path]:
    """Name every module of the harness as it is imported."""
    folder = ROOT / "benchmark"
    names = {path: path.relative_to(folder).with_suffix("").parts for path in folder.rglob("*.py")}
    parts = {path: name[:-1] if name[-1] == "__init__" else name for path, name in names.items()}
    return {".".join(("forenbench", *name)): path for path, name in parts.items()}


@cache
def edges(*, eager: bool) -> dict[str, set[str]]:
    """Say which modules each one imports; `eager`: when it is imported itself, and not for types alone."""
    known = modules()
    return {module: set(_imported(module, path, known, eager)) for module, path in known.items()}


def _imported(module: str, path: Path, known: dict[str, Path], eager: bool) -> Iterator[str]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ImportFrom):
            origin = ".".join(filter(None, (package if node.level else "", node.module)))
            found = {f"{origin}.{name.name}" for name in node.names}
            yield from ({one if one in known else origin for one in found} & known.keys()) - {module}
        elif eager and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        elif eager and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def test_files_and_functions_stay_short() -> None:
    """As CONTRIBUTING says."""
    long = []
    for folder in ("benchmark", "datasets", "detectors", "results"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if len(text.splitlines()) > 250:
                long.append(str(path))
            long += [
                f"{path}: {node.name}"
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
            ]
    assert long == []


def test_private_functions_are_mostly_used_twice() -> None:
    """One that is used once sends its reader elsewhere; callbacks and tricks are among the 40 % that may."""
    number, once = 0, []
    for folder in ("benchmark", "datasets", "detectors"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            private = [one.group(1) for one in re.finditer(r"def (_(?!_)\w+)", text)]
            number += len(private)
            words = Counter(re.findall(r"\w+", text))
            once += [f"{path.name}: {one}" for one in private if words[one] - private.count(one) < 2]
    assert len(once) < 0.4 * number, f"inline some of {once}"


@pytest.mark.slow
def test_imports_point_one_way() -> None:
    """Also those inside functions, and those of types."""
    floors = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
    rooms: dict[str, set[str]] = {}
    for module, imported in edges(eager=False).items():
        here = [one.split(".")[1] for one in (module, *imported) if "." in one]
        if "." in module:
            rooms.setdefault(here[0], set()).update(set(here[1:]) - {here[0]})
    assert set(rooms) <= set(floors)
    assert [f"{a} -> {b}" for a, found in rooms.items() for b in found if floors[a] < floors[b]] == []
    assert [f"{a} <-> {b}" for a, found in rooms.items() for b in found if a in rooms[b]] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = edges(eager=False)

    def reached(start: str) -> set[str]:
        found, waiting = set[str](), [start]
        while waiting:
            new = graph[waiting.pop()] - found
            found |= new
            waiting += new
        return found

    assert [module for module in graph if module in reached(module)] == []


def test_no_chain_of_imports_is_longer_than_ten() -> None:
    graph = edges(eager=True)

    @cache
    def chain(module: str) -> tuple[str, ...]:
        return (module, *max(map(chain, graph[module]), key=len, default=()))

    assert [" > ".join(chain(module)) for module in graph if len(chain(module)) > 10] == []


def test_the_ground_floor_is_easily_looked_over() -> None:
    assert len(list((ROOT / "benchmark").glob("*.py"))) <= 8


def test_only_the_command_line_prints() -> None:
    for path in [*(ROOT / "benchmark").rglob("*.py"), *(ROOT / "detectors").rglob("*.py")]:
        if "cli" not in path.parts:
            calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
            assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"], path


def test_no_error_names_an_option_where_there_may_be_no_command_line() -> None:
    """Whole commands may stand in one, and options where Python's word for them stands beside."""
    option, elsewhere = (
        re.compile(r"(?<![\w-])--[a-z]"),
        re.compile(r"in Python|bench [a-z]|docker run|ray start|zip "),
    )
    found = []
    for path in sorted((ROOT / "benchmark").rglob("*.py")):
        if path.is_relative_to(ROOT / "benchmark/cli"):
            continue
        for raised in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(raised, ast.Raise):
                texts = [node.value for node in ast.walk(raised) if isinstance(node, ast.Constant)]
                said = "".join(text for text in texts if isinstance(text, str))
                if option.search(said) and not elsewhere.search(said):
                    found.append(f"{path.name}: {said}")
    assert not found


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


@pytest.mark.slow
def test_listing_what_there_is_loads_nothing_heavy() -> None:
    """Also no module of a detector."""
    code = "from forenbench.cli.listing import detectors, perturbations; detectors(); perturbations()"
    assert not HEAVY & _loaded_by(code)
    code = "import sys; from forenbench.plugins.cards import cards; assert cards(); "
    code += "assert not [one for one in sys.modules if one.startswith('forenbench.detectors.')]"
    assert not HEAVY & _loaded_by(code)


@pytest.mark.slow
def test_looking_up_detectors_loads_no_library_of_networks() -> None:
    loaded = _loaded_by("from forenbench.plugins.installed import installed; installed()")
    assert not {"torchvision", "timm", "open_clip", "sklearn"} & loaded


@pytest.mark.slow
def test_a_report_of_numbers_loads_nothing_of_networks() -> None:
    code = """import forenbench.front.reporting, forenbench.report.page, numpy as np, sys
from forenbench.report import charts, curves
one = curves.trace(np.array([0, 1]), np.array([0.2, 0.8]), 0.5)
assert len(charts.draw({"a": one}, charts.styles(["a"]))) == 4
assert "scipy.stats" not in sys.modules"""
    assert not {"torch", "torchvision", "sklearn"} & _loaded_by(code)


def test_top_level_folders_do_not_shadow_other_packages() -> None:
    assert not (ROOT / "datasets" / "__init__.py").exists()
    assert not (ROOT / "tests" / "__init__.py").exists()
    assert not (ROOT / "conftest.py").exists()
    code = "import detectors"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "import forenbench.detectors, not detectors" in run.stderr
