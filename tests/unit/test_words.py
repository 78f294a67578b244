"""One word, one thing: what docs/words.md retires is nowhere any more."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXTS = [
    *(path for folder in ("benchmark", "detectors") for path in sorted((ROOT / folder).rglob("*.*"))),
    *sorted(ROOT.glob("docs/**/*.md")),
    ROOT / "README.md",
]
RETIRED = re.compile(
    r"(?i)fakes found|found fakes|true alarms?|false alarms?|reals taken for fakes|false_alarms"
    r"|\bopponents?\b|\bcrew\b|\bdeadly files?\b"
)
SAME = {"Data", "Options"}
"""Class names that may stand for several things, each private to its room."""


def test_retired_words_are_gone() -> None:
    found = []
    for path in TEXTS:
        if path.suffix in (".py", ".md", ".toml", ".j2", ".js", ".txt") and path.name != "words.md":
            text = path.read_text(encoding="utf-8")
            found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in RETIRED.finditer(text)]
    assert found == []


def test_no_two_public_classes_of_the_harness_share_a_name() -> None:
    names = Counter[str]()
    for path in (ROOT / "benchmark").rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        names.update(one.name for one in body if isinstance(one, ast.ClassDef) and one.name[0] != "_")
    assert [name for name, number in names.items() if number > 1 and name not in SAME] == []


def test_no_two_modules_of_the_harness_share_a_file_name() -> None:
    """But for packages: whoever opens a file by its name finds the one that is meant."""
    names = Counter(path.name for path in (ROOT / "benchmark").rglob("*.py") if path.name[0] != "_")
    commands = {path.name for path in (ROOT / "benchmark" / "cli").glob("*.py")}
    assert [name for name, number in names.items() if number > 1 + (name in commands)] == []
