"""A report on one page that needs nothing else: the template, set."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from forenbench.files.atomic import write_text
from forenbench.printable import printable
from forenbench.records.store import Store

from .contents import Wishes, collect


def write(stores: Sequence[Store], out: Path, wishes: Wishes) -> None:
    """Write the report of one or more runs to one HTML file.

    Its policy lets no browser load or run anything but what is in it.

    Raises:
        BenchError: No finished cell, or none under the protocol.
        OSError: The file cannot be written.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    content = collect(stores, wishes)
    environment = Environment(
        loader=PackageLoader("forenbench.report"),
        autoescape=True,
        # Of plain texts alone: what is marked as safe has been through it.
        finalize=lambda value: printable(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = files("forenbench.report") / "templates"
    script, style = ((folder / name).read_text(encoding="utf-8") for name in ("report.js", "report.css"))
    # The policy names the one script by its hash, so a detector's name can bring in no other.
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Within a script element nothing is escaped, and "</script>" in a name would end it.
    numbers = json.dumps(content["numbers"]).replace("<", "\\u003c")
    template = environment.get_template("report.html.j2")
    page = template.render({**content, "numbers": numbers}, script=script, style=style, script_digest=digest)
    write_text(out, page)
