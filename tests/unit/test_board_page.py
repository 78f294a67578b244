"""The sections that make a report a board: suites, cards with parity, test sets with the audit's number."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_page import Page
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench.audit import metadata_only
from forenbench.data.descriptions import suites
from forenbench.records.store import Store
from forenbench.report import carded, described_sets
from forenbench.report.contents import Wishes
from forenbench.report.page import write
from forenbench.report.suite_boards import partial_suites, suite_boards
from forenbench.report.thumbnails import Thumbnails
from forenbench.tables import measure
from forenbench.types import FOREIGN

SUITE = "aigibench-wild"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two detectors on all test sets of a suite; one of them got half of each wrong."""
    store = Store(tmp_path)
    for part in suites()[SUITE].parts:
        for testset in part.testsets:
            for detector, scores in (("good", PERFECT), ("univfd:lc", ONE_WRONG)):
                where = f"{part.dataset}/{testset}"
                paths = [f"{where}/{at}" for at in range(4)]
                add(store, detector, testset, scores, dataset=part.dataset, digest=where, paths=paths)
    return store


def test_a_suite_is_ranked_as_one_though_its_test_sets_are_of_several_datasets(store: Store) -> None:
    """A.P. of one pair of four in the wrong order is 5/6, in every test set and so on average."""
    (one,) = [found for found in suite_boards(measure([store]), "none") if found.name == SUITE]
    heads = [head.text for head in one.board.heads[-1]]
    rows = [dict(zip(heads, (cell.text for cell in row), strict=True)) for row in one.board.rows]
    assert [(row["rank"], row["detector"], row["ap"]) for row in rows] == [
        ("1", "good", "100.00"),
        ("2", "univfd:lc", "83.33"),
    ]
    assert ("suite", SUITE) in one.board.everywhere
    assert "dataset" not in heads + [name for name, _ in one.board.everywhere]
    parts = suites()[SUITE].parts
    assert one.testsets == [f"{part.dataset}/{name}" for part in parts for name in part.testsets]
    assert ("testsets", str(len(one.testsets))) in one.board.everywhere


def test_a_suite_that_lacks_a_test_set_is_named_and_not_ranked(tmp_path: Path) -> None:
    (part, *_) = suites()[SUITE].parts
    add(Store(tmp_path), "d", part.testsets[0], PERFECT, dataset=part.dataset)
    cells = measure([Store(tmp_path)])
    assert SUITE not in [one.name for one in suite_boards(cells, "none")]
    number = sum(len(one.testsets) for one in suites()[SUITE].parts)
    assert f"{SUITE} (1 of {number} test sets)" in partial_suites(cells, "none")
    assert partial_suites(cells, "jpeg:75") == []


def test_cards_are_of_our_detectors_and_of_no_namesake() -> None:
    names = {("univfd:lc", "published"): "univfd:lc", ("mine", "own"): "mine (own)"}
    names |= {("univfd", FOREIGN): "univfd", (metadata_only.NAME, "own"): "metadata-only"}
    made = carded.describe(names, dict.fromkeys(names, "1"))
    shown = [[cell.text for cell in row] for row in made.table.rows]
    assert [(row[0], row[2]) for row in shown] == [
        ("univfd:lc", "whole network"),
        ("mine (own)", "no card"),
        ("univfd", "scores of another tool"),
        ("metadata-only", "sees no pixel"),
    ]
    (card,) = made.sections
    assert card.name == "univfd"
    assert card.facts["Parity"].startswith("whole network, on weights by formula: official numbers within ")


def test_a_test_set_has_the_number_of_its_audit(tmp_path: Path) -> None:
    """Three of four pairs in order: the files alone give three quarters of the labels away."""
    store = Store(tmp_path)
    add(store, "d", "t", PERFECT, origins=["a", "b", "a", "b"])
    add(store, "d", "u", PERFECT, place=1, digest="u")
    add(store, metadata_only.NAME, "t", ONE_WRONG, origins=["a", "b", "a", "b"])
    grid = described_sets.describe(measure([store]))
    heads = [head.text for head in grid.heads[-1]]
    rows = [dict(zip(heads, (cell.text for cell in row), strict=True)) for row in grid.rows]
    assert [(row["testset"], row["no pixel"], row["origins"]) for row in rows] == [
        ("t", "75.0", "2"),
        ("u", "", ""),
    ]


def test_the_page_has_these_sections_and_leads_to_them(store: Store, tmp_path: Path) -> None:
    write([store], tmp_path / "report.html", Wishes(Thumbnails({}, {}), worst=0))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    ids = {value for _, name, value in page.attributes if name == "id"}
    links = {value for _, name, value in page.attributes if name == "href" and value.startswith("#")}
    assert {"#suites", "#detectors", "#described-sets"} <= links
    assert {link[1:] for link in links} <= ids
    assert f"suite-{SUITE}" in ids


def test_test_sets_of_one_name_in_two_datasets_are_two(tmp_path: Path) -> None:
    parts = suites()["truefake"].parts
    where = [(part.dataset, testset) for part in parts for testset in part.testsets]
    assert len({testset for _, testset in where}) < len(where)
    for dataset, testset in where:
        add(Store(tmp_path), "d", testset, PERFECT, dataset=dataset, digest=dataset + testset)
    (one,) = [found for found in suite_boards(measure([Store(tmp_path)]), "none") if found.name == "truefake"]
    heads = [head.text for head in one.board.heads[-1]]
    (row,) = [dict(zip(heads, (cell.text for cell in found), strict=True)) for found in one.board.rows]
    assert row["testsets"] == str(len(where))
