"""Published numbers: transcribed whole, consistent with each other, and every printed mean recomputed."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import groupby, product
from typing import NamedTuple

import pytest
from printed_papers import FIRST_PAPERS

from forenbench.tables.paper import Heading
from forenbench.tables.papers import paper_tables
from forenbench.tables.published import misprinted, published, published_table

Lines = list[dict[str, str]]
FOLDER = files("forenbench.results") / "published"


def lines_of(name: str) -> Lines:
    return list(csv.DictReader((FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()))


def words(line: Heading) -> str:
    return " ".join(filter(None, line.label))


def mean_of(numbers: Sequence[Decimal]) -> Decimal:
    return sum(numbers, Decimal()) / len(numbers)


def deviation_of(numbers: Sequence[Decimal]) -> Decimal:
    """Compute that of a sample: the sum of squares is divided by one less than there are numbers."""
    mean = mean_of(numbers)
    return (sum(((one - mean) ** 2 for one in numbers), Decimal()) / (len(numbers) - 1)).sqrt()


TAKES = {"mean": (mean_of, "mean"), "sd": (deviation_of, "deviation"), "min": (min, "minimum")}


class Total(NamedTuple):
    """A printed number that is made of others, which are None where they are not at hand."""

    table: str
    row: str
    column: str
    take: str
    printed: str
    numbers: list[Decimal | None]
    what: str

    def recomputed(self) -> Decimal:
        return TAKES[self.take][0]([number for number in self.numbers if number is not None])


@cache
def in_print(name: str) -> dict[tuple[str, str], Decimal]:
    """Read a table's numbers by row and column."""
    table = paper_tables()[name]
    texts = {
        (words(row), words(column)): line[words(column)]
        for row, line in zip(table.rows, lines_of(name), strict=True)
        for column in table.columns
    }
    return {place: Decimal(text) for place, text in texts.items() if text}


def entry(name: str, row: str, place: Mapping[str, str], metric: str) -> Decimal | None:
    """Find the printed number of one cell; balanced accuracy where only those of both labels are printed."""
    numbers = in_print(name)
    columns = {
        (one.cell.get("dataset"), one.cell.get("testset"), one.cell.get("metric")): numbers.get(
            (row, words(one))
        )
        for one in paper_tables()[name].columns
        if not one.take
    }
    if (found := columns.get((place["dataset"], place["testset"], metric))) is not None or metric != "bacc":
        return found
    fake = columns.get((place["dataset"], place["testset"], "fake_acc"))
    real = next((number for (_, _, kind), number in columns.items() if kind == "real_acc"), None)
    return None if real is None or fake is None else (real + fake) / 2


def totals(name: str) -> Iterator[Total]:
    """List what a table prints of other numbers, its own or those of the table that has them one by one."""
    table, numbers, lines = paper_tables()[name], in_print(name), lines_of(name)
    described = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["columns"]
    for (r, row), (c, column) in product(enumerate(table.rows), enumerate(table.columns)):
        printed, take = lines[r][words(column)], column.take or row.take
        if not take or not printed:
            continue
        line, elsewhere = "row", ""
        if row.sums_up and not column.sums_up:
            line = "column"
            behind = [numbers.get((words(one), words(column))) for one in table.rows if not one.sums_up]
        elif column.over:
            of = described[c].get("of", name)
            elsewhere = "" if of == name else f" in table {of}"
            behind = [entry(of, words(row), place, column.cell["metric"]) for place in column.over]
        else:
            same = [one for one in table.columns if not one.sums_up and one.take != "sd"]
            if "metric" in column.cell:
                same = [one for one in same if one.cell["metric"] == column.cell["metric"]]
            same = [one for one in same if column.among in ("", one.label[0])]
            behind = [numbers.get((words(row), words(one))) for one in same]
        what = f"the {TAKES[take][1]} of its {line}{elsewhere}"
        yield Total(name, words(row), words(column), take, printed, behind, what)


TOTALS = [total for name in sorted(paper_tables()) for total in totals(name)]


def test_every_printed_total_is_recomputed_but_where_its_numbers_are_not_in_print() -> None:
    """Some of UnivFD's columns and of AIGIBench's logs, and REM's own row, are not at hand one by one."""
    without = Counter(total.table for total in TOTALS if None in total.numbers)
    assert without == {"aigibench-board": 52, "rem": 18, "univfd-acc": 3, "univfd-ap": 7}
    assert len(TOTALS) - without.total() == 939


