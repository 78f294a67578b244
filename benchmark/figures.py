"""Pictures of what detectors see, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from .geometry import KERNELS

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


def _panel(label: Sequence[str], picture: Image.Image, lines: int) -> Image.Image:
    """Draw one picture and its middle under a label that has room for some lines."""
    top = 2 * _MARGIN + lines * _LINE
    panel = Image.new("RGB", (_SIDE + 2 * _MARGIN, top + 2 * (_SIDE + _MARGIN)), _PAPER)
    pen, font = ImageDraw.Draw(panel), ImageFont.load_default(_LETTERS)
    for number, line in enumerate(label):
        pen.text((_MARGIN, _MARGIN + number * _LINE), line, _INK, font)
    panel.paste(ImageOps.contain(picture, (_SIDE, _SIDE), _kernel(picture)), (_MARGIN, top))
    panel.paste(_middle(picture), (_MARGIN, top + _SIDE + _MARGIN))
    return panel


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
