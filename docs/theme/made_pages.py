"""What the site says beyond the files of docs/: commands, names, and the notebook as a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbconvert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer import Context
from typer.cli import get_docs_for_click
from typer.main import get_command

import forenbench
from forenbench.cli.app import app

_LEAVING = re.compile(r"\[([^]]+)\]\((?:\.\./)+(?:detectors|results|benchmark|tests)/[^)]*\)")
"""A link to a file of the repository, which the site has not."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Make a page of the notebook as it stands, outputs and all, without running it."""
    notebook = Path(config.docs_dir, "quickstart.ipynb")
    body, resources = nbconvert.MarkdownExporter().from_filename(str(notebook))
    for path, content in {"quickstart.md": body, **resources["outputs"]}.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in what pages leave to the site, and lead links to what the site has."""
    linked = _LEAVING.sub(r"\1", markdown).replace("quickstart.ipynb)", "quickstart.md)")
    for place, text in (("commands", commands), ("names", names)):
        if f"<!-- {place} -->" in linked:
            linked = linked.replace(f"<!-- {place} -->", text())
    return linked


def commands() -> str:
    """Write what ``--help`` says of every command."""
    bench: Any = get_command(app)
    bench.load_all()  # they are imported when they are called, otherwise
    text = get_docs_for_click(obj=bench, ctx=Context(bench), name="bench")
    return text.partition("\n")[2]  # the page has a title


def names() -> str:
    """Name everything that ``import forenbench`` offers; mkdocstrings writes the docstrings."""
    return "\n\n".join(f"::: forenbench.{name}" for name in forenbench.__all__)
