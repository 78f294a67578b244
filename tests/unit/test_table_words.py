"""Tables as published sets have them are read where they lie, once their columns and labels are named."""

from __future__ import annotations

import csv
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from forenbench.cli.app import app
from forenbench.cli.options import Ruled
from forenbench.data.descriptions import parse
from forenbench.data.sources.findings import Findings
from forenbench.data.sources.folder import Folder
from forenbench.data.sources.huggingface import open_huggingface
from forenbench.data.sources.labels import table_words
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.manifest import open_manifest
from forenbench.data.sources.rules import Rules
from forenbench.errors import BenchError
from forenbench.front.rule_options import RuleChoice
from forenbench.imports.matching import by_itself
from forenbench.imports.score_file import Reading, read_scores
from forenbench.testing import tiny_image

Facts = tuple[int, str, str, str]
"""Label, generator, source of a real, origin."""
LISTS: dict[str, tuple[str, dict[str, str], dict[str, object], list[Facts]]] = {
    "GRIP's CSVs": (
        "filename,typ\ndalle2/1.png,dalle2\nreal_RAISE_1k/1.png,real\nfirefly/1.png,firefly\n",
        {"path": "filename", "label": "typ", "generator": "typ"},
        {},
        [(1, "dalle2", "", ""), (0, "", "real", ""), (1, "firefly", "", "")],
    ),
    "SynthWildX": (
        "url,filename,typ\nhttps://x.com/1,real/1.jpg,real\nhttps://x.com/2,dalle3/2.jpg,dalle3\n",
        {"path": "filename", "label": "typ", "generator": "typ"},
        {},
        [(0, "", "real", ""), (1, "dalle3", "", "")],
    ),
    "SuSy": (
        "path,label\n1.png,authentic\n2.png,dalle-3-images\n3.png,midjourney_tti\n",
        {"label": "label", "generator": "label"},
        {"authentic": "real"},
        [(0, "", "authentic", ""), (1, "dalle-3-images", "", ""), (1, "midjourney_tti", "", "")],
    ),
    "B-Free's viral images": (
        "filename,label,source_id,date,w,h,md5,url\nREAL/34/img00400.jpg,REAL,34,2024-05-01,9,9,x,y\n"
        "FAKE/7/img00001.jpg,FAKE,7,2024-06-01,9,9,x,y\n",
        {"path": "filename", "origin": "source_id"},
        {},
        [(0, "", "list", "34"), (1, "list", "", "7")],
    ),
    "ITW-SM": (
        "file_name,label,target,platform\n0_real/Facebook_real_1.jpg,real,0,Facebook\n"
        "1_fake/instagram_1.jpg,fake,1,Instagram\n1_fake/facebook_2.jpg,fake,1,Facebook\n",
        {"path": "file_name", "generator": "platform"},
        {},
        [(0, "Facebook", "Facebook", ""), (1, "Instagram", "", ""), (1, "Facebook", "", "")],
    ),
}
PARQUETS: dict[str, tuple[dict[str, list[Any]], dict[str, str], dict[str, object], list[Facts]]] = {
    "CommFor-Eval, whose reals name the generator beside which they stand": (
        {
            "image_name": ["a", "b"],
            "image_data": [b"x", b"y"],
            "model_name": ["flux", "flux"],
            "real_source": [None, "RAISE"],
            "label": [1, 0],
            "architecture": ["LatDiff", "LatDiff"],
        },
        {"generator": "model_name"},
        {},
        [(1, "flux", "", ""), (0, "flux", "RAISE", "")],
    ),
    "OpenFake": (
        {
            "image": [b"x", b"y", b"z"],
            "label": ["real", "fake", "fake"],
            "model": ["pexels", "sdxl", "gpt-image-1.5"],
            "release_date": [None, "2023-07-26", "2025-12-16"],
        },
        {"generator": "model"},
        {},
        [(0, "", "pexels", ""), (1, "sdxl", "", ""), (1, "gpt-image-1.5", "", "")],
    ),
    "SID-Set": (
        {
            "img_id": ["r1", "s1", "r1"],
            "image": [b"x", b"y", b"z"],
            "mask": [b"", b"", b"m"],
            "label": [0, 1, 2],
        },
        {"origin": "img_id"},
        {"2": "tampered"},
        [(0, "", "tables", "r1"), (1, "tables", "", "s1"), (2, "tables", "", "r1")],
    ),
    "AI-GenBench": (
        {
            "image": [b"x", b"y"],
            "label": [0.0, 1.0],
            "generator": ["", "FLUX 1 Dev"],
            "origin_dataset": ["coco", "drct"],
        },
        {"real_source": "origin_dataset"},
        {},
        [(0, "", "coco", ""), (1, "FLUX 1 Dev", "drct", "")],
    ),
}


