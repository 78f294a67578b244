"""A report on one page that needs nothing else: the template, set."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from forenbench.files.atomic import write_text
from forenbench.printable import printable
from forenbench.records.store import Store

from .contents import Wishes, collect


def write(stores: Sequence[Store], out: Path, wishes: Wishes) -> None:
    """Write the report of one or more runs to one HTML file.

    Raises:
        BenchError: No finished cell, or none under the protocol.
        OSError: The file cannot be written.
    """
    write_text(out, _render(collect(stores, wishes)))


def _render(content: Mapping[str, Any]) -> str:
    """Set the page. Its policy lets no browser load or run anything but what is in it, by its hash."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("forenbench.report"),
        autoescape=True,
        finalize=lambda value: printable(value) if type(value) is str else value,  # not what is safe already
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = files("forenbench.report") / "templates"
    script, style = ((folder / name).read_text(encoding="utf-8") for name in ("report.js", "report.css"))
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment.get_template("report.html.j2")
    numbers = json.dumps(content["numbers"]).replace("<", "\\u003c")
    return template.render(
        **{**content, "numbers": numbers}, script=script, style=style, script_digest=digest
    )
