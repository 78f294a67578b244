"""Quality and name of quantisation tables, against those that libjpeg writes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from forenbench.audit.jpeg_tables import Quantisation, read_tables


def tables_of(image: Image.Image, **options: Any) -> dict[int, list[int]]:  # noqa: ANN401
    file = BytesIO()
    image.save(file, "JPEG", **options)
    return dict(Image.open(file, formats=["JPEG"]).quantization)  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_quality_of_libjpeg_is_recognised(mode: str) -> None:
    for quality in range(1, 101):
        tables = tables_of(Image.new(mode, (8, 8)), quality=quality)
        assert read_tables(tables) == Quantisation(quality, f"IJG {quality}")


def test_other_tables_have_the_nearest_quality_and_a_name_of_their_own() -> None:
    tables = tables_of(Image.new("RGB", (8, 8)), quality=80)
    tables[0][63] += 1
    found = read_tables(tables)
    assert found.quality == 80
    assert found.name.startswith("other ")
    tables[0][62] += 1
    assert read_tables(tables).name not in (found.name, "IJG 80")


def test_flat_tables_are_nobodys_quality_exactly() -> None:
    found = read_tables({0: [3] * 64, 1: [3] * 64})
    assert found.name.startswith("other ")
    assert 90 < found.quality < 100


@pytest.mark.parametrize("family", ["", "web_"])
def test_photoshops_levels_are_in_order(family: str) -> None:
    """Its own tables cap high frequencies at 12, "low" as well as "maximum"."""
    levels = [f"{family}{level}" for level in ("low", "medium", "high", "maximum")]
    found = [read_tables(tables_of(Image.new("RGB", (8, 8)), quality=level)).quality for level in levels]
    assert found == sorted(set(found))
    assert found[0] < 80
    assert found[-1] > 90
