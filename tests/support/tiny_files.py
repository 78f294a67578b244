"""The bytes of tiny pictures, as files hold them."""

from __future__ import annotations

import io

from forenbench.testing import tiny_image


def tiny_file(seed: int, format: str) -> bytes:
    buffer = io.BytesIO()
    tiny_image(seed).save(buffer, format=format)
    return buffer.getvalue()