def test_printed_totals_are_those_of_their_numbers_but_for_the_listed_ones() -> None:
    """One holds if it is within half a unit of its last decimal, in exact arithmetic."""
    wrong = []
    for total in TOTALS:
        if None not in total.numbers:
            exact, unit = total.recomputed(), Decimal(1).scaleb(-len(total.printed.partition(".")[2]))
            if abs(exact - Decimal(total.printed)) > unit / 2:
                recomputed = str(exact.quantize(Decimal("0.0001")))
                wrong.append((*total[:3], total.printed, recomputed, total.what))
    listed = [tuple(line.values()) for line in misprinted() if re.match("the .* of its", line["what"])]
    assert sorted(wrong) == sorted(listed)


def test_numbers_in_print_twice_are_listed_as_both_prints_have_them() -> None:
    for line in misprinted():
        if line["what"] != "the mean of the recomputed set means":
            assert str(in_print(line["table"])[line["row"], line["column"]]) == line["printed"], line
        if other := re.fullmatch("in table (.*)", line["what"]):
            values = [str(value) for (row, _), value in in_print(other[1]).items() if row == line["row"]]
            assert line["recomputed"] in values, line
    shared = [line for line in misprinted() if line["what"] == "in table dda-aigcdetect"]
    assert {line["row"] for line in shared} == {"FatFormer", "AIDE", "DRCT", "AlignedForensics"}


def test_ddas_averages_of_recomputed_set_means_are_the_listed_ones() -> None:
    numbers = in_print("dda-main")
    means = {
        (total.row, total.column): total.recomputed()
        for total in TOTALS
        if total.table == "dda-main" and total.take == "mean" and " in table " in total.what
    }
    wanted = {"SAFE": "47.3", "AIDE": "54.7", "DRCT": "69.9"}
    listed = {line["row"]: line["recomputed"] for line in misprinted() if line["what"].endswith("set means")}
    for row, corrected in wanted.items():
        sets = [column for name, column in numbers if name == row and column.endswith(" mean")]
        mean = mean_of(
            [means.get((row, column), numbers[row, column]) for column in sets if column[:4] != "Avg "]
        )
        assert f"{mean:.1f}" == f"{Decimal(listed[row]):.1f}" == corrected
    assert set(listed) == set(wanted)


def test_accuracies_of_the_board_lie_between_those_of_their_labels() -> None:
    """As many reals as fakes, nearly: where the mean of both is another number, the list says so."""
    listed = {line["row"]: line["recomputed"] for line in misprinted() if line["what"].startswith("half")}
    numbers = in_print("aigibench-board")
    for row in paper_tables()["aigibench-board"].rows:
        half = (numbers[words(row), "R.Acc."] + numbers[words(row), "F.Acc."]) / 2
        apart = abs(half - numbers[words(row), "Acc."]) > Decimal("0.15")
        assert listed.get(words(row)) == (f"{half:.2f}" if apart else None)


def test_means_of_a_file_without_a_layout_are_the_means_of_their_rows() -> None:
    for line in lines_of("reevaluations-2class"):
        for metric in ("Acc.", "A.P."):
            columns = [name for name in line if name.endswith(metric) and not name.startswith("Mean")]
            if all(line[name] for name in columns):
                mean = mean_of([Decimal(line[name]) for name in columns])
                assert abs(mean - Decimal(line[f"Mean {metric}"])) <= Decimal("0.05")


def test_totals_over_sets_that_are_not_at_hand_are_possible() -> None:
    """The five missing numbers of a row must have a mean between 0 and 100."""
    for name in ("univfd-acc", "univfd-ap"):
        frame = published(paper_tables()[name])
        total = frame.iloc[:, -1] * 19 - frame.iloc[:, :-1].sum(axis=1)
        missing = frame.iloc[:, :-1].isna().sum(axis=1)
        printed = frame.iloc[:, -1].notna()  # of the paper's other detectors few numbers are at hand
        assert set(missing[printed]) == {0, 5}
        assert (total[printed & (missing == 5)] / 5).between(0, 100).all()


