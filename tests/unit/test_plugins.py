"""Names find detectors: hints for typing errors, refusals for duplicates, reasons for broken plugins."""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from published_keys import flat, wrapped

from forenbench import registry
from forenbench.errors import BenchError, NotHere, unknown
from forenbench.plugins import resolving
from forenbench.plugins.cards import GROUP, cards
from forenbench.plugins.installed import FoundPlugin, card_problem, find, installed
from forenbench.plugins.lineups import LINEUPS
from forenbench.plugins.loading import load, load_all, load_available
from forenbench.scoring.gathering import Gathered, reloading
from forenbench.scoring.requested import Files, load_detectors
from forenbench.scoring.run_request import Means, Request
from forenbench.weights import KINDS, Checkpoint, MissingWeights, Weights

MINE = """
class Mine:
    name, version, threshold = "mine", "1", 0.5
    def prepare(self, image): ...
    def score(self, batch): ...
"""


def write(path: Path, text: str = MINE) -> str:
    path.write_text(text)
    return str(path)


def test_a_file_is_a_plugin_and_its_text_is_part_of_what_made_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = write(tmp_path / "mine.py")
    (first,) = load(request, Weights())
    assert (first.name, first.weights) == ("mine", "own")
    write(tmp_path / "mine.py", MINE + "# changed\n")
    (second,) = load(request, Weights())
    assert first.code != second.code
    monkeypatch.chdir(tmp_path)
    assert load("mine.py", Weights())[0].code == second.code  # a path without a folder is one, too


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module", "does not import: ModuleNotFoundError"),
        ("x = 1", "defines no detector"),
        (MINE.replace("threshold", "limit"), "has no 'threshold'"),
        (MINE.replace("def prepare", "def prep"), "has no 'prepare'"),
        ("class Mine:\n  def __init__(self): raise ValueError('boom')\n  def score(self, b): ...", "boom"),
        ("raise SystemExit(0)", r"does not import: ProcessExit: sys.exit\(0\) was called"),
        ("from os import _exit\n_exit(0)", r"does not import: ProcessExit: os._exit\(0\) was called"),
        (
            "class Mine:\n  def __init__(self): exit()\n  def score(self, b): ...",
            "cannot be made: ProcessExit",
        ),
        (MINE.replace("0.5", "'0.5'"), "detector Mine has threshold '0.5': not a finite number; see docs"),
        (MINE.replace('"mine"', "7"), "detector Mine has name 7: not a text; see docs"),
        (
            MINE + MINE.replace("class Mine", "class Twin"),
            "makes 2 detectors called 'mine'; give each its own",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BenchError, match=reason):
        load(write(tmp_path / "mine.py", text), Weights())


def test_unknown_names_and_variants_get_hints() -> None:
    with pytest.raises(BenchError, match="unknown detector 'lgard': did you mean lgrad"):
        load("lgard", Weights())
    with pytest.raises(BenchError, match="did you mean nn-k9"):
        load("univfd:nn_k9", Weights())
    with pytest.raises(BenchError, match=r"no detector file at '\./none\.py'; 'bench new detector"):
        load("./none.py", Weights())
    with pytest.raises(BenchError, match=r"\(or ask for lgrad:stylegan-bedroom@published\)"):
        load("lgrad:stylegan-bedroom", Weights("sample"))


def test_two_detectors_of_one_name_are_refused(tmp_path: Path) -> None:
    requests = [write(tmp_path / "a.py"), write(tmp_path / "b.py", MINE + "# another\n")]
    with pytest.raises(BenchError, match="two detectors are called 'mine'"):
        load_all(requests, Weights())


def test_the_same_detector_asked_for_twice_is_loaded_once(tmp_path: Path) -> None:
    request = write(tmp_path / "a.py")
    assert len(load_all([request, request], Weights())) == 1


def test_two_packages_with_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("twin", f"package_{i}:Twin", GROUP) for i in range(2)]
    monkeypatch.setattr(registry, "entries_of", lambda group: entries)
    with pytest.raises(BenchError, match="two packages provide a detector 'twin'"):
        find("twin")


