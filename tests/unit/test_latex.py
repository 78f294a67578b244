"""Tables for papers: whole environments that compile, whatever a name is."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench import tables
from forenbench.errors import BenchError
from forenbench.printable import for_latex
from forenbench.records.store import Store
from forenbench.tables import leaderboard, measure
from forenbench.tables.pairs import compare
from forenbench.tables.papers import paper_tables
from forenbench.tables.published import published_table
from forenbench.tables.table import Table

HOSTILE = (r"a_b & c%$#{}~^\d", '[x]|<y>"z"', "*é×±σ--≤ “r” `s`")


def made(columns: dict[object, list[float]], names: list[str], **fields: object) -> Table:
    index = pd.Index(names, name="detector")
    return replace(Table("acc-ap", "50 % of it", pd.DataFrame(columns, index=index), ()), **fields)


def hostile(folder: Path) -> list[Table]:
    """Lay out every table of a run whose names LaTeX would obey."""
    store = Store(folder)
    for place, testset in enumerate(("biggan", HOSTILE[0])):
        for perturbation in ("none", "jpeg:96", "fake=jpeg:96"):
            for name, scores in zip(HOSTILE, (PERFECT, ONE_WRONG, ONE_WRONG), strict=True):
                status = "failed" if name == HOSTILE[1] else "ok"
                told = {"place": place, "perturbation": perturbation, "trained_on": ["biggan"]}
                add(store, name, testset, scores, status=status, sources=["r_1", "r_2", "", ""], **told)  # type: ignore[arg-type]
    found = [leaderboard.lay_out(measure([store])), compare([store])]
    for name in tables.TABLES:
        if name not in ("protocol", "windows"):  # there is none of such cells
            found.append(tables.make(name, [store]))
    acc_ap = found[2]
    return [*found, acc_ap.styled(transpose=True, rename={HOSTILE[0]: HOSTILE[0] * 2})]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_every_table_compiles(tmp_path: Path) -> None:
    """In one document; `-halt-on-error` makes every error of LaTeX one of the test."""
    found = [one.to_latex(wide=bool(at % 2), fit=True) for at, one in enumerate(hostile(tmp_path / "run"))]
    found += [published_table(paper).to_latex(fit=True) for paper in paper_tables().values()]
    body = "\n\\clearpage\n".join(found)
    packages = "\\usepackage{booktabs,graphicx}\\extrafloats{200}"
    text = f"\\documentclass[twocolumn]{{article}}{packages}\\begin{{document}}x\n{body}\\end{{document}}\n"
    (tmp_path / "all.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert "Missing character" not in ran.stdout


@pytest.mark.parametrize("name", HOSTILE)
def test_no_sign_of_a_name_is_a_command(name: str) -> None:
    """Nor ends a line of a table: what begins with [ or * would belong to the end of the row before."""
    text = for_latex(name)
    bare = re.sub(r"\\[a-z]+\{\}|\$\\[a-z]+\$|\\[&%$#_{}]|\{''\}|-\{\}|^\{[\[*]\}", "", text)
    assert not set(bare) & set('\\&%$#_{}~^<>|"')
    assert text[0] not in "[*"


def test_hyphens_of_an_option_stay_two() -> None:
    assert for_latex("--failed-as -- x") == "-{}-failed-as -{}- x"
    assert for_latex("---") == "-{}-{}-"


def test_a_table_is_a_whole_environment_that_says_what_it_needs() -> None:
    text = made({"A.P.": [1.0, 2.0]}, ["a", "b"], notes=("A note.",)).to_latex()
    lines = text.splitlines()
    assert lines[0] == r"% Needs \usepackage{booktabs} before \begin{document}."
    assert "% A note." in lines
    start = lines.index(r"\begin{table}")
    assert lines[start + 1 : start + 4] == [r"\centering", r"\caption{50 \% of it.}", r"\label{tab:acc-ap}"]
    assert lines[-1] == r"\end{table}"
    assert text.count("toprule") == text.count("midrule") == text.count("bottomrule") == 1


def test_wide_and_fitted_tables_are_so_on_request_only() -> None:
    table = made({"A.P.": [1.0]}, ["a"])
    assert not {"table*", "resizebox", "graphicx"} & set(re.findall(r"[a-z]+\*?", table.to_latex()))
    wide = table.to_latex(wide=True, fit=True)
    assert r"\begin{table*}" in wide
    assert r"\end{table*}" in wide
    assert "\\resizebox{\\linewidth}{!}{%\n\\begin{tabular}" in wide
    assert r"\usepackage{graphicx}" in wide


def test_caption_and_label_are_the_authors_own() -> None:
    text = made({"A.P.": [1.0]}, ["a"]).to_latex(caption=r"As \emph{ours}.", label="tab:x_1")
    assert "\\caption{As \\emph{ours}.}\n\\label{tab:x_1}\n" in text
    with pytest.raises(BenchError, match="label 'a}b' is none for LaTeX"):
        made({"A.P.": [1.0]}, ["a"]).to_latex(label="a}b")


def test_a_table_of_a_file_has_a_label_that_latex_takes() -> None:
    assert r"\label{tab:my-table-1}" in made({"A.P.": [1.0]}, ["a"], name="my table {1}").to_latex()


def test_what_explains_its_signs_is_set_below_it() -> None:
    """And nothing else: not a note about a sign that is not there, nor one that begins with such a name."""
    notes = ("* seen by x.", "† lost by x.", "+ later; ? not known.", "*x on data: 3 images.")
    signs = pd.DataFrame({"A.P.": ["*", "?"]}, index=pd.Index(["a", "b"], name="detector"))
    text = made({"A.P.": [1.0, 2.0]}, ["a", "b"], notes=notes, marks=signs).to_latex()
    below = text[text.index("parbox") :]
    assert "{*} seen by x." in below
    assert "+ later; ? not known." in below
    assert "lost" not in below
    assert "3 images" not in below
    assert "parbox" not in made({"A.P.": [1.0]}, ["a"], notes=notes).to_latex()


def test_every_group_of_columns_is_ruled_below_its_heading() -> None:
    names = [("d", "x", "is"), ("d", "x", "by"), ("d", "y", "is"), ("e", "x", "is")]
    lines = made({name: [1.0] for name in names}, ["a"]).to_latex().splitlines()
    at = lines.index(r"\toprule")
    assert lines[at + 2] == r"\cmidrule(lr){2-4}"
    assert lines[at + 4] == r"\cmidrule(lr){2-3}"


def test_a_number_below_zero_has_a_minus_sign() -> None:
    table = made({"by": [-1.5, 1.5]}, ["a", "b"], signed="by")
    assert "a & $-$1.5 " in table.to_latex()
    assert "b & +1.5 " in table.to_latex()


def test_letters_that_pdflatex_lacks_are_told() -> None:
    assert "lualatex" in made({"A.P.": [1.0]}, ["中文"]).to_latex()
    assert "lualatex" not in made({"A.P.": [1.0]}, [HOSTILE[2]]).to_latex()
