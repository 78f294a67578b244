"""A report as a program reads it: its tables with exact values, its scripts, its words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

Row = dict[str, str]


@dataclass
class Table:
    heads: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    """Exact values where there are some, else the text."""

    def records(self) -> list[Row]:
        """Rows by the path of their headings, such as ``nearest/A.P.``."""
        names = ["/".join(filter(None, path)) for path in zip(*self.heads, strict=True)]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, Table] = {}
        self.scripts: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words = ""
        self.scores: list[float] = []
        self._table, self._line, self._span, self._value = Table(), [""], 1, ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in found.items()]
        if tag == "figure" and found.get("class") == "table":
            self._table = self.tables.setdefault(found["id"], Table())
        if found.get("class") == "score":
            self.scores.append(float(found["data-value"]))
        if tag == "tr":
            self._line = []
        if tag in ("th", "td"):
            self._span, self._value = int(found.get("colspan", "1")), found.get("data-value", "")
            self._line.append("")
            self._inside = "cell"
        if tag == "script":
            self._inside = "script"
            self.scripts.append("")
        if tag == "thead":
            self._lines = self._table.heads
        if tag == "tbody":
            self._lines = self._table.rows

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        else:
            self.words += data
        if self._inside == "cell":
            self._line[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self._line[-1] = self._value or self._line[-1]
            self._line += [self._line[-1]] * (self._span - 1)
        if tag in ("th", "td", "script"):
            self._inside = ""
        if tag == "tr":
            self._lines.append(self._line)

    @property
    def numbers(self) -> list[dict[str, Any]]:
        """What stands in the page for programs, a record for each cell."""
        found = json.loads(self.scripts[0])
        return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