def test_a_broken_package_is_listed_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        registry, "entries_of", lambda group: [EntryPoint("broken", "no_such_module:X", GROUP)]
    )
    (found,) = installed()
    assert "no_such_module" in found.problem
    with pytest.raises(BenchError, match=r"'broken'.*cannot be used: ModuleNotFoundError"):
        load("broken", Weights())


def test_plugins_that_nobody_asks_for_are_imported_only_to_know_their_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = write(tmp_path / "mine.py"), "plugin_of_another_package"
    (tmp_path / f"{other}.py").write_text("class Other: ...")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "entries_of", lambda group: [EntryPoint("other", f"{other}:Other", GROUP)])
    load_detectors([mine], "published", Files(), "cpu")
    assert other not in sys.modules
    with pytest.raises(BenchError, match="unknown checkpoint 'head'"):
        load_detectors([mine], "published", Files(["head=x"]), "cpu")
    assert sys.modules.pop(other)


def test_a_package_that_ends_the_process_takes_no_other_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "odd.py").write_text("class Odd:\n    variants = ['a']\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = [EntryPoint("leaves", "leaves:X", GROUP), EntryPoint("odd", "odd:Odd", GROUP)]
    monkeypatch.setattr(registry, "entries_of", lambda group: entries)
    leaves, odd = installed()
    assert "sys.exit(0) was called" in leaves.problem
    assert odd.problem
    for name in ("leaves", "odd"):
        with pytest.raises(BenchError, match=f"'{name}'.*cannot be used"):
            load(name, Weights())


def test_two_variants_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one's rows would stand for both."""
    (tmp_path / "same.py").write_text(
        MINE + "    variants = {'published': ('a', 'b')}\n    def __init__(self, variant, weights): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = EntryPoint("same", "same:Mine", GROUP)
    monkeypatch.setattr(registry, "entries_of", lambda group: [entry])
    with pytest.raises(BenchError, match="'same' makes 2 detectors called 'mine'"):
        load_all(["same"], Weights())
    with pytest.raises(BenchError, match="two detectors are called 'mine'; rename the one in 'same:b'"):
        load_all(["same:a", "same:b"], Weights())
    assert len(load_all(["same:a", "same:a"], Weights())) == 1


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(NotHere) as caught:
        load_all(["lgrad", "univfd", "cnndetection"], Weights("published"))
    for name in ("stylegan-bedroom", "clip-vit-l14", "cnndetection-0.5", "cnndetection-0.1"):
        assert f"--weights {name}=PATH" in str(caught.value)


@pytest.mark.slow
def test_all_means_every_installed_detector_with_checkpoints_of_the_kind() -> None:
    named = [f"{one.name}@sample" for one in installed() if one.variants("sample")]
    assert 3 <= len(named) < len(installed())
    expected = [one.name for one in load_all(named, Weights("sample"))]
    assert [one.name for one in load_all(["all"], Weights("sample"))] == expected
    assert [one.name for one in load_all(["all@sample"], Weights("published"))] == expected
    _, absent = load_available(["all"], Weights("published"))
    lacks = "".join(one.lack for one in absent)
    assert [name for name in ("tiny-ladeda", "gramnet", "clip-vit-l14") if name not in lacks] == []


def test_every_detector_of_a_line_up_is_one_that_is_installed() -> None:
    for requests in LINEUPS.values():
        for request in requests:
            name, _, variant = request.partition(":")
            assert find(name).chosen(variant, "published")


@pytest.mark.slow
def test_of_a_line_up_what_has_its_weights_is_loaded_and_the_rest_named(tmp_path: Path) -> None:
    torch.save(wrapped("npr", "model", flat("npr")), tmp_path / "NPR.pth")
    weights = Weights("published", {"npr": tmp_path / "NPR.pth"}, unverified=True)
    loaded, absent = load_available(["modern"], weights)
    assert [one.name for one in loaded] == ["npr:squash256"]
    lacks = [one.lack for one in absent]
    assert sum("weights 'clip-vit-l14'" in lack for lack in lacks) == 1  # though UnivFD and RINE want it
    assert sum("weights 'aide-" in lack for lack in lacks) == 2  # each variant's file
    assert not any("weights 'npr'" in lack for lack in lacks)
    assert not any(one.is_needed for one in absent)
    assert "bench weights fetch dda" in "".join(one.lack for one in absent)
    [brief] = [one.brief for one in absent if "clip-vit-l14" in one.brief]
    assert brief.startswith("univfd:lc, rine:1class, rine:2class, rine:4class, rine:ldm: clip-vit-l14, ")
    # By its own name as well: before or behind the line-up, it has to be there.
    for requests in (["modern", "dda"], ["dda", "modern"]):
        _, absent = load_available(requests, weights)
        assert [one.request for one in absent if one.is_needed] == ["dda"]


def test_a_hint_names_each_known_name_once() -> None:
    assert unknown("checkpoint", "x", ["vgg16", "clip", "vgg16"]).endswith("Known: clip, vgg16")


@pytest.mark.slow
def test_a_request_may_name_the_kind_of_its_checkpoints() -> None:
    for kind in ("published", "sample"):
        (named,) = load("univfd:lc@sample", Weights(kind))
        (plain,) = load("univfd:lc", Weights("sample"))
        assert (named.name, named.weights, named.checkpoints) == (plain.name, "sample", plain.checkpoints)
    assert [one.name for one in load("lgrad@sample", Weights("published"))] == ["lgrad:nearest-gan"]
    with pytest.raises(MissingWeights, match="weights 'clip-vit-l14'"):
        load("univfd:lc@published", Weights("sample"))


def test_detectors_of_two_kinds_stand_side_by_side_and_share_what_they_read() -> None:
    weights = Weights("published")
    loaded, missing = load_available(
        ["univfd:lc@sample", "univfd:nn-k1@sample", "univfd:lc", "univfd:lc@sample"], weights
    )
    found = [(one.name, one.weights) for one in loaded]
    assert found == [("univfd:lc", "sample"), ("univfd:nn-k1", "sample")]
    assert loaded[0].detector.encoder is loaded[1].detector.encoder  # type: ignore[attr-defined]
    assert len(missing) == 1
    assert weights.kind == "published"


class Both:
    """A plugin whose variant exists with both kinds, under one name."""

    variants = {"published": ("it",), "sample": ("it",)}  # noqa: RUF012
    version, threshold = "1", 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = "both:it"
        weights.load(FILES[weights.kind])

    def prepare(self, image: object) -> None: ...

    def score(self, batch: object) -> None: ...


FILES = {kind: Checkpoint(f"both-{kind}", "both.pth", "a test", "none") for kind in KINDS}


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Path]:
    """Install the plugin; return its files."""
    monkeypatch.setattr(resolving, "find", lambda name: FoundPlugin("both", "here", Both))
    paths = {FILES[kind].name: tmp_path / f"{kind}.pth" for kind in KINDS}
    for number, path in enumerate(paths.values()):
        torch.save({"weight": torch.full((1,), float(number))}, path)
    return paths


def test_one_name_with_two_kinds_is_two_detectors(
    monkeypatch: pytest.MonkeyPatch, both: dict[str, Path]
) -> None:
    sha256 = hashlib.sha256(both["both-published"].read_bytes()).hexdigest()
    monkeypatch.setitem(FILES, "published", replace(FILES["published"], sha256=sha256))
    loaded = load_all(["both", "both@sample", "both@published"], Weights("published", both))
    found = [(one.name, one.weights) for one in loaded]
    assert found == [("both:it", "published"), ("both:it", "unverified")]


def test_two_files_for_which_there_is_one_word_do_not_share_a_row(both: dict[str, Path]) -> None:
    with pytest.raises(BenchError, match="'both@sample' gives 'both:it' other unverified weights"):
        load_all(["both", "both@sample"], Weights("published", both))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("lgrad@sampel", "unknown kind of checkpoints of 'lgrad' 'sampel': did you mean sample"),
        ("lgrad@", "unknown kind of checkpoints of 'lgrad' '': Known: published, sample"),
        ("lgard@sample", "unknown detector 'lgard': did you mean lgrad"),
        ("univfd:nn_k9@sample", "did you mean nn-k9"),
        ("lgrad@sample:nearest-gan", "unknown kind of checkpoints"),
        ("tiny-ladeda@sample", "has no sample checkpoints; ask for tiny-ladeda@published"),
    ],
)
def test_what_stands_behind_the_at_sign_is_checked(request_: str, words: str) -> None:
    with pytest.raises(BenchError, match=re.escape(words)):
        load(request_, Weights("published"))


