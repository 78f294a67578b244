"""Protocols choose the files that the official code chooses, and say what they leave out."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forenbench.cli import listing
from forenbench.data.choosing import Choice
from forenbench.data.protocols import find_protocol, protocol_of, protocols
from forenbench.errors import BenchError
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.perturbations import parse
from forenbench.types import FAKE, REAL, Sample


def samples(real: int, fake: int) -> list[Sample]:
    return [
        *(Sample(f"g/0_real/{i:05}.png", REAL, "g") for i in range(real)),
        *(Sample(f"g/1_fake/{i:05}.png", FAKE, "g") for i in range(fake)),
    ]


def named(*names: str, folder: str = "g/0_real") -> list[Sample]:
    return [Sample(f"{folder}/{name}", REAL, "g") for name in names]


def choose(protocol: str, chosen: list[Sample]) -> Choice:
    return protocols()[protocol].choose(chosen)


def test_all_keeps_every_file() -> None:
    everything = named("a.png", "b.txt", "noext")
    assert choose("all", everything) == (tuple(everything), ())


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [(4000, 4000, 1000), (1000, 1000, 1000), (999, 5000, 100), (5000, 999, 100), (180, 180, 100)],
)
def test_univfd_draws_1000_or_100_of_each_label(real: int, fake: int, expected: int) -> None:
    chosen = choose("univfd-official", samples(real, fake)).samples
    assert Counter(sample.label for sample in chosen) == {REAL: expected, FAKE: expected}
    assert [s.label for s in chosen] == [REAL] * expected + [FAKE] * expected


def test_univfd_seeds_once_and_shuffles_the_reals_first() -> None:
    random.seed(0)  # the module's own generator, as the official code uses it
    reals, fakes = list(range(1200)), list(range(1500))
    random.shuffle(reals)
    random.shuffle(fakes)
    chosen = choose("univfd-official", samples(1200, 1500)).samples
    assert [int(s.path[-9:-4]) for s in chosen] == reals[:1000] + fakes[:1000]


def test_univfd_says_how_many_it_drew_and_where_the_official_code_stops() -> None:
    chosen, notes = choose("univfd-official", [*samples(60, 80), *named("noext")])
    assert len(chosen) == 140
    assert notes == (
        ("leaves out files without a dot, where the official code stops", "1, the first 'g/0_real/noext'"),
        ("draws files", "60 of 60 real and 80 of 80 fake"),
        ("draws fewer of one label than of the other, where the official code stops", ""),
    )


def test_lgrad_keeps_the_last_of_a_stem_within_a_folder() -> None:
    chosen, notes = choose(
        "lgrad-official",
        [*named("x.1.png", "x.2.png", "y.png"), *named("x.png", folder="h/0_real"), *named("z.PNG")],
    )
    assert [s.path for s in chosen] == ["g/0_real/x.2.png", "g/0_real/y.png", "h/0_real/x.png"]
    assert notes == (
        ("leaves out files of another extension", "1, the first 'g/0_real/z.PNG'"),
        ("leaves out files overwritten by a later one of the same stem", "1, the first 'g/0_real/x.1.png'"),
    )


@given(
    st.lists(st.text("ab.PNGpngjwebtif", min_size=1, max_size=9), unique=True),
    st.sampled_from([name for name in protocols() if name != "univfd-official"]),
)
def test_protocols_without_a_draw_keep_the_order_and_count_what_they_leave_out(
    names: list[str], protocol: str
) -> None:
    given_samples = named(*sorted(names))
    chosen, notes = choose(protocol, given_samples)
    assert list(chosen) == [sample for sample in given_samples if sample in chosen]
    assert sum(int(note.particular.split(",")[0]) for note in notes) == len(given_samples) - len(chosen)


CONSTANTS = {
    # (threshold, metrics, of fakes alone, statistics, first N, [(label, what, format, datasets, spared)])
    "dda": (
        *(0.5, ["bacc"], "fake_acc", ["mean", "sd", "minimum"], None),
        [("fake", "jpeg:96", "", ["genimage", "forensynths", "aigcdetect"], [])],
    ),
    "rem": (
        *(0.5, ["bacc"], "fake_acc", ["mean"], None),
        [("fake", "jpeg:96", "PNG", ["genimage", "forensynths", "aigcdetect", "aigibench"], [])],
    ),
    "cospy": (
        *(0.5, ["ap", "acc"], "", ["mean"], 2000),
        [("all", "jpeg:95", "", [], ["aigcdetect"])],
    ),
    "aigibench": (0.5, ["real_acc", "fake_acc", "acc", "ap"], "", ["mean"], None, []),
    "ai-genbench": (None, ["auroc"], "", ["mean"], None, []),
    "bfree": (
        *(0.5, ["auroc", "bacc", "nll_balanced", "ece_balanced", "pd_at_fpr10"], "", ["mean"], None),
        [],
    ),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_protocol_fixes_what_its_makers_state(name: str) -> None:
    one = protocols()[name]
    rules = [
        (rule.label, rule.by, rule.format, list(rule.datasets), list(rule.spared)) for rule in one.reencode
    ]
    found = one.threshold, list(one.metrics), one.of_fakes_alone, list(one.spread), one.files.first, rules
    assert found == CONSTANTS[name]
    assert one.source


def test_every_file_of_a_protocol_names_what_there_is() -> None:
    for one in protocols().values():
        assert set(one.metrics) <= set(METRICS)
        assert one.of_fakes_alone in ("", *METRICS)
        assert [parse(rule.by).name for rule in one.reencode] == [rule.by for rule in one.reencode]
    assert next(iter(protocols())) == "all"


def test_the_first_of_each_label_are_as_many_as_the_rarer_one_has() -> None:
    chosen, notes = choose("cospy", samples(2500, 2100))
    assert [sample.path for sample in chosen] == [
        f"g/{label}/{i:05}.png" for label in ("0_real", "1_fake") for i in range(2000)
    ]
    assert notes == (
        ("leaves out files behind the first 2000 of their label", "600, the first 'g/0_real/02000.png'"),
    )
    assert Counter(sample.label for sample in choose("cospy", samples(7, 30)).samples) == {REAL: 7, FAKE: 7}
    assert len(choose("cospy", samples(0, 30)).samples) == 30


def test_what_no_version_knows_is_still_a_name() -> None:
    assert protocol_of("dda, limit 9, split val").name == "dda"
    assert protocol_of("of-next-year").words == ()
    with pytest.raises(BenchError, match="unknown protocol 'DDA'"):
        find_protocol("DDA")


def test_protocols_are_listed_with_what_they_fix_and_their_source(capsys: pytest.CaptureFixture[str]) -> None:
    listing.protocols()
    told = " ".join(capsys.readouterr().out.split())
    for name in ("all", "dda", "rem", "cospy", "aigibench", "bfree"):
        assert f"{name} " in told
    assert "JPEG 96" in told
    assert "arXiv" in told