def facts(findings: Findings) -> list[Facts]:
    return [(one.label, one.generator, one.real_source, one.origin) for one in findings.samples]


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_published_sets_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    text, columns, labels, expected = LISTS[name]
    (tmp_path / "list.csv").write_text(text)
    _, findings = open_manifest(tmp_path / "list.csv", Folder, table_words(columns, labels))
    assert facts(findings) == expected
    assert [one.path for one in findings.samples] == [
        row[columns.get("path", "path")] for row in csv.DictReader(text.splitlines())
    ]


@pytest.mark.parametrize("name", PARQUETS)
def test_parquet_tables_of_published_sets_are_read_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # `datasets` alone may be the folder of this checkout.
    config = pytest.importorskip("datasets.config")
    monkeypatch.setattr(config, "HF_DATASETS_CACHE", tmp_path / "hub")
    table, columns, labels, expected = PARQUETS[name]
    (tmp_path / "tables").mkdir()
    pq.write_table(pa.table(table), tmp_path / "tables/a.parquet")
    words = table_words(columns, labels)
    _, findings = open_huggingface(tmp_path / "tables", ["a.parquet"], words)
    assert facts(findings) == expected


def test_scores_are_read_by_the_same_words(tmp_path: Path) -> None:
    text, columns, labels, expected = LISTS["GRIP's CSVs"]
    lines = [line + (",p_fake" if not number else ",0.7") for number, line in enumerate(text.splitlines())]
    (tmp_path / "scores.csv").write_text("\n".join(lines))
    words = table_words({**columns, "score": "p_fake"}, labels)
    (scores,) = read_scores(tmp_path / "scores.csv", [Reading(words.columns, words.labels)])
    found = by_itself(scores, "mine", "mine")
    assert [testset.name for testset in found.testsets] == ["dalle2", "firefly"]
    both = {(one.path, one.label, one.real_source) for testset in found.testsets for one in testset.samples}
    paths = ["dalle2/1.png", "real_RAISE_1k/1.png", "firefly/1.png"]
    assert both == {(path, one[0], one[2]) for path, one in zip(paths, expected, strict=True)}


