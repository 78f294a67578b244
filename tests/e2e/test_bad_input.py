"""Every file ends as a score or as a named row, whatever it holds and whatever it is called."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import Bench
from PIL import Image

from forenbench.testing import tiny_image

READABLE = {
    "sixteen-bit.png": lambda: Image.fromarray(np.full((40, 50), 40_000, np.uint16)),
    "palette.png": lambda: tiny_image(1).convert("P"),
    "cmyk.jpg": lambda: tiny_image(2).convert("CMYK"),
    "alpha.png": lambda: tiny_image(3).convert("RGBA"),
    "grey alpha.webp": lambda: tiny_image(4).convert("LA").convert("RGBA"),
    "grey.png": lambda: tiny_image(5).convert("L"),
    "one-bit.png": lambda: tiny_image(6).convert("1"),
    "one by one.png": lambda: tiny_image(7, 1, 1),
    "narrow.png": lambda: tiny_image(8, 1, 700),
    "many.dots.in.name.png": lambda: tiny_image(9),
    "12:30:00.png": lambda: tiny_image(10),
    "写真 é.PNG": lambda: tiny_image(11),
    "UPPER.JPEG": lambda: tiny_image(12),
    "sixty-megapixels.png": lambda: Image.new("RGB", (10_000, 6_000), (200, 10, 10)),
}
UNREADABLE = {
    "empty.png": b"",
    "text.jpg": b"this is no image\n",
    "page.png": b"<!DOCTYPE html><html>404</html>",
    "notes.txt": b"label: fake",
}


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims a huge size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def zoo(bench: Bench) -> Path:
    """A folder of bad input, half of it labelled real, half fake."""
    folders = [Path("zoo/wild/0_real"), Path("zoo/wild/1_fake")]
    for folder in folders:
        folder.mkdir(parents=True)
    for i, (name, make) in enumerate(READABLE.items()):
        make().save(folders[i % 2] / name)
    for i, (name, data) in enumerate(UNREADABLE.items()):
        (folders[i % 2] / name).write_bytes(data)
    (folders[0] / "bomb.png").write_bytes(bomb(60_000, 60_000))
    whole = (folders[0] / "sixteen-bit.png").read_bytes()
    (folders[1] / "truncated.png").write_bytes(whole[: len(whole) * 2 // 3])
    (folders[0] / "dangling.png").symlink_to("nowhere.png")
    os.mkfifo(folders[1] / "pipe.png")
    return Path("zoo")


@pytest.mark.slow
def test_every_file_ends_as_a_score_or_as_a_named_row(bench: Bench, zoo: Path) -> None:
    detectors = "lgrad,univfd:lc,univfd:nn-k1,cnndetection,./bright.py"
    outcome = bench("run", "--detectors", detectors, "--dataset", str(zoo), "--checkpoints", "sample")
    assert outcome.code == 1
    rows = pd.concat([pd.read_parquet(path) for path in Path("results").glob("**/*.parquet")])
    for _, own in rows.groupby("detector"):
        status = {Path(path).name: status for path, status in zip(own["path"], own["status"], strict=True)}
        unreadable = {*UNREADABLE, "bomb.png", "truncated.png", "dangling.png", "pipe.png"}
        assert status == dict.fromkeys(READABLE, "ok") | dict.fromkeys(unreadable, "unreadable")
        reasons = dict(zip(own["path"].str.rpartition("/")[2], own["error"], strict=True))
        assert reasons["empty.png"] == "zero bytes"
        assert "HTML" in reasons["page.png"]
        assert "60000" in reasons["bomb.png"]
        assert "truncated" in reasons["truncated.png"]


def test_a_name_that_is_no_text_is_a_row_like_any_other(bench: Bench) -> None:
    for label in ("0_real", "1_fake"):
        tiny_image(0).save(Path("tiny/alpha") / label / "bad\udcff.png")
        Path("tiny", "gen\udcfe", label).mkdir(parents=True)
        tiny_image(1).save(Path("tiny", "gen\udcfe", label, "a.png"))
    outcome = bench("run", "--detectors", "./bright.py", "--dataset", "tiny")
    assert outcome.code == 0
    assert "gen\\udcfe" in outcome.out
    rows = pd.read_parquet("results/runs/tiny/scores/tiny/alpha/none/bright.parquet")
    assert rows[rows["path"] == "alpha/1_fake/bad\\udcff.png"]["status"].tolist() == ["ok"]
    outcome = bench("score", "tiny/alpha", "--detectors", "./bright.py", "--format", "csv")
    assert outcome.code == 0
    assert "tiny/alpha/1_fake/bad\\udcff.png,bright," in outcome.out


def test_an_empty_folder_and_one_label_only(bench: Bench) -> None:
    Path("nothing").mkdir()
    outcome = bench("run", "--detectors", "./bright.py", "--dataset", "nothing")
    assert outcome.code == 2
    assert "is empty" in outcome.err
    fakes = Path("fakes/g/1_fake")
    fakes.mkdir(parents=True)
    tiny_image(0).save(fakes / "a.png")
    outcome = bench("run", "--detectors", "./bright.py", "--dataset", "fakes")
    assert outcome.code == 0
    assert "generated images only" in outcome.err
    assert "nan" not in outcome.out
