"""Programs that benchmarks and tests hold as texts, for processes of their own: no type checker sees them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def programs(file: Path) -> Iterator[ast.Module]:
    """Yield the texts of a file that are programs which import something of ours."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "import" in node.value:
            try:
                yield ast.parse(node.value)
            except SyntaxError:  # prose, or a program on purpose broken
                continue


def missing(program: ast.Module) -> Iterator[str]:
    for node in ast.walk(program):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("forenbench"):
            module = import_module(node.module or "")
            for name in node.names:
                if not hasattr(module, name.name):
                    try:
                        import_module(f"{node.module}.{name.name}")
                    except ModuleNotFoundError:
                        yield f"{node.module}.{name.name}"


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["perf", "unit", "e2e", "contract", "golden", "support"])
def test_what_they_import_is_there(folder: str) -> None:
    files = sorted((TESTS / folder).glob("*.py"))
    found = {file.name: list(missing(one)) for file in files for one in programs(file)}
    assert folder != "perf" or len(found) >= 4  # the search finds them
    assert {name: names for name, names in found.items() if names} == {}
