"""Pictures of what detectors see, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from forenbench.perturbations.geometry import KERNELS
from forenbench.printable import printable

_SIDE = 256
_DETAIL = 64
_MARGIN = 8
_LINE = 15
_LETTERS = 12
_PER_ROW = 6
_INK, _PAPER = (20, 20, 20), (228, 228, 228)


def strip(pictures: Sequence[tuple[Sequence[str], Image.Image]]) -> Image.Image:
    """Set pictures side by side, six in a row, each under its lines of text.

    Below each whole picture, scaled to fit 256×256, stand the 64×64 pixels of its middle, enlarged by four.
    """
    lines = max(len(label) for label, _ in pictures)
    width, top = _SIDE + 2 * _MARGIN, 2 * _MARGIN + lines * _LINE + _SIDE
    height = top + _SIDE + 2 * _MARGIN
    columns, rows = min(len(pictures), _PER_ROW), -(-len(pictures) // _PER_ROW)
    page = Image.new("RGB", (columns * width, rows * height), _PAPER)
    for number, (label, picture) in enumerate(pictures):
        row, column = divmod(number, _PER_ROW)
        page.paste(_labelled(label, picture, lines), (column * width, row * height))
        # Artefacts of single pixels vanish in a picture scaled to fit, so its middle stands below, untouched.
        across, down = (min(side, _DETAIL) for side in picture.size)
        left, upper = (picture.width - across) // 2, (picture.height - down) // 2
        middle = picture.crop((left, upper, left + across, upper + down))
        scale = _SIDE // _DETAIL
        enlarged = middle.resize((across * scale, down * scale), KERNELS["nearest"])
        page.paste(enlarged, (column * width + _MARGIN, row * height + top + _MARGIN))
    return page


def sheet(rows: Sequence[Sequence[tuple[Sequence[str], Image.Image]]], title: str = "") -> Image.Image:
    """Set pictures in rows, each scaled to fit 256×256 under its lines of text, below a title."""
    lines = max(len(label) for row in rows for label, _ in row)
    width, height = _SIDE + 2 * _MARGIN, 2 * _MARGIN + lines * _LINE + _SIDE
    columns = max(map(len, rows))
    # Broken by the font's own widths: its letters are not equally wide.
    font, words = ImageFont.load_default(_LETTERS), [""] if title else []
    for word in title.split():
        longer = f"{words[-1]} {word}".strip()
        if words[-1] and font.getlength(longer) > columns * width - 2 * _MARGIN:
            words.append(word)
        else:
            words[-1] = longer
    top = _MARGIN + len(words) * _LINE if words else 0
    page = Image.new("RGB", (columns * width, top + len(rows) * height + _MARGIN), _PAPER)
    _write(page, words)
    for r, row in enumerate(rows):
        for c, (label, picture) in enumerate(row):
            page.paste(_labelled(label, picture, lines), (c * width, top + r * height))
    return page


def _labelled(label: Sequence[str], picture: Image.Image, lines: int) -> Image.Image:
    """Draw one picture under a label that has room for some lines."""
    top = 2 * _MARGIN + lines * _LINE
    panel = Image.new("RGB", (_SIDE + 2 * _MARGIN, top + _SIDE), _PAPER)
    _write(panel, label)
    # Enlarged so that pixels show; shrunk smoothly, for nearest would make moiré that is not in the picture.
    kernel = KERNELS["nearest" if max(picture.size) < _SIDE else "lanczos"]
    panel.paste(ImageOps.contain(picture, (_SIDE, _SIDE), kernel), (_MARGIN, top))
    return panel


def _write(page: Image.Image, lines: Sequence[str]) -> None:
    """Write lines of text from the top."""
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(_LETTERS)
    for number, line in enumerate(lines):
        pen.text((_MARGIN, _MARGIN + number * _LINE), printable(line), _INK, font)
