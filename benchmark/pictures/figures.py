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
    panels = [_panel(label, picture, lines) for label, picture in pictures]
    width, height = panels[0].size
    columns, rows = min(len(panels), _PER_ROW), -(-len(panels) // _PER_ROW)
    sheet = Image.new("RGB", (columns * width, rows * height), _PAPER)
    for place, panel in enumerate(panels):
        row, column = divmod(place, _PER_ROW)
        sheet.paste(panel, (column * width, row * height))
    return sheet


def sheet(rows: Sequence[Sequence[tuple[Sequence[str], Image.Image]]], title: str = "") -> Image.Image:
    """Set pictures in rows, each scaled to fit 256×256 under its lines of text, below a title."""
    lines = max(len(label) for row in rows for label, _ in row)
    width, height = _SIDE + 2 * _MARGIN, 2 * _MARGIN + lines * _LINE + _SIDE
    columns = max(map(len, rows))
    words = _wrap(title, columns * width - 2 * _MARGIN)
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
    panel.paste(ImageOps.contain(picture, (_SIDE, _SIDE), _kernel(picture)), (_MARGIN, top))
    return panel


def _panel(label: Sequence[str], picture: Image.Image, lines: int) -> Image.Image:
    """Draw one picture under its label, and its middle below."""
    above = _labelled(label, picture, lines)
    panel = Image.new("RGB", (above.width, above.height + _SIDE + 2 * _MARGIN), _PAPER)
    panel.paste(above)
    panel.paste(_middle(picture), (_MARGIN, above.height + _MARGIN))
    return panel


def _write(page: Image.Image, lines: Sequence[str]) -> None:
    """Write lines of text from the top."""
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(_LETTERS)
    for number, line in enumerate(lines):
        pen.text((_MARGIN, _MARGIN + number * _LINE), printable(line), _INK, font)


def _wrap(text: str, width: int) -> list[str]:
    """Break text into lines of at most some pixels."""
    font, lines = ImageFont.load_default(_LETTERS), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines if text else []


def _middle(picture: Image.Image) -> Image.Image:
    """Enlarge the middle, pixel by pixel."""
    width, height = (min(side, _DETAIL) for side in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    scale = _SIDE // _DETAIL
    middle = picture.crop((left, top, left + width, top + height))
    return middle.resize((width * scale, height * scale), KERNELS["nearest"])


def _kernel(picture: Image.Image) -> Image.Resampling:
    """Enlarge so that pixels show; shrink smoothly."""
    return KERNELS["nearest" if max(picture.size) < _SIDE else "lanczos"]
