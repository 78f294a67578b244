"""Runs in zip files, as people send them: unpacked for as long as the program runs."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from rich.filesize import decimal

from forenbench.errors import BenchError

_NEEDED = ("scores", "fits.json")
"""What numbers rest on: all else of a run folder is made of these, or of no use elsewhere."""
_unpacked: list[Path] = []


def unpack(file: Path) -> list[Path]:
    """Unpack the runs of a zip file, of one or of a folder of several.

    Returns:
        A folder for each, called as it was before it was packed.

    Raises:
        BenchError: There is none in it, it cannot be read, or there is no room for it.
    """
    try:
        with ZipFile(file) as archive:
            members = {info: _run_of(info, file.stem) for info in archive.infolist() if not info.is_dir()}
            wanted = {info: run for info, run in members.items() if run is not None}
            if not any("scores" in Path(info.filename).parts for info in wanted):
                raise BenchError(f"'{file}' holds no run: there is no folder 'scores' in it")
            # By hand, and not at the end of a block: tables read rows again and again.
            folder = Path(tempfile.mkdtemp(prefix="forenbench-"))
            _unpacked.append(folder)
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            size = sum(info.file_size for info in wanted)  # no member gives more than it says
            if size > shutil.disk_usage(folder).free:
                raise BenchError(
                    f"'{file}': there is no room to unpack its {decimal(size)} in '{folder.parent}'"
                )
            for info, (run, inner) in wanted.items():
                target = folder / run / inner
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as packed, target.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
    except (BadZipFile, OSError, RuntimeError, NotImplementedError) as error:  # damaged, encrypted, …
        raise BenchError(f"'{file}' cannot be unpacked: {error}") from error
    return sorted(folder / run for run in {run for run, _ in wanted.values()})


def is_unpacked(run: Path) -> bool:
    """Say whether a run folder is only there for as long as the program runs."""
    return any(run.is_relative_to(folder) for folder in _unpacked)


def _run_of(info: ZipInfo, name: str) -> tuple[Path, Path] | None:
    """Say which run a member is of, and where in it; None for what is not needed.

    Args:
        info: The member.
        name: Of the run where the zip holds its files without a folder around them.
    """
    parts = [part for part in info.filename.split("/") if part not in ("", ".")]
    at = next((number for number, part in enumerate(parts) if part in _NEEDED), None)
    # Names that lead out of the folder are nobody's run; nor is what a run has set aside, or macOS adds.
    if at is None or {"..", "superseded", "__MACOSX"} & set(parts[:at]) or ".." in parts:
        return None
    return Path(*parts[:at]) if at else Path(name), Path(*parts[at:])
