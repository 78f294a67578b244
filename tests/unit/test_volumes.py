"""One volume of several is refused before anything of it is read, with a command that joins them."""

from __future__ import annotations

import io
import re
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest

from forenbench.data.sources.locations import open_location
from forenbench.data.sources.volumes import refuse_volume
from forenbench.errors import BenchError
from forenbench.testing import tiny_image


def write(file: Path, number: int = 8) -> bytes:
    """Write a zip file of labelled noise, which does not shrink."""
    with zipfile.ZipFile(file, "w") as archive:
        for i in range(number):
            picture = io.BytesIO()
            tiny_image(i, 64, 64).save(picture, format="BMP")
            archive.writestr(f"g/{'0_real' if i % 2 else '1_fake'}/{i}.bmp", picture.getvalue())
    return file.read_bytes()


def refusal(file: Path) -> str:
    with pytest.raises(BenchError) as error:
        open_location(file)
    return str(error.value)


def command(words: str) -> str:
    """Cut the command out of what is said."""
    return words.rpartition(": ")[2]


@pytest.mark.skipif(not shutil.which("zip"), reason="needs the command zip")
def test_the_command_for_a_split_zip_file_makes_it_whole(tmp_path: Path) -> None:
    write(tmp_path / "plain.zip")
    folder = tmp_path / "two words"
    folder.mkdir()
    subprocess.run(["zip", "-q", "-s", "64k", tmp_path / "plain.zip", "--out", folder / "x.zip"], check=True)
    assert (folder / "x.z01").exists()
    said = {refusal(folder / name) for name in ("x.zip", "x.z01")}
    assert {command(words) for words in said} == {command(min(said))}
    subprocess.run(command(min(said)), shell=True, check=True, capture_output=True)
    _, findings = open_location(folder / "x-whole.zip")
    assert len(findings.samples) == 8
    (folder / "x.z01").unlink()
    assert "the others are not beside it" in refusal(folder / "x.zip")


@pytest.mark.parametrize(
    ("name", "digits"), [("x.zip.{:03}", 3), ("x.zip.{:02}", 2), ("y z.zip.part-{:02}", 2)]
)
def test_the_command_for_an_archive_that_was_cut_makes_it_whole(
    tmp_path: Path, name: str, digits: int
) -> None:
    whole = write(tmp_path / "plain.zip")
    for number in range(3):
        piece = whole[number * len(whole) // 3 : (number + 1) * len(whole) // 3]
        (tmp_path / name.format(number)).write_bytes(piece)
    subprocess.run(command(refusal(tmp_path / name.format(1))), shell=True, check=True)
    made = tmp_path / name.partition(".zip")[0]
    assert made.with_name(f"{made.name}.zip").read_bytes() == whole


def test_pieces_are_known_by_their_names(tmp_path: Path) -> None:
    pieces = ("a.z01", "a.Z12", "a.zip.001", "a.tar.gz.aa", "a.tar.ab", "a.tgz.part03", "a.7z.002")
    for name in pieces:
        (tmp_path / name).write_bytes(b"x")
        assert re.search(r"is one (volume|piece) of .*[Jj]oin", refusal(tmp_path / name)), name
    for name in ("a.tar.xz", "a.tar.bz", "a.tar.bz2", "a.txt.01", "a.001"):
        (tmp_path / name).write_bytes(b"x")
        assert "is not a folder" in refusal(tmp_path / name), name


def test_the_last_volume_is_known_by_its_end_also_with_a_comment_or_many_files(tmp_path: Path) -> None:
    whole = bytearray(write(tmp_path / "x.zip"))
    end = whole.rindex(b"PK\x05\x06")
    commented = whole[:end] + whole[end : end + 20] + struct.pack("<H", 9) + b"a comment"
    (tmp_path / "x.zip").write_bytes(commented)
    assert len(open_location(tmp_path / "x.zip")[1].samples) == 8
    locator = b"PK\x06\x07" + struct.pack("<IQI", 2, 0, 3)
    no_number = whole[:end] + locator + whole[end : end + 4] + b"\xff\xff\xff\xff" + whole[end + 8 :]
    for changed in (commented[: end + 4] + b"\x02\x00" + commented[end + 6 :], no_number):
        (tmp_path / "x.zip").write_bytes(changed)
        assert "is one volume of a zip file in several" in refusal(tmp_path / "x.zip")


def test_a_zip_file_of_many_files_in_one_volume_is_none_of_several(tmp_path: Path) -> None:
    whole = write(tmp_path / "x.zip")
    end = whole.rindex(b"PK\x05\x06")
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 0, 1)
    many = whole[:end] + locator + whole[end : end + 4] + b"\xff\xff\xff\xff" + whole[end + 8 :]
    (tmp_path / "x.zip").write_bytes(many)
    refuse_volume(tmp_path / "x.zip")