def test_another_process_loads_the_kinds_that_were_asked_for() -> None:
    means = Means(Path("data"), Files(), "", "cpu", None, "all")
    loaded = {"published": load("lgrad@sample", Weights("published"))}
    gathered = Gathered(Request(["lgrad@sample"], {}, []), kinds=["published", "published"], loaded=loaded)
    again = reloading(gathered, means)
    assert [(one.name, one.weights) for one in again("cpu")] == [("lgrad:nearest-gan", "sample")] * 2


def test_every_built_in_card_says_what_its_detector_says() -> None:
    said = {found.name: {kind: found.variants(kind) for kind in found.kinds()} for found in installed()}
    assert {card.name: card.variants for card in cards() if card.package == "forenbench"} == said


def test_a_card_is_read_though_its_module_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy.py").write_text("raise RuntimeError('imported')\n")
    (tmp_path / "heavy.toml").write_text('[variants]\npublished = ["a"]\n')
    (tmp_path / "garbled.py").write_text("")
    (tmp_path / "garbled.toml").write_text("[variants\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = [EntryPoint(name, f"{name}:X", GROUP) for name in ("heavy", "garbled", "absent_module")]
    monkeypatch.setattr(registry, "entries_of", lambda group: entries)
    absent, garbled, heavy = cards()
    assert (heavy.variants, heavy.problem) == ({"published": ("a",)}, "")
    assert "TOMLDecodeError" in garbled.problem
    assert "No module named 'absent_module'" in absent.problem


def test_a_card_that_lists_other_variants_than_the_class_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "carded.py").write_text("class X:\n    variants = {'published': ('a',), 'sample': ('s',)}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "entries_of", lambda group: [EntryPoint("carded", "carded:X", GROUP)])
    assert card_problem("carded") == ""
    for listed, kind in (('published = ["b"]\nsample = ["s"]', "published"), ('published = ["a"]', "sample")):
        (tmp_path / "carded.toml").write_text(f"[variants]\n{listed}\n")
        assert card_problem("carded") == f"the card lists other {kind} variants than the class"


def test_a_card_that_lists_other_rows_or_needs_than_the_class_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
from forenbench.weights import Checkpoint
ONE, TWO = (Checkpoint(name, f"{name}.pth", "", "") for name in ("one", "two"))
class X:
    variants = {"published": ("a", "b")}
    rows = {"published": ("a",)}
    needs = {"a": (ONE,), "b": (ONE, TWO)}
"""
    (tmp_path / "stated.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "entries_of", lambda group: [EntryPoint("stated", "stated:X", GROUP)])
    head = 'trained = ["one.pth", "two.pth"]\n[variants]\npublished = ["a", "b"]\n'
    rows = '[rows]\npublished = ["a"]\n'
    for said, problem in (
        (rows + '[needs]\na = ["one"]\nb = ["two", "one"]', ""),
        (rows, ""),
        ("", "other published rows than the class"),
        (rows + '[needs]\na = ["one"]\nb = ["one"]', "other checkpoints that 'b' needs than the class"),
        (rows + '[needs]\na = ["one"]', "other checkpoints that 'b' needs than the class"),
    ):
        (tmp_path / "stated.toml").write_text(head + said)
        assert card_problem("stated") == (problem and f"the card lists {problem}")
