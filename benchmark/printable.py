r"""Text of others (names of folders, columns, plugins) as each output format shows it, and never obeys it.

Characters that are not printable, among them line breaks, escape sequences and marks that reverse the
direction of reading, are written as their escapes: ``\n``, ``\x1b``, ``\u202e``. On top of that each format
has its own: CSV that spreadsheets take for no formula, Markdown without links, tags and emphasis, LaTeX
without commands. HTML is escaped by pandas and Jinja, whose input comes through `printable`.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence

from .errors import BenchError

STYLES = ("text", "csv", "tidy", "markdown", "latex", "json")
"""Formats of tables, as the option --format takes them; a notebook is shown HTML."""
_FORMULA = frozenset("=+-@")
_MARKDOWN_SIGN = re.compile(
    r"[\\`*~|]"  # code, emphasis, the end of a cell
    r"|(?<=\])[(:\[]"  # what makes a link of brackets; brackets alone are harmless, and stay readable
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis, but not an underscore within a word (CommonMark 0.31, 6.2)
    r"|^(?:[#>]|[-+](?= |$))"  # headings, quotations and lists
)
# "1\." begins no numbered list, but "\1." shows its backslash: CommonMark escapes punctuation only.
_MARKDOWN_NUMBER = re.compile(r"^\d+(?=[.)])")

_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
        # In LaTeX's oldest encoding, its default, these four are other signs; and babel's languages make
        # commands of some.
        **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "{''}"},
        **{
            "`": r"\textasciigrave{}",
            "†": r"\dag{}",
            "‡": r"\ddag{}",
            "…": r"\dots{}",
            "°": r"\textdegree{}",
        },
        **{"–": r"\textendash{}", "—": r"\textemdash{}", "‘": "`", "’": "'", "“": "``", "”": "''"},  # noqa: RUF001
        **{"×": r"$\times$", "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$", "→": r"$\to$", "−": "$-$"},  # noqa: RUF001
        **{"σ": r"$\sigma$", "µ": r"$\mu$", "Δ": r"$\Delta$", "α": r"$\alpha$", "β": r"$\beta$"},  # noqa: RUF001
    }
)


def check_style(style: str, styles: Sequence[str] = STYLES) -> None:
    """Refuse what is no format of an output.

    Raises:
        BenchError: It is none of `styles`.
    """
    if style not in styles:
        raise BenchError(f"format '{style}' is none of {', '.join(styles)}")


_COMMAND = re.compile(r"'(?:bench|pip) [^']*'|^ *(?:\$ )?(?:bench|pip) .*")
_NO_BREAK = "\xa0"
"""What keeps a command in one line while lines are broken."""


def readable(name: str) -> str:
    """Make a file name that is no valid text one: a stray byte 0xff shows as ``udcff`` behind a backslash."""
    if name.isascii():  # nearly always, and ten times as fast
        return name
    # Python hands out such bytes as lone surrogates (PEP 383), which no file, terminal or Arrow column takes.
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def printable(text: str) -> str:
    """Write what is not printable as its escape, line breaks too; a lone surrogate is none, either."""
    if text.isprintable():  # nearly always, and much faster than sign by sign
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def printable_lines(text: str) -> str:
    """Write every line of a text of several as `printable` does."""
    return "\n".join(map(printable, text.split("\n")))


def wrapped(text: str, width: int | None) -> str:
    """Break lines that are wider than a terminal between words, and indent what follows in each.

    A command stays whole, in quotation marks or on a line of its own: half of one is another command.

    Args:
        text: As `printable_lines` writes it, so that it has no space but the usual one.
        width: Columns; None leaves lines as they are.
    """
    if width is None or len(text) <= width:
        return text
    lines = []
    for line in text.split("\n"):
        whole = _COMMAND.sub(lambda found: found[0].replace(" ", _NO_BREAK), line)
        further = " " * (len(line) - len(line.lstrip()) + 2)
        lines += textwrap.wrap(
            whole, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return "\n".join(lines).replace(_NO_BREAK, " ")


def for_csv(text: str) -> str:
    """Write text for a cell of CSV: before what a spreadsheet would compute stands an apostrophe."""
    shown = printable(text)
    # Spreadsheets also take the full-width equals sign (U+FF1D) for one, and pass over blanks before it.
    first = unicodedata.normalize("NFKC", shown.lstrip()[:1])
    return f"'{shown}" if first in _FORMULA else shown


def for_markdown(text: str) -> str:
    """Write text for a cell or a line of Markdown: it is shown as it is, without links, tags and emphasis."""
    shown = _MARKDOWN_NUMBER.sub(r"\g<0>\\", _MARKDOWN_SIGN.sub(r"\\\g<0>", printable(text)))
    return shown.replace("&", "&amp;").replace("<", "&lt;")


def for_latex(text: str) -> str:
    """Write text for LaTeX: it is set as it is, and no sign of it is a command.

    Signs of mathematics that tables use are written as commands; letters beyond Latin stay as they are, and
    need LuaLaTeX or XeLaTeX.
    """
    # Two hyphens would be set as a dash, and an option's name with it.
    shown = re.sub("-(?=-)", "-{}", printable(text).translate(_LATEX))
    # After the end of a row, "[" would be a distance and "*" forbid a page to end there.
    return f"{{{shown[0]}}}{shown[1:]}" if shown[:1] in ("[", "*") else shown