@pytest.mark.parametrize("name", sorted(paper_tables()))
def test_the_numbers_fit_the_layout(name: str) -> None:
    table, lines = paper_tables()[name], lines_of(name)
    columns = [" ".join(filter(None, column.label)) for column in table.columns]
    assert list(lines[0]) == [*table.index, *columns, "source"]
    assert [tuple(line[head] for head in table.index) for line in lines] == [row.label for row in table.rows]
    assert all(line["source"] for line in lines)
    frame = published(table)
    assert frame.isna().to_numpy().sum() == sum(not line[column] for line in lines for column in columns)
    assert frame.min(axis=None) >= (40 if name in FIRST_PAPERS else 0)
    assert frame.max(axis=None) <= 100


UNEVEN = ("univfd-", "npr-aigcdetect", "effort-univfd", "drct-1", "graydove-")


@pytest.mark.parametrize("name", [name for name in paper_tables() if not name.startswith(UNEVEN)])
def test_numbers_have_the_printed_decimals(name: str) -> None:
    """Where rows are quoted, or typed by hand, some have fewer than others; elsewhere none has."""
    table = paper_tables()[name]
    columns = [" ".join(filter(None, column.label)) for column in table.columns]
    places = {len(line[c].partition(".")[2]) for line in lines_of(name) for c in columns if line[c]}
    assert places == {table.decimals}


def test_tables_that_print_the_same_row_agree() -> None:
    three, four, five, six = (published(paper_tables()[f"lgrad-{n}"]) for n in (3, 4, 5, 6))
    horse = three.loc[("LGrad (StyleGAN-bedroom)", "Grad", "1")].tolist()
    for frame, row in ((four, "No"), (five, "StyleGAN-bedroom [22]"), (six, ("LGrad", "36k"))):
        assert frame.loc[row].tolist() == horse
    assert (
        five.loc["ProGAN-bedroom [21]"].tolist()
        == three.loc[("LGrad (ProGAN-bedroom)", "Grad", "1")].tolist()
    )
    two = three.loc[("LGrad (StyleGAN-bedroom)", "Grad", "2")].tolist()
    assert six.loc[("LGrad", "72k")].tolist() == two
    assert six.loc[("FrePGAN [19]", "36k")].tolist() == three.loc[("FrePGAN [19]", "Image", "1")].tolist()


@pytest.mark.parametrize(
    ("name", "classes", "apart"),
    [
        ("reevaluations-2class", "2", []),
        ("npr-forensynths", "4", []),
        ("fatformer-gans", "4", [("LGrad (StyleGAN-bedroom)", "StyleGAN2 A.P.")]),
    ],
)
def test_later_papers_quote_lgrads_table_3(name: str, classes: str, apart: list[tuple[str, str]]) -> None:
    """NPR and FatFormer took over its rows; one number differs, and is listed."""
    frame = published(paper_tables()["lgrad-3"])
    differing, rows_compared = [], 0
    for line in lines_of(name):
        method = {"LGrad": "LGrad (StyleGAN-bedroom)", "CNNDetection": "Wang"}.get(
            line["Method"], line["Method"]
        )
        rows = [
            label for label in frame.index if (label[0].partition(" [")[0], label[2]) == (method, classes)
        ]
        rows_compared += len(rows)
        for label in rows:
            columns = [" ".join(column) for column in frame.columns]
            values = zip(columns, frame.loc[label], strict=True)
            differing += [(method, column) for column, value in values if float(line[column]) != value]
    assert rows_compared == 6
    assert differing == apart


def test_the_models_of_the_readme_are_those_of_the_main_table() -> None:
    readme, paper = (published(paper_tables()[name]) for name in ("cnndetection-readme", "cnndetection"))
    for p in ("0.5", "0.1"):
        row = paper.loc[f"Blur+JPEG ({p})"]
        for testset, value in row.drop("mAP").items():
            name = "Deepfake" if testset == "DeepFake" else str(testset)
            assert readme.loc[name, (f"Blur+JPEG({p})", "AP (224)")] == value


def test_the_official_log_rounds_to_the_readme() -> None:
    """Of the multi-class sets the log holds one class only, so those are left aside."""
    readme = published(paper_tables()["cnndetection-readme"])["Blur+JPEG(0.5)"]
    names = {name.lower(): name for name in readme.index} | {"seeingdark": "SITD"}
    lines = [line for line in lines_of("cnndetection-log") if not line["class"]]
    assert len(lines) == 9
    for line in lines:
        for metric, log, column in (
            ("AP", "crop 224", "224"),
            ("Acc", "crop 224", "224"),
            ("AP", "full image", "No crop"),
            ("Acc", "full image", "No crop"),
        ):
            printed = readme.loc[names[line["testset"]], f"{metric} ({column})"]
            assert float(line[f"{log} {metric}"]) == pytest.approx(printed, abs=0.0501)


