"""Images of a cell that were not scored: how many, which, and what they would be as errors."""

from __future__ import annotations

import zlib
from base64 import b85decode, b85encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forenbench.errors import BenchError
from forenbench.types import FAKE, LABEL_NAMES, TAMPERED

from .rows import STATUSES

if TYPE_CHECKING:
    import pandas as pd

MISSING, WRONG = "missing", "wrong"
FAILED_AS = (MISSING, WRONG)
"""What images without a score count as: in no metric, or as errors in each."""
APART, LEFT_OUT = "apart", "drop"
TAMPERED_AS = (APART, "fake", "real", LEFT_OUT)
"""What tampered images count as: a number of their own and in no other, fakes or reals, or nothing."""


def check(failed_as: str, tampered_as: str) -> None:
    """Refuse what images cannot count as.

    Raises:
        BenchError: It is none of `FAILED_AS` or `TAMPERED_AS`.
    """
    for name, value, known in (
        ("failed_as", failed_as, FAILED_AS),
        ("tampered_as", tampered_as, TAMPERED_AS),
    ):
        if value not in known:
            raise BenchError(f"{name} '{value}' is none of {', '.join(known)}")


def judged(rows: pd.DataFrame, tampered_as: str = APART) -> pd.DataFrame:
    """Keep the rows that metrics of reals and fakes may rest on, in their order; each has one of both labels.

    This is the one place that says so: whoever measures, compares, fits or draws takes rows from here.

    Args:
        rows: Of a cell, with label.
        tampered_as: One of `TAMPERED_AS`.
    """
    tampered = rows["label"] == TAMPERED
    if not tampered.any():
        return rows
    meant = {name: label for label, name in LABEL_NAMES.items()}
    if tampered_as in meant:
        return rows.assign(label=rows["label"].mask(tampered, meant[tampered_as]))
    return rows[~tampered].reset_index(drop=True)


def mark_counted(rows: pd.DataFrame, failed_as: str, thresholds: Iterable[float]) -> None:
    """Add the column ``counted`` to a cell's rows: which of them metrics rest on.

    Where images without a score count as errors, each is put on the wrong side of all others and of all
    thresholds: a real one gets one more than any score, fakes get one less, two less and so on, because
    equal ones would be a single step of precision, which pays more than the errors that they are.

    Args:
        rows: With label, score and status.
        failed_as: One of `FAILED_AS`.
        thresholds: Of the detector, one at least.
    """
    ok = (rows["status"] == "ok").to_numpy()
    rows["counted"] = ok | (failed_as == WRONG)
    if failed_as == WRONG:
        scores, fake = rows["score"].to_numpy(np.float64, copy=True), (rows["label"] == FAKE).to_numpy()
        # thresholds, too: else an error could stand on the right side of the one that it is judged by
        known = np.array([*scores[ok], *thresholds])
        scores[~ok & ~fake] = known.max() + 1
        scores[~ok & fake] = known.min() - 1 - np.arange((~ok & fake).sum())
        rows["score"] = scores


def count(rows: pd.DataFrame) -> dict[str, Any]:
    """Count a cell's rows.

    Args:
        rows: With label, status and counted.

    Returns:
        ``images``, the number of each status, of all images by label (``reals``, ``fakes``), of the counted
        ones by label (``real``, ``fake``), and ``unscored``: which were not scored (see `pack`).
    """
    ok, status = (rows["status"] == "ok").to_numpy(), rows["status"]
    fake, counted = (rows["label"] == FAKE).to_numpy(), rows["counted"].to_numpy()
    # in most cells all are ok, and counting texts takes longer than comparing them
    found = {} if ok.all() else status[~ok].value_counts().to_dict()
    fakes, scored = int(fake.sum()), int((fake & counted).sum())
    return {
        "images": len(rows),
        **{name: found.get(name, 0) for name in STATUSES},
        "ok": int(ok.sum()),
        "reals": len(rows) - fakes,
        "fakes": fakes,
        "real": int(counted.sum()) - scored,
        "fake": scored,
        "unscored": pack(~ok),
    }


def pack(unscored: NDArray[np.bool_]) -> str:
    """Write down which images of a cell were not scored, in the order of its rows; empty if all were."""
    # Two detectors are on the same images only if the same ones are lacking. A bit an image, compressed, is
    # some bytes in most cells; base 85 because it goes through JSON.
    return b85encode(zlib.compress(np.packbits(unscored).tobytes())).decode() if unscored.any() else ""


def unpack(packed: str, images: int) -> NDArray[np.bool_]:
    """Return what `pack` was given: for each of so many images, whether it was not scored (images,)."""
    if not packed:
        return np.zeros(images, bool)
    bits = np.frombuffer(zlib.decompress(b85decode(packed)), np.uint8)
    return np.unpackbits(bits, count=images).astype(bool)
