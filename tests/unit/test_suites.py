"""Suites and laundering profiles: what they stand for, that it can be run, and where it is from."""

from __future__ import annotations

import re

import pytest

from forenbench.errors import BenchError
from forenbench.perturbations import parse
from forenbench.perturbations.suites import PerturbationSuite, Profile, expand, profiles, suites
from forenbench.tables.papers import paper_tables


@pytest.mark.parametrize("suite", suites().values(), ids=lambda suite: suite.name)
def test_suites_name_perturbations_canonically_and_their_source(suite: PerturbationSuite) -> None:
    assert suite.source
    assert len(set(suite.perturbations)) == len(suite.perturbations)
    for name in suite.perturbations:
        assert name in profiles() or parse(name).name == name


@pytest.mark.parametrize("profile", profiles().values(), ids=lambda profile: profile.name)
def test_profiles_are_canonical_chains_with_source_and_date(profile: Profile) -> None:
    assert parse(profile.name).name == parse(profile.chain).name == profile.chain
    assert profile.source
    assert re.fullmatch(r"20\d\d-[01]\d", profile.date)


def test_profiles_have_the_sides_and_qualities_of_their_source() -> None:
    """As deepsafe-bench 1.0.0 has them."""
    reported = {
        "whatsapp": (1600, 50),
        "instagram": (1080, 70),
        "x": (4096, 85),
        "facebook": (2048, 75),
        "telegram": (2560, 80),
    }
    for name, (side, quality) in reported.items():
        assert profiles()[name].chain == f"fit-lanczos:{side}+jpeg:{quality}"
    assert suites()["field:laundering"].perturbations == ("none", *reported)


def test_lgrad_4_is_what_the_papers_table_needs() -> None:
    assert expand(["paper:lgrad-4"]) == paper_tables()["lgrad-4"].perturbations()


@pytest.mark.parametrize(
    ("suite", "jpeg"), [("cnndetection", "jpeg"), ("cnndetection-cv2", "jpeg-cv2"), ("univfd", "jpeg")]
)
def test_sweeps_span_the_papers_ranges(suite: str, jpeg: str) -> None:
    names = expand([f"paper:{suite}"])
    qualities = [int(name.split(":")[1]) for name in names if name.startswith(f"{jpeg}:")]
    assert qualities == list(range(100, 29, -10))
    sigmas = [float(name.split(":")[1]) for name in names if name.startswith("blur:")]
    assert sigmas == ([] if suite.endswith("cv2") else [1, 2, 3, 4])
    assert names[0] == "none"  # which is blur of σ 0


def test_other_texts_stay_and_order_is_kept() -> None:
    assert expand(["jpeg:30", " Paper:LGrad-4 ", "nonsense"]) == [
        "jpeg:30",
        *suites()["paper:lgrad-4"].perturbations,
        "nonsense",
    ]


@pytest.mark.parametrize("text", ["paper:lgrad4", "field:", "paper:"])
def test_unknown_suites_are_named_with_the_nearest(text: str) -> None:
    with pytest.raises(BenchError, match=f"unknown suite of perturbations '{text}'.*paper:lgrad-4"):
        expand([text])
