"""Papers' columns of means, deviations and minima over test sets, and the protocols of their tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import pandas as pd
import pytest
from stored_cells import add, with_wrong_reals

from forenbench import tables
from forenbench.errors import BenchError
from forenbench.front.evaluation import Evaluation
from forenbench.front.experiment import of_table
from forenbench.records.store import Store
from forenbench.scoring.requested import Files
from forenbench.scoring.run_request import Means
from forenbench.scoring.working import EngineChoice
from forenbench.tables.papers import lay_out, paper_tables
from forenbench.tables.published import against_published


@pytest.fixture(scope="module")
def dda(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """One row of DDA's main table: cell i with i % 9 of ten reals wrong, or of ten fakes where reals lack."""
    store = Store(tmp_path_factory.mktemp("dda"))
    cells = [cell for cell in paper_tables()["dda-main"].cells() if cell["detector"] == "dda:coco"]
    # A mean and a deviation are made of the same cells.
    places = dict.fromkeys((cell["dataset"], cell["testset"]) for cell in cells)
    for i, (dataset, testset) in enumerate(places):
        labels, scores = with_wrong_reals(i % 9)
        if dataset == "evalgen":
            labels, scores = [1] * 10, [0.1] * (i % 9) + [0.9] * (10 - i % 9)
        options = {"dataset": dataset, "kind": "published", "protocol": "dda"}
        add(store, "dda:coco", testset, scores, labels, place=i, **options)
    return tables.measure([store])


def test_set_means_and_deviations_are_over_generators_that_are_not_printed(dda: pd.DataFrame) -> None:
    """And the average is of set means, of the accuracy on fakes where there are no reals."""
    made = lay_out(paper_tables()["dda-main"], dda)
    row, start, means = made.frame.loc["DDA"], 0, []
    sizes = {"GenImage": 8, "DRCT-2M": 16, "DDA-COCO": 6, "EvalGEN": 5, "Synthbuster": 9, "ForenSynths": 13}
    sizes |= {"AIGCDetect": 17, "Chameleon": 1, "SynthWildX": 3, "WildRF": 3, "BFree-Online": 1}
    assert made.frame.columns.get_level_values(0).unique().tolist() == [*sizes, "Avg", "Min"]
    for name, size in sizes.items():
        worth = 10 if name == "EvalGEN" else 5  # of balanced accuracy each label is a half
        values = [100 - worth * (i % 9) for i in range(start, start + size)]
        start += size
        means.append(mean(values))
        assert row[name, "mean"] == pytest.approx(means[-1])
        if size > 1:
            assert row[name, "sd"] == pytest.approx(stdev(values))
    assert row["Avg"].tolist() == pytest.approx([mean(means), stdev(means)])
    assert row["Min", ""] == pytest.approx(min(means))
    assert made.frame.drop(index="DDA").isna().all(axis=None)
    assert not any("‡" in note or "in no mean" in note for note in made.notes)


def test_an_image_set_that_was_not_run_whole_has_no_mean_no_deviation_and_no_average(
    dda: pd.DataFrame,
) -> None:
    made = lay_out(paper_tables()["dda-main"], dda[dda["testset"] != "reddit"]).frame.loc["DDA"]
    blank = [("WildRF", "mean"), ("WildRF", "sd"), ("Avg", "mean"), ("Avg", "sd"), ("Min", "")]
    assert made[made.isna()].index.tolist() == blank


def test_a_papers_table_is_made_of_cells_under_its_protocol(dda: pd.DataFrame) -> None:
    raw = dda.assign(protocol="all")
    with pytest.raises(BenchError, match="no cell was run under protocol 'dda'; there is all"):
        lay_out(paper_tables()["dda-wildrf"], raw)
    asked = lay_out(paper_tables()["dda-wildrf"], raw, "all").frame
    assert asked.loc["DDA"].notna().all()


def test_an_experiment_runs_under_the_protocol_of_its_table() -> None:
    request = of_table("dda-main", {})
    means = Means(Path(), Files(), "", "cpu", None, "all")
    assert Evaluation(request, means, EngineChoice("local", "cpu")).folder == Path("results/runs/papers-dda")
    with pytest.raises(BenchError, match="of table 'dda-main' count by protocol 'dda': leave out 'univfd"):
        Evaluation(request, replace(means, protocol="univfd-official"), EngineChoice("local", "cpu")).protocol  # noqa: B018
    with pytest.raises(BenchError, match="'genimage-3' can be shown as published, not run"):
        of_table("genimage-3", {})


def test_methods_that_are_not_here_are_named_and_stay_blank(dda: pd.DataFrame) -> None:
    made = lay_out(paper_tables()["rem"], dda.assign(protocol="rem"))
    assert "As published only, for no detector here is that: REM." in made.notes
    assert made.frame.loc["DDA", ("Ideal", "Avg")] == pytest.approx(
        made.frame.loc["DDA", "Ideal"].drop("Avg").mean()
    )
    assert made.frame.loc["DDA", "RealChain"].isna().all()


def test_deviations_do_not_count_among_the_compared_numbers(dda: pd.DataFrame) -> None:
    table = paper_tables()["dda-wildrf"]
    beside = against_published(table, lay_out(table, dda))
    assert beside.notes[0].startswith("Compared: 3 numbers (means not counted)")