def test_scores_name_a_column_that_seems_to_hold_generators(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("path,label,gen_score,model\na,0,0.1,\nb,1,0.7,sdxl\n")
    (scores,) = read_scores(tmp_path / "scores.csv", [Reading({"score": "gen_score"})])
    notes = [note for note in by_itself(scores, "mine", "mine").notes if "is not read" in note]
    assert [note.endswith("columns: generator=model") for note in notes] == [True]
    (scores,) = read_scores(tmp_path / "scores.csv", [Reading({"score": "gen_score", "generator": "model"})])
    assert not any("is not read" in note for note in by_itself(scores, "mine", "mine").notes)


def test_words_nobody_knows_are_listed_with_their_counts_and_the_way_out(tmp_path: Path) -> None:
    words = ["human"] * 3 + ["6"] * 2 + ["real"] * 4
    (tmp_path / "m.csv").write_text("path,label\n" + "".join(f"{n},{w}\n" for n, w in enumerate(words)))
    with pytest.raises(
        BenchError,
        match=r"m.csv', row 1: 'human' is no label. In column 'label' there are 'human' \(3\), '6' \(2\) "
        r"\(others: 'real' \(4\)\); say what they mean, real, fake, tampered, drop, as in labels: "
        r"human=fake,6=fake",
    ):
        open_manifest(tmp_path / "m.csv", Folder)


def test_rows_that_labels_leave_out_are_counted_and_idle_words_named(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,label\na,0.0\nb,6.0\nc,2\nd,True\ne,video\n")
    words = table_words({}, {"6": "fake", "2": "drop", "*": "drop", "7": "real"})
    _, findings = open_manifest(tmp_path / "m.csv", Folder, words)
    assert [(one.path, one.label) for one in findings.samples] == [("a", 0), ("b", 1), ("d", 1)]
    left_out, idle = findings.notes
    assert left_out == "rows left out by what their label means: '2' (1), 'video' (1)"
    assert idle.startswith("no row has the label '7' in ")
    nothing = table_words({}, dict.fromkeys(["0", "6", "true", "*"], "drop"))
    with pytest.raises(BenchError, match=r"holds no row with a label: rows left out .*'0.0' \(1\)"):
        open_manifest(tmp_path / "m.csv", Folder, nothing)


def test_what_every_other_word_was_taken_for_is_said(tmp_path: Path) -> None:
    text, columns, labels, _ = LISTS["SynthWildX"]
    (tmp_path / "list.csv").write_text(text)
    _, findings = open_manifest(tmp_path / "list.csv", Folder, table_words(columns, labels))
    assert findings.notes[0] == "words of column 'typ' read as fake: 'dalle3' (1)"
    _, findings = open_manifest(
        tmp_path / "list.csv", Folder, table_words({"path": "filename", "label": "typ"}, {"*": "tampered"})
    )
    assert [one.label for one in findings.samples] == [0, 2]


@pytest.mark.parametrize(
    ("columns", "labels", "message"),
    [
        ({"pth": "x"}, {}, "unknown column 'pth': did you mean path"),
        ({"path": " "}, {}, "column 'path' has no name"),
        ({}, {"human": "rael"}, "unknown meaning of label 'human' 'rael': did you mean real"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    columns: dict[str, str], labels: dict[str, object], message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        table_words(columns, labels)


def test_rules_hand_the_words_on_to_every_kind_of_table(tmp_path: Path) -> None:
    text, columns, labels, expected = LISTS["SuSy"]
    (tmp_path / "list.csv").write_text(text)
    spec = parse(
        "mine", {"description": "d", "licence": "l", "rules": {"columns": columns, "labels": labels}}
    )
    assert Rules.parse(spec.rules.to_json()) == spec.rules
    assert facts(open_location(tmp_path / "list.csv", rules=spec.rules)[1]) == expected
    named = RuleChoice(columns=columns, labels={"authentic": 0}).rules
    assert facts(open_location(tmp_path / "list.csv", rules=named)[1]) == expected
    for table, words in (
        ({"columns": ["path"]}, "'columns' is .* not a table of words"),
        ({"columns": {"pth": "x"}}, "unknown column 'pth'"),
        ({"labels": {"a": "b"}}, "unknown meaning of label 'a' 'b'"),
    ):
        with pytest.raises(BenchError, match=f"datasets/mine.toml: .*{words}"):
            parse("mine", {"description": "d", "licence": "l", "rules": table})
    (tmp_path / "folder/real").mkdir(parents=True)
    (tmp_path / "folder/real/a.png").write_bytes(b"x")
    with pytest.raises(BenchError, match="folder' is no table: columns and labels are for manifests"):
        open_location(tmp_path / "folder", rules=named)


def test_options_are_read_strictly() -> None:
    words = Ruled(columns="path=a=b, generator=my\\,model", labels="*=drop,fake\\=yes = fake").rules
    assert words.columns == {"path": "a=b", "generator": "my,model"}
    assert words.labels == {"*": "drop", "fake=yes": "fake"}
    for text, message in (
        ("path", "is not NAME=VALUE"),
        ("path\\=a", "is not NAME=VALUE"),
        ("path=a,path=b", "names 'path' twice"),
    ):
        with pytest.raises(BenchError, match=f"--columns .*{message}"):
            _ = Ruled(columns=text).rules


def test_a_named_column_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,label\na,0\n")
    with pytest.raises(BenchError, match=r"no column 'model' \(columns: path, label\)"):
        open_manifest(tmp_path / "m.csv", Folder, table_words({"generator": "model"}, {}))


@pytest.mark.slow
@pytest.mark.parametrize("page", ["adding_a_dataset", "importing_scores"])
def test_every_command_that_the_pages_show_for_such_tables_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    text = (Path(__file__).parents[2] / f"docs/{page}.md").read_text(encoding="utf-8")
    commands = [line for line in text.splitlines() if line.startswith("$ bench ") and "--columns" in line]
    assert commands
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(4):
        tiny_image(number).save(f"{number}.png")
    Path("list.csv").write_text("filename,typ\n0.png,real\n1.png,real\n2.png,dalle3\n3.png,dalle3\n")
    Path("social.csv").write_text("name,post,label\n0.png,a,human\n1.png,b,human\n2.png,c,6\n3.png,d,2\n")
    Path("raw.csv").write_text("image,label,p_fake\n0.png,human,0.1\n2.png,ai,0.7\n")
    for command in commands:
        made = CliRunner().invoke(app, shlex.split(command)[2:])
        assert made.exit_code == 0, (command, made.output)
    for block in re.findall(r"```toml\n(\[rules\]\ncolumns.*?)```", text, re.DOTALL):
        assert Rules.parse(tomllib.loads(block)["rules"]).words.labels == {"human": 0, "2": -1}
