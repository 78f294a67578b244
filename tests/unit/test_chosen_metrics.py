"""Tables of other metrics than their own: the numbers are those of scikit-learn, and the rest follows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from stored_cells import add

from forenbench import tables
from forenbench.errors import BenchError
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.records.store import Store
from forenbench.tables.best import outstanding
from forenbench.tables.pairs import compare
from forenbench.tables.table_kinds import TableKind

LABELS = [0] * 20 + [1] * 20
NAMES = ("one", "two")
TESTSETS = ("gan", "sd")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for place, testset in enumerate(TESTSETS):
        for name in NAMES:
            for perturbation in ("none", "jpeg:96"):
                where = {"place": place, "perturbation": perturbation}
                add(store, name, testset, scores(name, testset, perturbation), LABELS, **where)  # type: ignore[arg-type]
    return store


def scores(*seed: str) -> list[float]:
    random = np.random.default_rng(list("".join(seed).encode()))
    return list(np.clip(random.normal(0.35, 0.2, 40) + 0.3 * np.array(LABELS), 0.01, 0.99))


def auroc(*of: str) -> float:
    return 100 * float(roc_auc_score(LABELS, scores(*of)))


def test_any_metric_stands_by_generator_with_its_mean(store: Store) -> None:
    table = tables.make("acc-ap", [store], metrics=["auroc", "f1"])
    frame = table.frame.loc["none", "one", "sample"]
    for testset in TESTSETS:
        called = np.array(scores("one", testset, "none")) > 0.5
        assert frame[testset, "AUROC"] == pytest.approx(auroc("one", testset, "none"))
        assert frame[testset, "F1"] == pytest.approx(100 * f1_score(LABELS, called))
    assert frame["Mean", "AUROC"] == pytest.approx(np.mean([auroc("one", one, "none") for one in TESTSETS]))
    assert list(dict.fromkeys(name for _, name in frame.index)) == ["AUROC", "F1", "on"]
    assert table.title == "AUROC, F1 (%) by generator"


def test_losses_are_no_percentages_and_their_worst_is_the_highest(store: Store) -> None:
    table = tables.make("acc-ap", [store], metrics=["nll"])
    frame = table.frame.loc["none", "one", "sample"]
    losses = {one: log_loss(LABELS, scores("one", one, "none")) for one in TESTSETS}
    assert {one: frame[one, "NLL"] for one in TESTSETS} == pytest.approx(losses)
    assert frame["Worst", "NLL"] == pytest.approx(max(losses.values()))
    assert frame["Worst", "on"] == max(losses, key=lambda one: losses[one])
    assert (table.decimals, table.title) == (3, "NLL by generator")


def test_the_lowest_of_what_is_better_low_stands_out(store: Store) -> None:
    table = tables.make("acc-ap", [store], metrics=["eer"]).styled(digits=6)
    errors, stands_out = (one["gan", "EER"].loc["none"] for one in (table.frame, outstanding(table)))
    assert errors.iloc[0] != pytest.approx(errors.iloc[1])
    assert stands_out.to_list() == ["best" if value == errors.min() else "" for value in errors]


@pytest.mark.parametrize(
    "name", [name for name, kind in tables.TABLES.items() if kind.takes_metrics and "time" not in name]
)
def test_every_table_that_takes_metrics_shows_them_and_no_others(store: Store, name: str) -> None:
    if name in ("windows", "shortcut"):  # of other cells than these
        return
    frame = tables.make(name, [store], metrics=["auroc"]).frame
    said = {text for column in frame.columns for text in (column if isinstance(column, tuple) else (column,))}
    assert any("AUROC" in text for text in said)
    assert not {"Acc.", "A.P.", "EER", "NLL", "Bal. acc."} & said


def test_means_of_a_summary_are_means_of_the_metric(store: Store) -> None:
    frame = tables.make("summary", [store], metrics=["auroc"]).frame.loc["none", "one", "sample"]
    each = [auroc("one", one, "none") for one in TESTSETS]
    assert frame["AUROC, macro"] == pytest.approx(np.mean(each))
    assert frame["AUROC, worst"] == pytest.approx(min(each))
    assert frame["AUROC, std. dev."] == pytest.approx(np.std(each, ddof=1))


def test_intervals_of_means_hold_their_means_where_there_is_no_room_by_default(store: Store) -> None:
    for name in ("acc-ap", "robustness"):
        table = tables.make(name, [store], metrics=["auroc"])
        assert "[" not in table.to_text().split("\n\n")[1]
        assert "[" in table.styled(intervals=True).to_text().split("\n\n")[1]
        assert table.low is not None
        assert table.high is not None
        values, low, high = (
            one.select_dtypes("number").to_numpy(float) for one in (table.frame, table.low, table.high)
        )
        known = ~np.isnan(low[:, : values.shape[1]])
        assert known.any()
        assert (low[:, : values.shape[1]][known] < values[known]).all()
        assert (values[known] < high[:, : values.shape[1]][known]).all()


def test_what_is_fixed_is_refused_with_the_reason(store: Store) -> None:
    for name, why in {
        "real-sources": "areas and false positive rates",
        "protocol": "the protocol says which",
        "lgrad-3": "the paper says which",
    }.items():
        with pytest.raises(BenchError, match=f"table '{name}' is of no other metric.*{why}"):
            tables.make(name, [store], metrics=["auroc"])
    own = TableKind("own", "a table of others", lambda cells: tables.make("cells", [store]))
    with pytest.raises(BenchError, match="table 'own' is of no other metric"):
        tables.make(own, [store], metrics=["auroc"])
    with pytest.raises(BenchError, match="table 'windows' is of one metric, not 2"):
        tables.make("windows", [store], metrics=["auroc", "ap"])


def test_a_table_of_others_gets_the_metrics_that_are_chosen(store: Store, tmp_path: Path) -> None:
    (tmp_path / "best.py").write_text(
        "from forenbench.tables.table import Table\n"
        "from forenbench.tables.table_kinds import TableKind\n"
        "def lay_out(cells, metrics=('acc',)):\n"
        "    return Table('best', 'Best', 100 * cells.groupby('detector')[list(metrics)].max(), ())\n"
        "BEST = TableKind('best', 'the best of each', lay_out, takes_metrics=True)\n"
    )
    file = str(tmp_path / "best.py")
    assert list(tables.make(file, [store]).frame) == ["acc"]
    assert list(tables.make(file, [store], metrics=["auroc", "eer"]).frame) == ["auroc", "eer"]


def test_an_unknown_metric_is_refused_with_near_ones(store: Store) -> None:
    with pytest.raises(BenchError, match="unknown metric 'AUROC': did you mean auroc"):
        tables.make("acc-ap", [store], metrics=["AUROC"])
    with pytest.raises(BenchError, match="no cell has metric 'fitted_acc': 'bench calibrate --on RUN'"):
        tables.make("acc-ap", [store], metrics=["fitted_acc"])


def test_comparisons_take_what_keeps_resamples(store: Store) -> None:
    table = compare([store], metrics=["bacc"])
    assert set(table.frame.index.get_level_values("metric")) == {"Bal. acc."}
    with pytest.raises(
        BenchError, match=r"metric 'eer' keeps no resamples to compare.*acc, ap, auroc, bacc do"
    ):
        compare([store], metrics=["eer"])


def test_no_two_metrics_have_one_label() -> None:
    """Else two columns of a table could not be told apart."""
    labels = [row.label for row in METRICS.values()]
    assert len(set(labels)) == len(labels)
