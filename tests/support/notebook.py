"""Notebooks, run cell by cell in this process; ``python notebook.py FILE`` writes the outputs into it."""

from __future__ import annotations

import ast
import json
import os
import sys
import tempfile
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

Outputs = dict[str, str]
"""What a cell shows, by media type."""


def run(notebook: dict[str, Any]) -> list[Outputs]:
    """Run the code cells of a notebook in the working folder; return what each one shows."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [_shown(run_cell("".join(cell["source"]), names)) for cell in cells]


def run_cell(source: str, names: dict[str, Any]) -> object:
    """Run one cell; return the value of its last line."""
    body = ast.parse(source).body
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body[:-1] if last else body, []), "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last), "<cell>", "eval"), names) if last else None


def _shown(value: object) -> Outputs:
    """Show a value as a notebook does."""
    if value is None:
        return {}
    figure = getattr(value, "figure", value)
    if hasattr(figure, "savefig"):
        picture = BytesIO()
        figure.savefig(picture, format="png", dpi=60)
        return {"image/png": b64encode(picture.getvalue()).decode()}
    html = value._repr_html_() if hasattr(value, "_repr_html_") else None
    return {"text/html": html, "text/plain": repr(value)} if html else {"text/plain": repr(value)}


def main(file: Path) -> None:
    """Run a notebook in an empty folder, and write its outputs into it."""
    notebook = json.loads(file.read_text(encoding="utf-8"))
    file = file.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        shown = run(notebook)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, (cell, outputs) in enumerate(zip(cells, shown, strict=True), 1):
        result = {"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": outputs}
        cell |= {"execution_count": number, "outputs": [result] if outputs else []}
    file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
