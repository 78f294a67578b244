"""``bench table`` and ``bench list tables`` for the papers' tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Bench
from stored_cells import PERFECT, add

from forenbench.records.store import Store
from forenbench.tables.papers import paper_tables
from forenbench.tables.rendering import STYLES

LGRAD = "lgrad:stylegan-bedroom"


def test_published_tables_need_no_run(bench: Bench) -> None:
    outcome = bench("table", "lgrad-3", "--only", "published", "--format", "csv")
    assert outcome.code == 0
    assert outcome.out.splitlines()[3].startswith("Wang [42],Image,1,50.4,63.8,50.4,79.3,")
    assert outcome.out.splitlines()[-1].endswith(",58.0,67.9,86.1,91.5")
    assert not Path("results").exists()


@pytest.mark.parametrize("style", [style for style in STYLES if style not in ("tidy", "json")])
def test_measured_against_published_in_every_style(bench: Bench, style: str) -> None:
    add(Store(Path("run")), LGRAD, "biggan", PERFECT, dataset="forensynths", kind="published")
    outcome = bench("table", "lgrad-3", "run", "--against", "published", "--format", style)
    assert outcome.code == 0
    (line,) = (line for line in outcome.out.splitlines() if "+17.1" in line and "Compared" not in line)
    assert "LGrad (StyleGAN-bedroom)" in line
    numbers = line.replace("|", " ").replace("&", " ").replace(",", " ").split()
    assert numbers[numbers.index("+17.1") - 2 :][:6] == ["100.0", "82.9", "+17.1", "100.0", "90.7", "+9.3"]
    notes = outcome.err if style == "csv" else outcome.out
    assert "Compared: 2 numbers (means not counted), mean absolute difference 13.20" in notes
    assert "Blank: 167 of 168 cells were not run ('bench run --experiment lgrad-3'" in notes
    assert f"Weights of {LGRAD} (published): head abcabcabcabc." in notes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lgrad3"], "did you mean lgrad-3"),
        (["acc-ap", "--against", "published"], "--against is for the papers' tables"),
        (["lgrad-3", "--only", "measured"], "--only 'measured' is unknown; the only choice is 'published'"),
        (["lgrad-3", "--only", "published", "--against", "published"], "choose one"),
        (["lgrad-3", "--against", "published"], "there is no run below 'results/runs'"),
    ],
)
def test_requests_that_make_no_sense_are_refused(bench: Bench, arguments: list[str], message: str) -> None:
    outcome = bench("table", *arguments)
    assert outcome.code == 2
    assert message in outcome.err


def test_a_table_of_another_protocol_is_asked_for_by_name(bench: Bench) -> None:
    options = {"dataset": "forensynths", "kind": "published", "protocol": "univfd-official"}
    add(Store(Path("run")), "univfd:lc", "biggan", PERFECT, **options)
    asked = bench("table", "univfd-acc", "run", "--protocol", "univfd-official")
    assert asked.code == 0
    assert "protocol univfd-official: forensynths/biggan 2/2" in asked.out
    refused = bench("table", "univfd-acc", "run", "--protocol", "all")
    assert refused.code == 2
    assert "no cell was run under protocol 'all'; there is univfd-official" in refused.err


def test_all_tables_are_listed_with_their_papers(bench: Bench) -> None:
    outcome = bench("list", "tables")
    first = [line.split()[0] for line in outcome.out.splitlines() if line and not line[0].isspace()]
    of_cells = ["cells", "error-rates", "thresholds", "calibration", "real-sources"]
    later = ["robustness", "equalised", "shortcut", "protocol", "timeline", "timeline-quarters", "windows"]
    assert first == ["table", "acc-ap", "summary", *of_cells, *later, *paper_tables()]
