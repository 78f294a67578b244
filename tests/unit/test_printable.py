"""Names come from folders, tables and plugins of others: every output shows them, and obeys none."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from report_page import Page
from rich.console import Console
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench import tables
from forenbench.cli import console
from forenbench.front import bars, talk
from forenbench.pictures.figures import sheet
from forenbench.printable import for_csv, for_markdown, printable, printable_lines
from forenbench.records.store import Store
from forenbench.report.contents import Wishes
from forenbench.report.page import write
from forenbench.report.thumbnails import open_pictures
from forenbench.tables import leaderboard
from forenbench.tables.pairs import compare
from forenbench.tables.rendering import STYLES, render

HOSTILE = (
    '=HYPERLINK("x")',
    "a\x1b[31m\x07\x00\r\nrank 1\t\x9b2J",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))|b",
    "\u202egnp.exe\u2066 \u200b\ue000",
    "[/red][bold]$x_{1}^2%&#~\\end{tabular}",
)
STRAY = "\udcff, a byte that is no text"
"""Rows cannot hold it, so that no table has it; the terminal may."""
FORBIDDEN = re.compile("[^\n -~\u00a1-\u1fff\u2010-\u2027\u2030-\u205f\u2070-\ud7ff\uf900-\U0001fffd]")
"""All that is no printable character, line breaks aside; written down by block, not by what Python says."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Each name as a detector's on one test set, and as a test set's of one detector."""
    store = Store(tmp_path_factory.mktemp("run"))
    for place, name in enumerate(HOSTILE):
        add(store, name, HOSTILE[0], ONE_WRONG, trained_on=[name], sources=["=1+1"] * 4)
        add(store, HOSTILE[0], name, PERFECT, place=place, trained_on=[name], sources=["=1+1"] * 4)
    return store


def outputs(store: Store, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what each table is called, its format, and how it looks."""
    cells = tables.measure([store])
    of_others = {"protocol": cells.assign(protocol="dda")}
    of_others["shortcut"] = pd.concat([cells, cells.assign(perturbation="fake=jpeg:96")])
    made = {
        name: kind.make(of_others.get(name, cells))
        for name, kind in tables.TABLES.items()
        # none of these test sets is equalised, or has a date
        if name not in ("equalised", "timeline", "timeline-quarters", "windows")
    }
    for name, table in (made | {"compare": compare([store], HOSTILE[:2])}).items():
        for style in STYLES:
            yield name, style, render(table, style)
    csv_file, markdown = leaderboard.write(cells, folder)
    yield "leaderboard", "csv", csv_file.read_text(encoding="utf-8")
    yield "leaderboard", "markdown", markdown.read_text(encoding="utf-8")


def test_no_output_of_tables_obeys_a_name(store: Store, tmp_path: Path) -> None:
    for name, style, text in outputs(store, tmp_path):
        where = (name, style)
        text.encode()  # no lone surrogate
        assert not FORBIDDEN.search(text.replace("\r\n", "\n")), where
        if style == "csv":
            for row in csv.reader(io.StringIO(text)):
                for cell in row:
                    assert not re.match(r"[=@]|[+-](?![\d.])", cell), (where, cell)
        if style == "markdown":
            assert "<script" not in text, where
            assert not re.search(r"\]\(javascript", text), where
            pipes = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line[:1] == "|"]
            assert len(set(pipes)) == 1, where
        if style == "latex":
            body = text[text.index("\\begin{table}") :]
            assert all(line.startswith("%") for line in text[: text.index("\\begin{table}")].splitlines())
            assert body.count("\\end{tabular}") == 1, where
        if style == "text":
            assert not any(line.startswith("rank 1") for line in text.splitlines()), where


def test_the_report_page_obeys_no_name(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    pictures = open_pictures([], {})
    write([store], out, Wishes(pictures, 2))
    text = out.read_text(encoding="utf-8")
    body = text[text.index("<body>") :]
    assert not FORBIDDEN.search(body)
    assert "<script>alert" not in body
    page = Page(text)
    assert not any(value.startswith("javascript:") for _, _, value in page.attributes)
    assert {row["detector"] for row in page.numbers} == set(HOSTILE)  # for programs, the true names
    assert len(page.scripts) == 2
    assert "<script>alert(1)</script>" in page.words  # shown as it is


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    text = io.StringIO()
    shown = Console(file=text, soft_wrap=True, highlight=False)
    for module, name in ((console, "out"), (talk, "talk"), (bars, "talk")):
        monkeypatch.setattr(module, name, shown)
    return text


def test_no_line_on_the_terminal_obeys_a_name(terminal: io.StringIO) -> None:
    progress = bars.RunProgress()
    for name in (*HOSTILE, STRAY):
        console.say(f"error: {name} is no detector")
        console.show(f"{name}\n")
        progress.note(name)
        progress.files(name, 1, 2)
        progress.testset(SimpleNamespace(dataset="d", name=name, samples=[]), 1)  # type: ignore[arg-type]
        console.out.print(console.cell(name))
    text = terminal.getvalue()
    text.encode()
    assert not FORBIDDEN.search(text)
    assert "[/red]" in text
    begun = [line for line in text.splitlines() if line.startswith("rank 1")]
    assert len(begun) == 1  # by `show`, whose lines are whole results


def test_bars_take_names_literally() -> None:
    text = io.StringIO()
    progress = bars.RunProgress()
    progress._bars.live.console = Console(file=text, force_terminal=True, width=300)
    for name in (*HOSTILE, STRAY):
        progress.files(name, 1, 2)
        segments = progress._bars.live.console.render(progress._bars.get_renderable())
        rendered = "".join(segment.text for segment in segments)
        assert printable(name)[:12] in rendered
        assert not FORBIDDEN.search(rendered)


def test_titles_of_pictures_take_any_name() -> None:
    page = sheet([[([name], Image.new("RGB", (8, 8))) for name in (*HOSTILE, STRAY)]], HOSTILE[1])
    assert np.asarray(page).shape[2] == 3


@given(st.text())
def test_what_is_printable_stays_and_all_else_shows_its_escape(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert (shown == text) == text.isprintable()
    assert printable_lines(text).count("\n") == text.count("\n")


def test_escapes_are_those_of_python_and_json() -> None:
    assert printable("a\x1b\n\u202e\udcff\U000e0001") == r"a\x1b\n\u202e\udcff\U000e0001"
    assert printable("世界 😀 naïve_sd-v1.4") == "世界 😀 naïve_sd-v1.4"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-x", "@sum", " =1", "\uff1d1", "\t=1"])
def test_csv_holds_no_formula(name: str) -> None:
    assert for_csv(name)[0] in "'\\"
    assert for_csv(f"a{name}")[0] == "a"


def test_markdown_shows_names_as_they_are() -> None:
    assert for_markdown("stable_diffusion_v1-4") == "stable_diffusion_v1-4"
    assert for_markdown("a|b") == "a\\|b"
    assert for_markdown("[x](y) [x]: z [x][y]") == "[x]\\(y) [x]\\: z [x]\\[y]"
    assert for_markdown("<b>&lt;") == "&lt;b>&amp;lt;"
    assert for_markdown("__init__ *a* `b`") == "\\_\\_init\\_\\_ \\*a\\* \\`b\\`"
    assert for_markdown("# a") == "\\# a"
    assert for_markdown("12. a") == "12\\. a"
    assert for_markdown("two\nlines\\") == "two\\\\nlines\\\\"


def test_commas_of_names_can_be_chosen() -> None:
    assert console.split(r"a\, b, c ,,d") == ["a, b", "c", "d"]
    assert console.split(r".\mine.py") == [r".\mine.py"]
