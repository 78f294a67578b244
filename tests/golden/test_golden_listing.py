"""Which files count, against the official code: extensions, and UnivFD's draw.

``listing.json`` holds the sections ``file_listing`` and ``subset_selection`` of the full golden set.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from forenbench.data.protocols import protocols
from forenbench.types import FAKE, REAL, Sample

GOLDEN = json.loads(Path(__file__).with_name("listing.json").read_text())
LISTING = GOLDEN["file_listing"]
CASES = GOLDEN["subset_selection"]["cases"]


def list_as(project: str, names: list[str]) -> list[str]:
    """Return the names that a project's protocol accepts; as many fakes stand by, so that UnivFD can draw."""
    given = [Sample(name, label) for name in sorted(names) for label in (REAL, FAKE)]
    chosen = protocols()[f"{project}-official"].choose(given).samples
    return sorted(sample.path for sample in chosen if sample.label == REAL)


@pytest.mark.parametrize("project", ["univfd", "cnndetection"])
def test_accepted_files(project: str) -> None:
    assert list_as(project, LISTING["names_present"]) == sorted(LISTING["accepted"][project])


def test_accepted_files_of_lgrad() -> None:
    given = [Sample(name, REAL) for name in sorted(LISTING["names_present"])]
    chosen = protocols()["lgrad-official"].choose(given).samples
    assert [sample.path for sample in chosen] == sorted(LISTING["accepted"]["lgrad"])


def test_univfd_stops_at_a_name_without_a_dot_where_we_say_so() -> None:
    assert LISTING["univfd_error_on_name_without_dot"] == "IndexError"
    chosen, notes = protocols()["univfd-official"].choose([Sample("nodot", REAL), Sample("a.png", REAL)])
    assert [sample.path for sample in chosen] == ["a.png"]
    assert notes[0] == (
        "leaves out files without a dot, where the official code stops",
        "1, the first 'nodot'",
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['n_real']}-{case['n_fake']}")
def test_drawn_names(case: dict[str, Any]) -> None:
    patterns = dict(zip(("real", "fake"), case["name_pattern"].split(" / "), strict=True))
    given = [Sample(patterns["real"] % i, REAL) for i in range(case["n_real"])]
    given += [Sample(patterns["fake"] % i, FAKE) for i in range(case["n_fake"])]
    few = min(case["n_real"], case["n_fake"]) < case["max_sample"]
    assert case["n_selected"] == (100 if few else case["max_sample"])
    chosen = protocols()["univfd-official"].choose(given).samples
    names = {label: [s.path for s in chosen if s.label == label] for label in (REAL, FAKE)}
    assert [len(names[REAL]), len(names[FAKE])] == [case["n_selected"]] * 2
    assert names[REAL][:10] == case["first10_real"]
    assert names[FAKE][:10] == case["first10_fake"]
    assert sha256(names[REAL]) == case["sha256_real"]
    assert sha256(names[FAKE]) == case["sha256_fake"]
    assert sha256([sample.path for sample in chosen]) == case["sha256_real_then_fake"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['n_real']}-{case['n_fake']}")
def test_taking_every_file_is_another_choice_and_another_order(case: dict[str, Any]) -> None:
    """RINE's evaluation takes all of UnivFD's folders, without the cap."""
    reals = [Sample(f"real_{i:04}.png", REAL) for i in range(case["n_real"])]
    fakes = [Sample(f"fake_{i:04}.png", FAKE) for i in range(case["n_fake"])]
    everything, drawn = (
        [sample.path for sample in protocols()[name].choose([*reals, *fakes]).samples]
        for name in ("all", "univfd-official")
    )
    assert everything == [sample.path for sample in (*reals, *fakes)]
    assert sha256(everything) != case["sha256_real_then_fake"] == sha256(drawn)


def sha256(names: list[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
