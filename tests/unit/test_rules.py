"""Patterns say which files of any layout are real and which fake; what they pass over is said."""

from __future__ import annotations

import re
import shlex
import tarfile
import tomllib
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest
from command_line import BRIGHT
from typer.testing import CliRunner

from forenbench.cli.app import app
from forenbench.data.catalogue import open_dataset, reopen
from forenbench.data.descriptions import Spec, parse
from forenbench.data.finding import find_files
from forenbench.data.sources.folder import read_labels
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.patterns import compiled
from forenbench.data.sources.rules import Rules
from forenbench.data.testsets import Selection
from forenbench.errors import BenchError
from forenbench.front.door import evaluate
from forenbench.front.importing import import_scores
from forenbench.records.dataset_paths import find_datasets
from forenbench.records.store import Store
from forenbench.testing import tiny_image
from forenbench.types import FAKE, REAL

ROOT = Path(__file__).parents[2]
DRCT = Rules(real=("MSCOCO/val2017/*",), fake=("{generator}/val2017/*",))


def write(root: Path, *paths: str) -> Path:
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        tiny_image(number).save(root / path, format="PNG")
    return root


@pytest.fixture(scope="module")
def drct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DRCT-2M's folders as published: MSCOCO's photographs beside a folder for each generator."""
    names = [
        f"{folder}/val2017/{n:012d}.jpg"
        for folder in ("MSCOCO", "ldm-text2im-large-256", "sdxl-turbo")
        for n in (139, 285)
    ]
    return write(tmp_path_factory.mktemp("DRCT-2M"), *names)


def read(*paths: str, **words: tuple[str, ...]) -> dict[str, tuple[object, ...]]:
    """Read paths by rules: label, generator, class, source of reals, origin and split of each."""
    found = read_labels(paths, "mine", rules=Rules(**words)).samples
    return {s.path: (s.label, s.generator, s.class_name, s.real_source, s.origin, s.split) for s in found}


def test_a_folder_without_label_folders_is_read_by_patterns(drct: Path) -> None:
    (dataset,) = open_dataset(str(drct), data_root=drct, rules=DRCT)
    made = {t.name: sorted((s.label, s.path) for s in t.samples) for t in dataset.testsets}
    reals = [(REAL, f"MSCOCO/val2017/{n:012d}.jpg") for n in (139, 285)]
    assert made == {
        name: [*reals, *((FAKE, f"{name}/val2017/{n:012d}.jpg") for n in (139, 285))]
        for name in ("ldm-text2im-large-256", "sdxl-turbo")
    }


def test_an_archive_is_read_by_the_same_patterns(drct: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / f"{drct.name}.tar", "w") as archive:
        archive.add(drct, drct.name)
    of_archive = open_location(tmp_path / f"{drct.name}.tar", rules=DRCT)[1]
    assert of_archive == open_location(drct, rules=DRCT)[1]


def test_every_name_in_braces_is_kept() -> None:
    assert read(
        "test/coco/horse/sdxl_17.png",
        "test/raise/r1.png",
        real=("{split}/{source}/*",),
        fake=("{split}/*/{class}/{generator}_{origin}.png",),
    ) == {
        "test/coco/horse/sdxl_17.png": (FAKE, "sdxl", "horse", "", "17", "test"),
        "test/raise/r1.png": (REAL, "", "", "raise", "", "test"),
    }


def test_the_first_pattern_that_fits_counts_leave_before_real_before_fake() -> None:
    words = {"real": ("b/*", "a/*"), "fake": ("{generator}/*",), "leave": ("*/x.png",)}
    assert read("a/x.png", "a/y.png", "b/z.png", "c/w.png", "c/x.png", **words) == {
        "a/y.png": (REAL, "", "", "a", "", ""),
        "b/z.png": (REAL, "", "", "b", "", ""),
        "c/w.png": (FAKE, "c", "", "", "", ""),
    }


def test_label_and_split_folders_mean_nothing_by_themselves_beside_patterns() -> None:
    found = read("real/train/a.png", "train/0_real/b.png", fake=("**",))
    assert {said[:2] + said[-1:] for said in found.values()} == {(FAKE, "mine", "")}


def test_leave_alone_leaves_labels_to_folders() -> None:
    findings = read_labels(
        ["g/0_real/a.png", "g/1_fake/b.png", "g/1_fake/c.pdf"], "", rules=Rules(leave=("**/*.pdf",))
    )
    assert [(s.path, s.label) for s in findings.samples] == [
        ("g/0_real/a.png", REAL),
        ("g/1_fake/b.png", FAKE),
    ]
    assert findings.notes == ("leave '**/*.pdf': 1 files, such as 'g/1_fake/c.pdf'",)


def test_what_fits_which_pattern_and_what_fits_none_is_said() -> None:
    paths = ["b/1.png", "b/2.png", "c/3.png", "deep/down/x.png", "r1.png", "r2.png", "raise/r.png", "top.csv"]
    rules = Rules(real=("raise/*", "RAISE/*"), fake=("{generator}/*",), leave=("*.csv", "*.pdf"))
    assert read_labels(paths, "x", rules=rules).notes == (
        "leave '*.csv': 1 files, such as 'top.csv'",
        "leave '*.pdf' fits no file",
        "real 'raise/*': 1 files, such as 'raise/r.png'",
        "real 'RAISE/*' fits no file, but would in other capitals: 'raise/r.png'",
        "fake '{generator}/*': 3 files of 2 generators, such as 'b/1.png'",
        "left aside, of which no pattern fits: 3 files, such as 'deep/down/x.png', 'r1.png', 'r2.png'",
    )


def test_a_pattern_in_other_capitals_is_pointed_at() -> None:
    findings = read_labels(["Coco/a.png", "x/y/b.png"], "x", rules=Rules(real=("coco/*",), fake=("**/y/*",)))
    assert "real 'coco/*' fits no file, but would in other capitals: 'Coco/a.png'" in findings.notes


def test_rules_that_fit_nothing_are_answered_with_others(tmp_path: Path) -> None:
    write(tmp_path, "coco/1.png", "sdxl/2.png", "glide/3.png")
    words = r"no file that rules call real or fake: real 'raise/\*' fits no file; .*--real 'coco/\*\*'"
    with pytest.raises(BenchError, match=words):
        open_location(tmp_path, rules=Rules(real=("raise/*",)))


def test_split_keeps_words_for_splits_only() -> None:
    found = read("Train/sdxl/a.png", "extra/sdxl/b.png", fake=("{split}/{generator}/*",))
    assert found == {"Train/sdxl/a.png": (FAKE, "sdxl", "", "", "", "train")}


@pytest.mark.parametrize(
    ("pattern", "path", "kept"),
    [
        ("**/{generator}/*", "a/b/c/x.png", "c"),
        ("{generator}/**", "a/b/c/x.png", "a"),
        ("{generator}/**/x.png", "a/x.png", "a"),
        ("**/**/{generator}/**/**/*", "a/b/x.png", "a"),
        ("{generator}_{origin}.png", "sd_v2_17.png", "sd_v2"),
        ("[a-z]/{generator}.(png)", "[a-z]/x.(png)", "x"),
        ("*/{generator}/*", "a\nb/new\nline/x\n.png", "new\nline"),
        ("{generator}/*", "caf\udce9/x.png", "caf\\udce9"),
        ("{generator}/*", "{model}/x.png", "{model}"),
    ],
)
def test_what_a_pattern_keeps_of_names_of_any_kind(pattern: str, path: str, kept: str) -> None:
    assert {said[1] for said in read(path, fake=(pattern,)).values()} == {kept}


def test_a_fake_without_a_generator_is_called_like_the_dataset(tmp_path: Path) -> None:
    write(tmp_path / "Folder", "made/a.png", "taken/b.png")
    spec = Spec("evalgen", "", "", folder="Folder", rules=Rules(real=("taken/*",), fake=("made/*",)))
    found = find_files(spec, tmp_path)[1].samples
    assert [(s.generator, s.real_source) for s in found] == [("evalgen", ""), ("", "taken")]


def test_declared_reals_are_shared_by_the_test_sets_that_are_declared_for_them(tmp_path: Path) -> None:
    write(tmp_path, "pool/a/1.png", "pool/b/2.png", "fakes/x/3.png", "fakes/y/4.png")
    rules = {"real": ["pool/{source}/*"], "fake": ["fakes/{generator}/*"]}
    reals = {"a": {"images": 1, "testsets": ["x"]}, "b": {"images": 1, "testsets": ["y"]}}
    about = {"description": "", "licence": "", "testsets": {"x": [0, 1], "y": [0, 1]}}
    spec = parse("mine", {**about, "rules": rules, "reals": reals})
    dataset = reopen(spec, tmp_path, Selection())
    assert {t.name: [s.path for s in t.samples] for t in dataset.testsets} == {
        "x": ["fakes/x/3.png", "pool/a/1.png"],
        "y": ["fakes/y/4.png", "pool/b/2.png"],
    }
    assert not any("not as published" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("rules", "folders"),
    [
        (Rules(fake=("images/{generator}/*",), real=("photos/*",)), {"images", "photos"}),
        (Rules(fake=("{generator}/*",), real=("photos/*",)), {"photos", "x", "y"}),
        (Rules(fake=("{split}/{generator}/*",), real=("photos/*",)), set[str]()),
        (Rules(leave=("*.csv",)), {"x", "y"}),
    ],
)
def test_the_folders_of_a_described_dataset_are_those_that_its_patterns_begin_with(
    rules: Rules, folders: set[str]
) -> None:
    assert Spec("mine", "", "", testsets=("x", "y"), rules=rules).top_folders() == folders


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "begins with nothing"),
        ("/a/*", "begins with nothing"),
        ("a/", "'a/\\*' are the files"),
        ("a/../b", "called '..'"),
        ("./a", "called '.'"),
        ("a//b", "called ''"),
        ("a**/b", "is a whole name"),
        ("{model}/*", "'{model}' is none of {generator}"),
        ("a{/*", "'{' is none of"),
        ("{generator}/{generator}.png", "{generator} twice"),
    ],
)
def test_what_is_no_pattern_is_refused_by_name(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compiled(pattern)


def test_a_table_of_rules_is_read_strictly() -> None:
    about = {"description": "d", "licence": "l"}
    spec = parse("mine", {**about, "rules": {"real": ["a/*"], "fake": ["{generator}/*"]}})
    assert spec.rules == Rules(real=("a/*",), fake=("{generator}/*",))
    for table, words in (
        ({"reel": []}, "no 'reel'"),
        ({"real": "a/*"}, "not a list"),
        ({"fake": ["/"]}, "begins"),
    ):
        with pytest.raises(BenchError, match=rf"datasets/mine.toml: .*{words}"):
            parse("mine", {**about, "rules": table})


def test_rules_beside_a_name_are_refused() -> None:
    with pytest.raises(BenchError, match=r"'forensynths' says itself .*leave out the rules \(real, fake\)"):
        open_dataset("forensynths", data_root=Path(), rules=DRCT)


def test_rules_beside_a_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,label\na.png,0\n")
    with pytest.raises(BenchError, match=r"list\.csv' lists its images itself"):
        open_location(tmp_path / "list.csv", rules=DRCT)


@pytest.fixture(scope="module")
def run(drct: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A run folder with rows by two rules, of which the first one misspells the reals; and what was said."""
    folder, said = tmp_path_factory.mktemp("run"), []
    (folder / "bright.py").write_text(BRIGHT)
    for real in ("mscoco/val2017/*", DRCT.real[0]):
        with redirect_stderr(StringIO()) as talk:
            evaluate(folder / "bright.py", drct, real=real, fake=DRCT.fake, limit=1, out=folder)
        said.append(talk.getvalue())
    return folder, said


