"""The site of docs/ builds without a warning, asks no other server for anything, and has what it promises."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from printed_commands import COMMANDS

import forenbench

pytest.importorskip("material", reason="the extra docs is not installed")
pytest.importorskip("mkdocstrings")
from mkdocs.__main__ import cli as mkdocs

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of libraries that only the site uses

ROOT = Path(__file__).parents[2]
LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
"""What a browser loads by itself, by tag and attribute; links that a reader may follow are none."""
LOADING_STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//")


class Loads(HTMLParser):
    """Collects what a page has a browser load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get(LOADED.get(tag, "")) or ""
        if re.match(r"(https?:)?//", target):
            self.found.append(f"<{tag}> {target}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``make docs`` builds it."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        patch.setattr(sys, "dont_write_bytecode", True)  # hooks lie in docs/
        with pytest.raises(SystemExit) as ended:
            mkdocs(["build", "--strict", "--quiet", "-f", str(ROOT / "mkdocs.yml"), "-d", str(folder)])
    assert ended.value.code == 0
    return folder


def test_no_page_has_a_browser_ask_another_server(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        loads = Loads()
        loads.feed(text := page.read_text(encoding="utf-8"))
        assert loads.found == [], page
        assert 'class="mermaid"' not in text, f"{page}: the theme loads what draws these from elsewhere"
    for style in site.rglob("*.css"):
        assert not LOADING_STYLE.search(style.read_text(encoding="utf-8")), style


def test_every_command_and_every_public_name_has_its_place(site: Path) -> None:
    commands = (site / "commands" / "index.html").read_text(encoding="utf-8")
    for name, command in COMMANDS.commands.items():
        for below in getattr(command, "commands", {"": None}):
            assert f">bench {name} {below}".rstrip() + "</code>" in commands, (name, below)
    names = (site / "python" / "index.html").read_text(encoding="utf-8")
    for name in forenbench.__all__:
        assert f'id="forenbench.{name}"' in names, name


def test_every_page_of_docs_is_in_the_menu(site: Path) -> None:
    """A page that the menu lacks is found by nobody."""
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert f": {page.relative_to(ROOT / 'docs').as_posix()}\n" in menu, page
