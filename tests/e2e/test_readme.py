"""What README and docs promise holds: the detector shown there runs, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import Bench

from forenbench.plugins.installed import installed

ROOT = Path(__file__).parents[2]
FIRST = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")]
PAGES = [*FIRST, *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|toml)|(?:[a-z_]+/)+)`")
"""Files and folders named in a text, those of the harness without ``benchmark/``."""


BLOCKS = re.findall(r"```python\n(.*?)```", PAGES[0].read_text(encoding="utf-8"), re.DOTALL)


def test_the_python_of_the_readme_runs(bench: Bench) -> None:
    """On smaller data: the sample dataset takes a minute."""
    code = [line for line in BLOCKS[0].splitlines() if line.strip()]
    assert len(code) <= 5
    exec("\n".join(code).replace('"sample"', '"tiny", checkpoints="sample"'))
    assert Path("report.html").is_file()
    assert bench("table", "acc-ap", "results/runs/tiny").code == 0


def test_the_detector_of_the_readme_runs(bench: Bench) -> None:
    _, block = BLOCKS
    code = [line for line in block.splitlines() if line.strip()]
    assert len(code) <= 12
    Path("smooth.py").write_text(block)
    outcome = bench("run", "--detectors", "./smooth.py", "--dataset", "tiny")
    assert outcome.code == 0
    assert "smooth" in outcome.out


def test_the_readme_names_every_detector_with_the_rows_of_its_bare_name() -> None:
    lines = re.findall(r"^[|] (`.*?) [|] (.*?) [|] .* [|] .* [|]$", PAGES[0].read_text("utf-8"), re.MULTILINE)
    named = {name: rows for names, rows in lines for name in re.findall("`([^`]+)`", names)}
    for found in installed():
        rows = getattr(found.plugin, "rows", found.plugin.variants)["published"]
        said = re.findall("`([^`]+)`", named[found.name])
        # of many, their number is said
        assert said == list(rows) or (found.name, said, len(rows)) == ("probe", [], 6), found.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_exists(page: Path, bench: Bench) -> None:
    text = page.read_text(encoding="utf-8")
    commands = {
        match.split()[0] for match in re.findall(r"(?:^\$ |`)bench ([a-z]+[a-z ]*)", text, re.MULTILINE)
    }
    for command in sorted(commands):
        assert bench(command, "--help").code == 0, command


def test_every_file_named_is_there() -> None:
    for page in (ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md"):
        for name in SOURCES.findall(page.read_text(encoding="utf-8")):
            places = (ROOT / name, ROOT / "benchmark" / name, ROOT / "benchmark" / "scoring" / name)
            assert any(place.exists() for place in places), f"{page.name}: {name}"


def test_every_target_named_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"(?:\$ |`)make ([a-z]+)", page.read_text(encoding="utf-8"))) <= targets, (
            page.name
        )


def test_lines_of_text_are_at_most_120_wide() -> None:
    """But for tables, what a terminal shows, and what cannot be broken: a command, a link."""
    for page in (*PAGES, ROOT / "CHANGELOG.md"):
        text = re.sub(
            r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
        )
        wide = [line for line in text.splitlines() if len(line) > 120 and not line.lstrip().startswith("|")]
        bare = [re.sub(r"`[^`]*`|\]\([^)]*\)", "", line) for line in wide]
        assert [line for line in bare if len(line) > 120] == [], page.name
