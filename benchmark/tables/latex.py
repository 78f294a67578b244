"""Tables for LaTeX: a whole ``table`` environment with caption, label and rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby, product

from forenbench.errors import BenchError
from forenbench.printable import for_latex, printable

from .best import BEST, outstanding
from .marks import SIGNS
from .printed import levels
from .texts import Texts, in_words, is_number, spelled
from .values import Values

_LABEL = re.compile(r"[A-Za-z0-9:.+/_-]+")
_EMPHASIS = {True: "textbf", False: "underline"}
_LATIN = 0x17F
"""The last letter that pdfLaTeX sets without further packages."""
_BEYOND = "Has letters beyond Latin: compile it with lualatex or xelatex, and a font that has them."


@dataclass(frozen=True, slots=True)
class Setting:
    r"""How a table stands in a paper.

    Attributes:
        caption: LaTeX; empty: the table's title.
        label: For ``\ref``; empty: ``tab:`` and the table's name.
        wide: Over both columns of a page (``table*``).
        fit: Shrunk, or enlarged, to the width of a line (``\resizebox``).
    """

    caption: str = ""
    label: str = ""
    wide: bool = False
    fit: bool = False


def as_latex(table: Values, setting: Setting) -> str:
    r"""Lay a table out for LaTeX.

    In each column with several detectors the best value is bold and the second underlined, where all images
    were scored. Notes are comments before the table; those that explain its signs stand below it, too.

    Raises:
        BenchError: The label is none, or the caption's braces do not match.
    """
    label = setting.label or f"tab:{re.sub(r'[^A-Za-z0-9]+', '-', table.name).strip('-')}"
    if not _LABEL.fullmatch(label):
        raise BenchError(f"label '{label}' is none for LaTeX: use letters, digits and : . + / _ -")
    caption = printable(setting.caption) or for_latex(table.title.rstrip(".")) + "."
    words = in_words(table)
    body, signs = _tabular(table, words), {sign for column in words.marks for sign in "".join(column)}
    packages = ["booktabs", *(["graphicx"] if setting.fit else [])]
    needed = " and ".join(f"\\usepackage{{{name}}}" for name in packages)
    head = [f"Needs {needed} before \\begin{{document}}."]
    # One note may explain several signs, and begin with one that is not there.
    notes = [note for note in table.notes if note[:1] in SIGNS and note[1:2] == " "]
    told = [note for note in notes if any(sign in note for sign in signs)]
    below = "\\par\n".join(map(for_latex, told))
    if any(ord(sign) > _LATIN for sign in body + caption + below):
        head.append(_BEYOND)
    kind = "table*" if setting.wide else "table"
    lines = [*(f"% {printable(line)}" for line in (*head, table.title, *table.notes))]
    lines += [f"\\begin{{{kind}}}", "\\centering", f"\\caption{{{caption}}}", f"\\label{{{label}}}"]
    lines += ["\\resizebox{\\linewidth}{!}{%", f"{body}%", "}"] if setting.fit else [body]
    if below:
        lines.append(f"\\par\\smallskip\n\\parbox{{\\linewidth}}{{\\footnotesize\\raggedright\n{below}}}")
    return "\n".join([*lines, f"\\end{{{kind}}}", ""])


def _tabular(table: Values, words: Texts) -> str:
    """Write the ``tabular`` environment."""
    best = outstanding(table)
    if table.look.transposed:
        best = best.T
    frame = spelled(words.together, words.rows, words.heads, table, for_latex).frame
    for row, column in product(range(frame.shape[0]), range(frame.shape[1])):
        text = str(frame.iat[row, column])
        if is_number(text):
            # A hyphen is no minus sign; LaTeX's is one of mathematics.
            text = for_latex(text).replace("-", "$-$")
        if stands_out := str(best.iat[row, column]):
            text = f"\\{_EMPHASIS[stands_out == BEST]}{{{text}}}"
        frame.iat[row, column] = text
    # `multirow` is a LaTeX package of its own, and pandas uses it by default.
    alignment = "l" * frame.index.nlevels + "r" * frame.shape[1]
    made = frame.to_latex(escape=False, column_format=alignment, multicolumn_format="c", multirow=False)
    lines = made.rstrip("\n").split("\n")
    top = lines.index("\\toprule")
    for level in reversed(range(frame.columns.nlevels - 1)):
        # A line under each group of several columns of one name, which pandas does not rule.
        rules, first = "", frame.index.nlevels + 1
        for name, same in groupby(frame.columns, key=lambda column: levels(column)[: level + 1]):
            last = first + len(list(same)) - 1
            if last > first and name[-1]:
                rules += f"\\cmidrule(lr){{{first}-{last}}}"
            first = last + 1
        if rules:
            lines.insert(top + 2 + level, rules)  # below the headings of this level
    return "\n".join(lines)