def test_a_run_is_opened_again_by_its_rules_wherever_its_dataset_is(
    drct: Path, run: tuple[Path, list[str]], tmp_path: Path
) -> None:
    records = Store(run[0]).records()
    ((name, found),) = find_datasets(records, [], Path("data")).items()
    assert (name, found.spec.rules, found.spec.folder) == (drct.name, DRCT, str(drct))
    elsewhere = tmp_path / drct.name
    elsewhere.symlink_to(drct)
    ((_, found),) = find_datasets(records, [str(elsewhere)], Path("data")).items()
    assert (found.spec.rules, found.spec.folder) == (DRCT, str(elsewhere))


def test_what_other_rules_made_is_named_where_tables_still_show_it(
    drct: Path, run: tuple[Path, list[str]]
) -> None:
    first, second = run[1]
    assert "would in other capitals: 'MSCOCO/val2017/000000000139.jpg'" in first
    note = f"tables also show what other rules made: {drct.name}/MSCOCO"
    assert note not in first
    assert note in second


def test_index_writes_what_patterns_say(drct: Path, tmp_path: Path) -> None:
    patterns = ["--real", DRCT.real[0], "--fake", DRCT.fake[0]]
    made = CliRunner().invoke(app, ["data", "index", str(drct), "--out", str(tmp_path / "m.csv"), *patterns])
    assert made.exit_code == 0, made.output
    written = {s.path: s for s in open_location(tmp_path / "m.csv")[1].samples}
    assert written == {s.path: s for s in open_location(drct, rules=DRCT)[1].samples}


@pytest.mark.slow
def test_every_command_that_the_page_shows_for_other_layouts_runs(
    drct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/adding_a_dataset.md").read_text(encoding="utf-8")
    section = page.partition("## Any other layout")[2].partition("\n## ")[0]
    commands = [line for line in section.splitlines() if line.startswith("$ bench ")]
    assert len(commands) == 3
    monkeypatch.chdir(tmp_path)
    (tmp_path / "DRCT-2M").symlink_to(drct)
    write(tmp_path / "synthbuster", *(f"{name}/r05.png" for name in ("real_RAISE_1k", "dalle2", "glide")))
    for command in commands:
        made = CliRunner().invoke(app, shlex.split(command)[2:])
        assert made.exit_code == 0, (command, made.output)
    (block,) = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    spec = parse("mine", {"description": "", "licence": "", **tomllib.loads(block)})
    assert (spec.rules.real, spec.rules.fake) == (DRCT.real, DRCT.fake)


def test_rules_are_refused_where_no_dataset_is_named(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("path,label,score\na.png,0,0.5\n")
    with pytest.raises(BenchError, match="and rules choose images of a dataset: name one"):
        import_scores(tmp_path / "scores.csv", "tool", real="a/*", out=tmp_path, progress=False)
