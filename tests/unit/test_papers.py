"""The papers' tables: printed layouts, the cells they need, and measured numbers in the right places."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from printed_papers import FIRST_PAPERS
from stored_cells import ONE_WRONG, PERFECT, add, with_wrong_reals

from forenbench import tables
from forenbench.data.descriptions import specs
from forenbench.data.protocols import protocols
from forenbench.errors import BenchError
from forenbench.perturbations import parse
from forenbench.plugins.installed import find, installed
from forenbench.records.store import Store
from forenbench.tables.papers import (
    CELL_AND_CLASS,
    TAKES,
    PaperTable,
    folder,
    lay_out,
    paper_tables,
)
from forenbench.tables.published import against_published, published
from forenbench.tables.rendering import STYLES, render
from forenbench.tables.table import Table

LATER = sorted(set(paper_tables()) - set(FIRST_PAPERS))
EIGHT = ["ProGAN", "StyleGAN", "StyleGAN2", "BigGAN", "CycleGAN", "StarGAN", "GauGAN", "Deepfake"]
HORSE = "lgrad:stylegan-bedroom-1class"


def run_all(table: PaperTable, root: Path) -> Store:
    """Store every cell a table needs, cell i with i % 9 of ten reals wrong."""
    store = Store(root)
    for i, (detector, dataset, testset, perturbation) in enumerate(needed(table)):
        labels, scores = with_wrong_reals(i % 9)
        options = {"dataset": dataset, "perturbation": perturbation, "kind": "published"}
        add(store, detector, testset, scores, labels, place=i, **options)
    return store


def needed(table: PaperTable) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(tuple(cell[name] for name in CELL_AND_CLASS[:4]) for cell in table.cells()))


def accuracy(i: int) -> float:
    return 100 * (20 - i % 9) / 20


def precision(i: int) -> float:
    return 100 * 10 / (10 + i % 9)


@pytest.fixture(scope="module")
def lgrad_3(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return tables.measure([run_all(paper_tables()["lgrad-3"], tmp_path_factory.mktemp("lgrad-3"))])


@pytest.fixture(scope="module")
def univfd(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return tables.measure([run_all(paper_tables()["univfd-acc"], tmp_path_factory.mktemp("univfd"))])


def laid_out(name: str, store: Store, protocol: str | None = None) -> Table:
    table = paper_tables()[name]
    return lay_out(table, tables.measure([store], by_class=table.by_class), protocol)


def test_all_tables_of_the_first_papers_are_there() -> None:
    assert set(FIRST_PAPERS) < set(paper_tables())


@pytest.mark.parametrize("name", paper_tables())
def test_descriptions_hang_together(name: str) -> None:
    table = paper_tables()[name]
    for lines, heads in ((table.rows, table.index), (table.columns, table.header)):
        labels = [line.label for line in lines]
        assert len(set(labels)) == len(labels)
        assert {len(label) for label in labels} == {len(heads)}
        assert {line.take for line in lines} <= {"", *TAKES}
        assert not [line.label for line in lines if line.over and not line.take]
    metrics = {column.cell["metric"] for column in table.columns if not column.sums_up}
    assert metrics <= {"acc", "bacc", "real_acc", "fake_acc", "ap", "auroc"}
    assert {key for cell in table.cells() for key in cell} <= {*CELL_AND_CLASS, "metric"}
    # What a column is said to be over, or to sum up, exists: else it would be blank without a word.
    described = tomllib.loads((folder() / f"{name}.toml").read_text(encoding="utf-8"))["columns"]
    assert sum(bool(column.over) for column in table.columns) == sum(
        "of" in entry or "testsets" in entry for entry in described
    )
    assert all(table.summed_up(column) for column in table.columns if column.sums_up)


@pytest.mark.parametrize("name", paper_tables())
def test_a_table_needs_every_detector_on_every_test_set_under_every_perturbation(name: str) -> None:
    """So that one run of all of them is exactly what the table lacks."""
    table = paper_tables()[name]
    places = [(dataset, each) for dataset, testsets in table.testsets().items() for each in testsets]
    product = {
        (detector, *place, perturbation)
        for detector in table.detectors()
        for place in places
        for perturbation in table.perturbations()
    }
    assert set(needed(table)) == product


@pytest.mark.parametrize("name", paper_tables())
def test_what_a_table_needs_exists(name: str) -> None:
    table = paper_tables()[name]
    variants = {f"{found.name}:{variant}" for found in installed() for variant in found.variants("published")}
    assert set(table.detectors()) <= variants
    for dataset, testsets in table.testsets().items():
        assert set(testsets) <= set(specs()[dataset].testsets), dataset
    assert table.protocol in ("", *protocols())
    assert [parse(name).name for name in table.perturbations()] == table.perturbations()


def images(dataset: str, testset: str) -> int:
    """Count the published images of a test set, those that it shares included."""
    spec = specs()[dataset]
    reals = {source for source, testsets in spec.reals.items() if testset in testsets}
    return sum(n for place, n in spec.counts.items() if place.generator in {testset, *reals})


@pytest.mark.slow
def test_the_document_counts_images_networks_and_what_nobody_published() -> None:
    page = (Path(__file__).parents[2] / "docs/reproducing.md").read_text(encoding="utf-8")
    stated = {}
    for names, numbers in re.findall(r"^\| [^|]+ \| (`[^|]+) \| ([^|]+) \|", page, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", names)[:1]:
            stated[name] = re.sub(r" perturbations", "", numbers)
    assert len(stated) == 9
    for name, numbers in stated.items():
        table = paper_tables()[name]
        total = sum(images(dataset, one) for dataset, some in table.testsets().items() for one in some)
        networks = [detector.partition(":")[::2] for detector in table.detectors()]
        own = [any(one.command for one in find(plugin).plugin.needs[variant]) for plugin, variant in networks]
        times = max(len(networks), len(table.perturbations()))
        assert numbers == f"{total:,} × {times} ({sum(own)})", name


@pytest.mark.slow
def test_lgrad_3_has_the_printed_rows_and_columns(lgrad_3: pd.DataFrame) -> None:
    frame = lay_out(paper_tables()["lgrad-3"], lgrad_3).frame
    assert frame.columns.tolist() == [(name, pair) for name in [*EIGHT, "Mean"] for pair in ("Acc.", "A.P.")]
    assert frame.columns.names == ["Test Models", ""]
    assert frame.index.names == ["Methods", "Input", "#class"]
    methods = ["Wang [42]", "Frank [12]", "Durall [11]", "BiHPF [18]", "FrePGAN [19]"]
    methods += ["LGrad (ProGAN-bedroom)", "LGrad (StyleGAN-bedroom)"]
    inputs = ["Image", "Freq", "Freq", "Freq", "Image", "Grad", "Grad"]
    rows = [(m, i, k) for k in "124" for m, i in zip(methods, inputs, strict=True)]
    rows[11] = ("FrePGAN", "Image", "2")  # printed without its reference
    assert frame.index.tolist() == rows


def test_every_number_lands_in_its_place(lgrad_3: pd.DataFrame) -> None:
    """The rows have eight cells each: row r, column c is cell 8 r + c."""
    frame = lay_out(paper_tables()["lgrad-3"], lgrad_3).frame
    assert len(frame) == 21
    for r in range(21):
        accs, aps = ([each(8 * r + c) for c in range(8)] for each in (accuracy, precision))
        expected = [value for pair in zip(accs, aps, strict=True) for value in pair]
        assert frame.iloc[r].tolist() == pytest.approx([*expected, sum(accs) / 8, sum(aps) / 8])


def test_a_cell_that_was_not_run_is_blank_and_so_are_its_means(lgrad_3: pd.DataFrame) -> None:
    made = lay_out(paper_tables()["lgrad-3"], lgrad_3.drop(index=2))
    row = made.frame.loc[("Wang [42]", "Image", "1")]
    blank = [("StyleGAN2", "Acc."), ("StyleGAN2", "A.P."), ("Mean", "Acc."), ("Mean", "A.P.")]
    assert row[row.isna()].index.tolist() == blank
    assert any(note.startswith("Blank: 1 of 168 cells were not run") for note in made.notes)
    assert any("--experiment lgrad-3" in note for note in made.notes)


@pytest.mark.parametrize("name", FIRST_PAPERS)
def test_every_row_in_print_is_one_that_an_experiment_fills(name: str) -> None:
    """Also those of methods that nobody published code of."""
    table = paper_tables()[name]
    assert [row.label for row in table.rows if not row.sums_up and "detector" not in row.cell] == [] or all(
        "detector" in column.cell for column in table.columns if not column.sums_up
    )
    shown = {row.label for row in table.rows}
    assert len(shown) == len(table.rows)
    for detector in table.detectors():
        plugin, _, variant = detector.partition(":")
        assert variant in find(plugin).variants("published"), detector


def test_classes_are_rows_of_lgrad_2_with_a_mean_below(tmp_path: Path) -> None:
    table, store = paper_tables()["lgrad-2"], Store(tmp_path)
    names = [row.label[0] for row in table.rows if not row.sums_up]
    assert len(names) == 20
    for place, detector in enumerate(table.detectors()):
        labels, scores, classes = [], [], []
        for i, name in enumerate(sorted(names, reverse=True)):
            more_labels, more_scores = with_wrong_reals((i + place) % 9)
            labels += more_labels
            scores += more_scores
            classes += [name] * 20
        options = {"dataset": "forensynths-train", "classes": classes, "kind": "published"}
        add(store, detector, "progan", scores, labels, place=place, **options)
    frame = laid_out("lgrad-2", store).frame
    assert frame.index.tolist() == [*sorted(names), "Mean"]
    transformed = ["CLIP Trans.", "Bedroom Trans.", "Bridge Trans."]
    assert frame.columns.tolist() == [(name, pair) for name in transformed for pair in ("ACC", "AP")]
    for place, name in enumerate(transformed):
        ranks = [19 - i + place for i in range(20)]
        accs = [accuracy(rank % 9) for rank in ranks]
        assert frame[name, "ACC"].tolist() == pytest.approx([*accs, sum(accs) / 20])
        assert frame.loc["airplane", (name, "AP")] == pytest.approx(precision(ranks[0] % 9))


@pytest.mark.slow
def test_perturbations_are_rows_of_lgrad_4(tmp_path: Path) -> None:
    table = paper_tables()["lgrad-4"]
    assert table.detectors() == [HORSE]
    frame = laid_out("lgrad-4", run_all(table, tmp_path)).frame
    assert frame.index.tolist() == ["No", "blur", "cropping", "jpeg", "noise", "combined"]
    assert frame["StyleGAN", "Acc."].tolist() == [accuracy(8 * r + 1) for r in range(6)]


def test_test_sets_are_rows_and_models_columns_of_the_readme(tmp_path: Path) -> None:
    table = paper_tables()["cnndetection-readme"]
    frame = laid_out("cnndetection-readme", run_all(table, tmp_path)).frame
    assert frame.shape == (13, 8)
    assert table.detectors()[1] == "cnndetection:blur_jpg_prob0.5-full"
    stylegan = [accuracy(4), precision(4), accuracy(5), precision(5), accuracy(6), precision(6)]
    assert frame.loc["StyleGAN"].tolist()[:6] == pytest.approx(stylegan)


@pytest.mark.slow
@pytest.mark.slow
def test_univfd_totals_are_over_nineteen_sets_of_two_datasets(univfd: pd.DataFrame) -> None:
    table = paper_tables()["univfd-acc"]
    assert {name: len(sets) for name, sets in table.testsets().items()} == {
        "forensynths": 11,
        "univfd-diffusion": 8,
    }
    made = lay_out(table, univfd)
    assert made.decimals == 2
    assert made.frame.loc["LC", ("Total", "Avg. acc")] == pytest.approx(
        sum(accuracy(11 * 19 + c) for c in range(19)) / 19
    )


def test_small_shipped_weights_never_stand_in_a_papers_table(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, HORSE, "progan", PERFECT, dataset="forensynths")
    with pytest.raises(BenchError, match=r"no cell of table 'lgrad-5'.*--experiment lgrad-5"):
        laid_out("lgrad-5", store)


def test_other_weights_than_the_published_ones_are_named_in_every_format(tmp_path: Path) -> None:
    """Of a detector that was run with two kinds, the published one alone is shown."""
    mine, theirs = Store(tmp_path / "a"), Store(tmp_path / "b")
    add(mine, HORSE, "progan", ONE_WRONG, dataset="forensynths", kind="own")
    table, cells = paper_tables()["lgrad-5"], tables.measure([mine])
    own = lay_out(table, cells)
    beside = against_published(table, own)
    assert own.frame.loc["StyleGAN-bedroom [22] (own)", ("ProGAN", "Acc.")] == 50
    assert beside.frame.loc["StyleGAN-bedroom [22] (own)", ("ProGAN", "Acc.", "difference")] < 0
    assert all("[22] (own)" in render(one, style) for one in (own, beside) for style in STYLES)
    add(theirs, HORSE, "stylegan", PERFECT, dataset="forensynths", kind="published")
    both = lay_out(table, tables.measure([mine, theirs])).frame
    assert both.loc["StyleGAN-bedroom [22]"].dropna().index.tolist() == [
        ("StyleGAN", "Acc."),
        ("StyleGAN", "A.P."),
    ]
    add(mine, "cnndetection:blur_jpg_prob0.1", "progan", PERFECT, dataset="forensynths", kind="unverified")
    readme = laid_out("cnndetection-readme", mine).frame
    assert ("Blur+JPEG(0.1) (unverified)", "Acc (224)") in readme.columns


def test_a_table_rests_on_one_protocol_and_names_it(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "a"), Store(tmp_path / "b")
    add(store, HORSE, "progan", PERFECT, dataset="forensynths", kind="published", protocol="lgrad-official")
    assert any(
        "protocol lgrad-official: forensynths/progan 2/2" in n for n in laid_out("lgrad-5", store).notes
    )
    add(other, HORSE, "stylegan", ONE_WRONG, dataset="forensynths", kind="published")
    cells = tables.measure([store, other])
    made = lay_out(paper_tables()["lgrad-5"], cells)
    row = made.frame.loc["StyleGAN-bedroom [22]"].dropna()
    assert row.to_dict() == {("StyleGAN", "Acc."): 50, ("StyleGAN", "A.P."): pytest.approx(250 / 3)}
    assert any(note.startswith("Not shown: 1 cells under protocol lgrad-official") for note in made.notes)


def test_a_table_with_a_protocol_takes_a_limited_run_where_there_is_no_whole_one(tmp_path: Path) -> None:
    table = paper_tables()["dda-main"]
    cell = next(cell for cell in table.cells() if cell["dataset"] == "dda-coco")
    asked = {"dataset": cell["dataset"], "kind": "published"}
    limited, whole, other = (Store(tmp_path / name) for name in ("limited", "whole", "other"))
    for store, protocol in ((limited, "dda, limit 9"), (whole, "dda"), (other, "dda, limit 7")):
        add(store, cell["detector"], cell["testset"], PERFECT, protocol=protocol, **asked)
    add(limited, cell["detector"], "another", PERFECT, protocol="all", **asked)
    assert any("protocol dda, limit 9" in note for note in laid_out("dda-main", limited).notes)
    assert not any("limit" in note for note in lay_out(table, tables.measure([whole])).notes)
    both = lay_out(table, tables.measure([whole, limited]))
    assert any(note.startswith("Not shown: 1 cells under protocol dda, limit 9") for note in both.notes)
    with pytest.raises(BenchError, match="there is dda, limit 9, dda, limit 7"):
        lay_out(table, tables.measure([limited, other]))


def test_coverage_and_weights_are_in_the_notes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    options = {"dataset": "forensynths", "kind": "published"}
    add(store, HORSE, "progan", PERFECT, status="unreadable", **options)
    notes = laid_out("lgrad-5", store).notes
    assert any("forensynths/progan 3 of 4 (1 unreadable) by all." in note for note in notes)
    assert f"Weights of {HORSE} (published): head abcabcabcabc." in notes


def test_the_detector_behind_each_printed_row_or_column_is_named(tmp_path: Path) -> None:
    store, options = Store(tmp_path), {"dataset": "forensynths", "kind": "published"}
    add(store, HORSE, "progan", PERFECT, **options)
    add(store, "cnndetection:blur_jpg_prob0.1-full", "progan", PERFECT, **options)
    assert f"Measured: LGrad 36k = {HORSE}." in laid_out("lgrad-6", store).notes
    columns = "Blur+JPEG(0.1) Acc (No crop), Blur+JPEG(0.1) AP (No crop)"
    notes = laid_out("cnndetection-readme", store).notes
    assert f"Measured: {columns} = cnndetection:blur_jpg_prob0.1-full." in notes


def differences(frame: pd.DataFrame) -> Iterator[tuple[float, float, float]]:
    for c in range(0, frame.shape[1], 3):
        yield from frame.iloc[:, c : c + 3].itertuples(index=False, name=None)


def test_measured_published_and_difference_stand_side_by_side(tmp_path: Path) -> None:
    table = paper_tables()["lgrad-1"]
    made = laid_out("lgrad-1", run_all(table, tmp_path))
    beside = against_published(table, made)
    assert beside.frame.columns.tolist()[:4] == [
        ("ProGAN-CelebaHQ", "Acc.", "measured"),
        ("ProGAN-CelebaHQ", "Acc.", "published"),
        ("ProGAN-CelebaHQ", "Acc.", "difference"),
        ("ProGAN-CelebaHQ", "A.P.", "measured"),
    ]
    assert beside.frame.iloc[0, :3].tolist() == pytest.approx([100, 99.6, 0.4])
    triples = list(differences(beside.frame))
    assert len(triples) == 36
    for measured, printed, difference in triples:
        assert round(measured, 1) == measured
        assert difference == pytest.approx(measured - printed)
    sizes = [abs(difference) for *_, difference in triples]
    largest = max((difference for *_, difference in triples), key=abs)
    assert beside.notes[0].startswith(
        f"Compared: 36 numbers (means not counted), mean absolute difference {sum(sizes) / 36:.2f}, "
        f"largest {largest:+.1f} ("
    )


@pytest.mark.slow
def test_blanks_on_either_side_leave_the_difference_blank(univfd: pd.DataFrame) -> None:
    table = paper_tables()["univfd-ap"]
    made = lay_out(table, univfd.drop(index=0))
    beside = against_published(table, made)
    printed = published(table)
    both = int((made.frame.notna() & printed.notna()).iloc[:, :-1].to_numpy().sum())
    assert beside.notes[0].startswith(f"Compared: {both} numbers")
    row = beside.frame.loc["Blur+JPEG (0.1)"]
    gan = "Generative Adversarial Networks"
    assert pd.isna(row[gan, "Pro-GAN", "measured"])
    assert pd.isna(row[gan, "Pro-GAN", "difference"])
    assert pd.isna(row["Deepfakes", "", "published"])
    assert pd.isna(row["Deepfakes", "", "difference"])


@pytest.mark.slow
def test_cells_seen_in_training_and_their_means_are_marked(tmp_path: Path) -> None:
    """Also beside published numbers, which are not ours to mark."""
    table = paper_tables()["lgrad-3"]
    store = Store(tmp_path)
    some = needed(table)[: 3 * len(EIGHT)]  # three rows: no mark is in the others, which are blank
    for place, (detector, dataset, testset, perturbation) in enumerate(some):
        options = {"dataset": dataset, "perturbation": perturbation, "kind": "published"}
        add(store, detector, testset, PERFECT, place=place, trained_on=["ProGAN"], **options)
    measured = laid_out("lgrad-3", store)
    assert measured.marks is not None
    for column in measured.frame:
        seen = column[0] in ("ProGAN", "Mean")
        assert ((measured.marks[column] == "*") == (measured.frame[column].notna() & seen)).all(), column
    assert "generator or reals seen in training" in " ".join(measured.notes)
    beside = against_published(table, measured)
    assert beside.marks is not None
    assert {column for column in beside.frame if (beside.marks[column] != "").any()} == {
        (name, metric, kind)
        for name in ("ProGAN", "Mean")
        for metric in ("Acc.", "A.P.")
        for kind in ("measured", "difference")
    }


@pytest.mark.slow
def test_a_test_set_of_one_label_leaves_its_means_blank(tmp_path: Path) -> None:
    """A paper's mean is over all of its columns, and a true positive rate is no accuracy."""
    store = Store(tmp_path)
    one_row = needed(paper_tables()["lgrad-3"])[: len(EIGHT)]
    for place, (detector, dataset, testset, perturbation) in enumerate(one_row):
        options = {"dataset": dataset, "perturbation": perturbation, "kind": "published"}
        one_label = {"labels": [1] * 4} if testset == "biggan" else {}
        add(store, detector, testset, PERFECT, place=place, **one_label, **options)
    measured = laid_out("lgrad-3", store)
    assert measured.marks is not None
    row = measured.frame.index[measured.frame["StyleGAN", "Acc."] == 100][0]
    assert measured.frame.loc[row, ("BigGAN", "Acc.")] == 50
    assert measured.marks.loc[row, ("BigGAN", "Acc.")] == "‡"
    assert measured.frame.loc[row, ("Mean", "Acc.")] != measured.frame.loc[row, ("Mean", "Acc.")]