def test_cnnspot_of_the_aigc_benchmark_is_the_readmes_uncropped_model() -> None:
    readme = published(paper_tables()["cnndetection-readme"])["Blur+JPEG(0.1)", "Acc (No crop)"]
    (line,) = [line for line in lines_of("npr-aigcdetect") if line["Method"] == "CNNSpot"]
    printed = {name.lower(): text for name, text in line.items()}
    for name in ("ProGAN", "StyleGAN", "BigGAN", "CycleGAN", "StarGAN", "GauGAN", "StyleGAN2"):
        assert float(printed[name.lower()]) == pytest.approx(readme[name], abs=0.0501)
    assert float(line["WFIR"]) == pytest.approx(readme["Whichfaceisreal"], abs=0.0501)


def test_accuracies_of_the_log_are_those_of_its_labels() -> None:
    for line in lines_of("cnndetection-log"):
        real, fake = int(line["real images"]), int(line["fake images"])
        for protocol in ("full image", "crop 224"):
            right = real * float(line[f"{protocol} Acc(real)"]) + fake * float(line[f"{protocol} Acc(fake)"])
            assert float(line[f"{protocol} Acc"]) == pytest.approx(right / (real + fake), abs=0.0101)


def test_numbers_in_the_text_follow_from_the_tables() -> None:
    frame = published(paper_tables()["lgrad-3"])
    told = {
        key: [float(line["percent"]) for line in lines]
        for key, lines in groupby(lines_of("in-text"), lambda line: line["what"])
    }
    lgrad, earlier = ("LGrad (StyleGAN-bedroom)", "Grad"), frame.loc[("FrePGAN [19]", "Image", "1")]
    horse = frame.loc[(*lgrad, "1")]
    eight = "on the eight sets of Table 3"
    six = "on six GANs (without ProGAN and Deepfake)"
    for metric in ("Acc.", "A.P."):
        gain = horse["Mean", metric] - earlier["Mean", metric]
        assert told[f"mean {metric} gain over FrePGAN {eight}"] == pytest.approx([gain])
    gans = [
        horse[name, "Acc."] for name in ("StyleGAN", "StyleGAN2", "BigGAN", "CycleGAN", "StarGAN", "GauGAN")
    ]
    (ours,), (theirs,) = (
        told[f"{name}, mean Acc. {six}"] for name in ("LGrad (StyleGAN-bedroom)", "FingerprintNet")
    )
    assert ours == pytest.approx(sum(gans) / 6)
    assert told[f"mean Acc. gain over FingerprintNet {six}"] == pytest.approx([ours - theirs])
    means = [frame.loc[(*lgrad, k), ("Mean", "Acc.")] for k in "124"]
    high = told[f"high-frequency components, mean Acc. {eight}"]
    gains = [a - b for a, b in zip(means, high, strict=True)]
    assert told["mean Acc. gain over high-frequency components"] == pytest.approx(gains)
    style = frame["StyleGAN", "Acc."]
    rivals = [("FrePGAN [19]", "Image", "1"), ("FrePGAN", "Image", "2"), ("FrePGAN [19]", "Image", "4")]
    gains = [style[(*lgrad, rival[2])] - style[rival] for rival in rivals]
    assert told["Acc. gain over FrePGAN on StyleGAN"] == pytest.approx(gains)


def test_averages_of_real_and_fake_accuracy_hold() -> None:
    real, fake, average, chance = lines_of("univfd-realfake")
    for name in ("CycleGAN", "GauGAN", "LDM", "Guided", "DALL-E"):
        half = mean_of([Decimal(real[name]), Decimal(fake[name])])
        assert abs(half - Decimal(average[name])) <= Decimal("0.005")
        assert chance[name] == "50.00"


def test_a_published_table_says_where_its_numbers_are_from_and_which_are_wrong() -> None:
    made = published_table(paper_tables()["univfd-ap"])
    assert made.frame.loc["LC", ("LDM", "200 steps")] == 99.14
    assert "Total mAP of LC is printed 93.38; the mean of its row: 93.3900." in made.notes
    assert any("quoted from memory" in note and "LC" in note for note in made.notes)
