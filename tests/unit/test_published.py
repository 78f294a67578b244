"""Published numbers: transcribed whole, consistent with each other, and every printed mean recomputed."""

from __future__ import annotations

import csv
from decimal import Decimal
from importlib.resources import files
from itertools import groupby

import pytest

from forenbench.tables.papers import paper_tables
from forenbench.tables.published import misprinted, published, published_table

Lines = list[dict[str, str]]
FOLDER = files("forenbench.results") / "published"
TABLES = sorted(file.name.removesuffix(".csv") for file in FOLDER.iterdir() if file.name.endswith(".csv"))
MEANS = ("Mean", "Total", "mAP")


def lines_of(name: str) -> Lines:
    return list(csv.DictReader((FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()))


def mean_of(numbers: list[str]) -> Decimal:
    return sum(map(Decimal, numbers), Decimal()) / len(numbers)


def number_columns(lines: Lines) -> list[str]:
    """Name the columns of percentages: those after the labels, before the source."""
    labels = ("Method", "Methods", "Input", "#class", "Num. of Train. data", "Trans. Models", "Trans. Model")
    labels += ("Perturbed", "Test-category", "Variant", "Testset", "Augmentation", "Classes")
    return [name for name in lines[0] if name not in (*labels, "source")]


def metric_of(column: str) -> str:
    return next((suffix for suffix in ("Acc.", "A.P.") if column.endswith(suffix)), "")


def printed_means(name: str) -> list[tuple[str, str, str, list[str]]]:
    """List (row, column, printed mean, the numbers below it) of a file, where all of them are at hand."""
    lines = lines_of(name)
    if name == "lgrad-2":
        single, mean = lines[:-1], lines[-1]
        columns = number_columns(lines)
        return [("Mean", column, mean[column], [line[column] for line in single]) for column in columns]
    found = []
    for column in (c for c in lines[0] if c.startswith(MEANS)):
        others = [c for c in number_columns(lines) if not c.startswith(MEANS)]
        same = [c for c in others if metric_of(c) == metric_of(column)]
        for line in lines:
            label = " ".join(
                value for key, value in line.items() if key not in [*number_columns(lines), "source"]
            )
            if line[column] and all(line[c] for c in same):
                found.append((label, column, line[column], [line[c] for c in same]))
    return found


WITH_MEANS = {name: len(printed_means(name)) for name in TABLES if name not in ("misprinted", "in-text")}


def test_every_file_with_means_is_checked() -> None:
    assert {name: number for name, number in WITH_MEANS.items() if number} == {
        "aigcdetectbenchmark": 3,
        "cnndetection": 9,
        "lgrad-2": 6,
        "lgrad-3": 42,
        "lgrad-4": 12,
        "lgrad-5": 24,
        "lgrad-6": 12,
        "reevaluations-2class": 12,
        "reevaluations-4class": 20,
        "univfd-acc": 5,
        "univfd-ap": 1,
    }


def test_printed_means_are_the_means_of_their_rows_but_for_the_listed_ones() -> None:
    """A mean holds if it is within half a unit of its last decimal, in exact arithmetic."""
    wrong = []
    for name in WITH_MEANS:
        for row, column, printed, numbers in printed_means(name):
            exact, unit = mean_of(numbers), Decimal(1).scaleb(-len(printed.partition(".")[2]))
            if abs(exact - Decimal(printed)) > unit / 2:
                recomputed = str(exact.quantize(Decimal("0.0001")))
                wrong.append((name, row, column, printed, recomputed))
    assert wrong == [tuple(line.values()) for line in misprinted()]


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
    assert frame.min(axis=None) >= 40
    assert frame.max(axis=None) <= 100


@pytest.mark.parametrize("name", [name for name in paper_tables() if not name.startswith("univfd")])
def test_numbers_have_the_printed_decimals(name: str) -> None:
    """The slides that print UnivFD's tables drop trailing zeros; the others do not."""
    table = paper_tables()[name]
    columns = [" ".join(filter(None, column.label)) for column in table.columns]
    places = {len(line[c].partition(".")[2]) for line in lines_of(name) for c in columns}
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


@pytest.mark.parametrize("classes", ["2", "4"])
def test_later_papers_quote_lgrads_table_3(classes: str) -> None:
    """NPR and FatFormer took over its rows."""
    frame = published(paper_tables()["lgrad-3"])
    differing, rows_compared = [], 0
    for line in lines_of(f"reevaluations-{classes}class"):
        name = "LGrad (StyleGAN-bedroom)" if line["Method"] == "LGrad" else line["Method"]
        rows = [label for label in frame.index if label[0].partition(" [")[0] == name and label[2] == classes]
        rows_compared += len(rows)
        for label in rows:
            columns = [" ".join(column) for column in frame.columns]
            values = zip(columns, frame.loc[label], strict=True)
            differing += [(name, column) for column, value in values if float(line[column]) != value]
    assert rows_compared == 6
    assert differing == []


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
    (line,) = [line for line in lines_of("aigcdetectbenchmark") if line["Method"] == "CNNSpot"]
    for name in ("ProGAN", "StyleGAN", "BigGAN", "CycleGAN", "StarGAN", "GauGAN", "StyleGAN2"):
        assert float(line[f"{name} Acc."]) == pytest.approx(readme[name], abs=0.0501)
    assert float(line["WFIR Acc."]) == pytest.approx(readme["Whichfaceisreal"], abs=0.0501)


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
        assert abs(mean_of([real[name], fake[name]]) - Decimal(average[name])) <= Decimal("0.005")
        assert chance[name] == "50.00"


def test_a_published_table_says_where_its_numbers_are_from_and_which_are_wrong() -> None:
    made = published_table(paper_tables()["univfd-ap"])
    assert made.frame.loc["LC", ("LDM", "200 steps")] == 99.14
    assert "Total mAP of LC is printed 93.38; the mean of its row is 93.3900." in made.notes
    assert any("quoted from memory" in note and "LC" in note for note in made.notes)
