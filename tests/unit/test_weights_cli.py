"""``bench weights``: what it lists, what it downloads and what it refuses, from mirrors on this machine."""

from __future__ import annotations

import re
import socket
import tomllib
from collections.abc import Callable
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from click.testing import Result
from printed_commands import parse
from safetensors.torch import save_file
from typer.testing import CliRunner

from forenbench.cli.app import app as bench
from forenbench.cli.weights import app
from forenbench.errors import BenchError
from forenbench.plugins.installed import installed
from forenbench.weights import Checkpoint

CLASSIFIER = {"conv1.weight": torch.zeros(64, 3, 7, 7), "fc.weight": torch.zeros(1, 2048)}
FOUR = "LGrad-4class-Trainon-Progan_car_cat_chair_horse.pth"
CATALOGUE = tomllib.loads((files("forenbench.detectors") / "weights.toml").read_text(encoding="utf-8"))
CHECKPOINTS = [one for found in installed() for one in found.checkpoints]

Weights = Callable[..., Result]


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weights:
    """Call ``bench weights`` with arguments; no checkpoint is here, and `mirror/` is empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FORENBENCH_WEIGHTS", raising=False)
    (tmp_path / "mirror").mkdir()

    def call(*arguments: str, answer: str = "") -> Result:
        result = CliRunner().invoke(app, arguments, input=answer)
        if isinstance(result.exception, BenchError):
            raise result.exception
        return result

    return call


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every attempt to reach the network fail loudly."""

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def place(name: str, file: str) -> Path:
    return Path("cache/forenbench/weights") / name / file


# --- the catalogue


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_entry_of_the_catalogue_is_complete(name: str) -> None:
    entry = CATALOGUE[name]
    assert entry.keys() <= {field.name for field in fields(Checkpoint)}
    assert all(entry[key] for key in ("file", "source", "licence", "format"))
    assert all(re.match(r"(https|hf)://", url) for url in entry.get("urls", []))
    assert re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}|", entry.get("sha256", ""))
    digits = re.search(r"-([0-9a-f]{8})\.pth$", entry["file"])  # torchvision's rule for names
    assert digits is None or entry["sha256"].startswith(digits[1])


def test_the_catalogue_and_the_detectors_agree() -> None:
    published = {one.name for one in CHECKPOINTS if not one.shipped and not one.command}
    assert published == set(CATALOGUE)


def test_one_name_means_one_file_in_all_detectors() -> None:
    facts = {(one.name, one.file, one.sha256, one.urls, one.command) for one in CHECKPOINTS}
    assert len(facts) == len({one.name for one in CHECKPOINTS})


# --- list


def test_the_list_shows_every_checkpoint_and_fits_the_terminal(weights: Weights) -> None:
    result = weights("list")
    assert result.exit_code == 0
    for one in CHECKPOINTS:
        assert f"  {one.name}: " in result.stdout
    prose = [line for line in result.stdout.splitlines() if not line.strip().startswith("bench ")]
    assert all(len(line) <= 80 or len(line.split()) == 1 for line in prose)


def test_the_list_says_what_is_known_and_who_needs_it(weights: Weights) -> None:
    text = weights("list", "--detector", "lgrad:vit-1class").stdout
    assert re.sub(r"\s+", " ", text).strip() == (
        "lgrad vit-b16-imagenet: missing vit_b_16-c867db91.pth, 346.3 MB, sha256 known; BSD-3-Clause; "
        "for vit-1class lgrad-vit-1class: missing, for your own training for vit-1class bench train lgrad "
        "--transformation vit --data forensynths-train --classes horse --out trained"
    )


@pytest.mark.slow
def test_a_command_in_the_list_is_a_line_to_be_copied(weights: Weights) -> None:
    """Folded at 80 columns, a shell would take it for two."""
    lines = [line.strip() for line in weights("list").stdout.splitlines()]
    commands = [line for line in lines if line.startswith("bench ")]
    assert len(commands) > 30
    assert [line for line in commands if parse(line.split()[1:])] == []
    assert len(max(commands, key=len)) > 80


def test_the_list_says_where_a_file_is_and_whether_its_size_can_be_right(weights: Weights) -> None:
    path = place("vit-b16-imagenet", "vit_b_16-c867db91.pth")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut off")
    text = " ".join(weights("list", "--detector", "lgrad:vit-1class").stdout.split())
    assert f"vit-b16-imagenet: WRONG, {path} has 7 bytes, expected 346328529" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("list", "--detector", "lgrat"), "unknown detector 'lgrat': did you mean lgrad"),
        (
            ("list", "--detector", "lgrad:vit-1"),
            "unknown variant of .lgrad. .vit-1.: did you mean vit-1class",
        ),
        (("fetch", "vgg17"), "unknown checkpoint 'vgg17': did you mean vgg16"),
        (("check", "vgg17"), "unknown checkpoint 'vgg17'"),
        (("fetch",), "say what to fetch"),
        (("fetch", "vgg16", "--all"), "say what to fetch"),
    ],
)
def test_a_request_that_means_nothing_is_refused(
    weights: Weights, arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(BenchError, match=words):
        weights(*arguments)


# --- fetch


@pytest.mark.usefixtures("offline")
def test_a_file_comes_from_a_mirror_into_the_cache_and_is_not_fetched_twice(weights: Weights) -> None:
    torch.save(CLASSIFIER, Path("mirror", FOUR))
    result = weights("fetch", "lgrad-4class", "--mirror", "mirror", "--yes")
    assert result.exit_code == 0
    assert "no licence stated" in result.stderr
    assert re.search(r"lgrad-4class: (\S+ kB) of \1\n", result.stderr)
    assert "unverified, but its structure fits" in result.stderr
    assert place("lgrad-4class", FOUR).is_file()
    assert "lgrad-4class is here" in weights("fetch", "lgrad-4class", "--yes").stderr
    assert f"here, {place('lgrad-4class', FOUR)}" in weights("list", "--detector", "lgrad").stdout


def test_in_a_mirror_the_checkpoints_own_folder_goes_first(weights: Weights, tmp_path: Path) -> None:
    mirror, tower = tmp_path / "mirror", {"visual.attnpool.positional_embedding": torch.zeros(50, 1024)}
    tower |= {"visual.attnpool.c_proj.weight": torch.zeros(1024, 2048)}
    save_file({"visual.class_embedding": torch.zeros(1024)}, mirror / "open_clip_model.safetensors")
    wrong = weights("fetch", "clip-rn50", "--mirror", mirror.as_uri(), "--yes")
    assert wrong.exit_code == 1
    assert "is another file" in wrong.stderr
    assert not place("clip-rn50", "open_clip_model.safetensors").exists()
    (mirror / "clip-rn50").mkdir()
    save_file(tower, mirror / "clip-rn50" / "open_clip_model.safetensors")
    assert weights("fetch", "clip-rn50", "--mirror", mirror.as_uri(), "--yes").exit_code == 0


def test_a_file_that_is_not_the_published_one_is_refused(weights: Weights) -> None:
    Path("mirror", "fc_weights.pth").write_bytes(bytes(4083))
    result = weights("fetch", "univfd-head", "--mirror", "mirror", "--yes")
    assert result.exit_code == 1
    assert "expected 477100745713" in result.stderr
    assert not place("univfd-head", "fc_weights.pth").exists()


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("idinvert-bedroom", "Get them by hand from bedroom_256x256_encoder, https://drive.google.com"),
        ("lgrad-vit-1class", "nobody has published them. Train them: bench train lgrad --transformation vit"),
    ],
)
def test_what_has_no_address_is_explained(weights: Weights, name: str, words: str) -> None:
    result = weights("fetch", name)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "FORENBENCH_WEIGHTS" in result.stderr


@pytest.mark.usefixtures("offline")
def test_nothing_is_downloaded_without_consent(weights: Weights) -> None:
    result = weights("fetch", "cnndetection-0.5", answer="n\n")
    assert result.exit_code == 1
    assert "282.4 MB, CC BY-NC-SA 4.0: no commercial use" in result.stderr
    assert "Nothing was downloaded" in result.stderr
    with pytest.raises(BenchError, match="nobody answered; with '--yes' nobody is asked"):
        weights("fetch", "cnndetection-0.5")


def test_a_yes_starts_the_download(weights: Weights) -> None:
    torch.save(CLASSIFIER, Path("mirror", FOUR))
    assert weights("fetch", "lgrad-4class", "--mirror", "mirror", answer="y\n").exit_code == 0


@pytest.mark.parametrize(
    ("request_", "needed"),
    [
        ("lgrad", {"stylegan-bedroom", "lgrad-4class"}),
        ("lgrad:stylegan-bedroom-1class", {"stylegan-bedroom", "lgrad-1class"}),
        ("univfd:lc", {"clip-vit-l14", "univfd-head"}),
        ("cnndetection:blur_jpg_prob0.1-full", {"cnndetection-0.1"}),
        ("tiny-ladeda,univfd:lc", {"tiny-ladeda", "clip-vit-l14", "univfd-head"}),
    ],
)
def test_a_detectors_files_are_fetched_and_no_others(
    weights: Weights, request_: str, needed: set[str]
) -> None:
    result = weights("fetch", "--detector", request_, "--mirror", "mirror", "--yes")
    assert result.exit_code == 1  # the mirror is empty
    assert set(re.findall(r"^weights '(.+?)'", result.stderr, re.MULTILINE)) == needed


def test_files_of_a_line_up_stand_below_their_detectors_each_file_once(weights: Weights) -> None:
    said = weights("fetch", "--detector", "modern", "--mirror", "mirror", answer="n\n").stderr.splitlines()
    assert said[said.index("univfd:lc") + 1].startswith("  clip-vit-l14: ")
    assert said[said.index("dda") + 1].startswith("  dda: DDA_ckpt.pth, 1.3 GB")
    assert sum("  clip-vit-l14: " in line for line in said) == 1  # RINE reads it, too
    assert [line for line in said if re.match("To download to .*, and files of unknown size: ", line)]


def test_all_means_all_that_was_published_and_one_failure_does_not_stop_the_rest(weights: Weights) -> None:
    torch.save(CLASSIFIER, Path("mirror", FOUR))
    result = weights("fetch", "--all", "--mirror", "mirror", "--yes")
    assert result.exit_code == 1
    missing = set(re.findall(r"^weights '(.+?)'", result.stderr, re.MULTILINE))
    assert missing == set(CATALOGUE) - {"lgrad-4class"}
    assert place("lgrad-4class", FOUR).is_file()


def test_what_is_wrong_in_the_cache_is_replaced(weights: Weights) -> None:
    torch.save(CLASSIFIER, Path("mirror", FOUR))
    fetch = ("fetch", "lgrad-4class", "univfd-head", "--mirror", "mirror", "--yes")
    for path in (place("lgrad-4class", FOUR), place("univfd-head", "fc_weights.pth")):
        path.parent.mkdir(parents=True)
    torch.save({"other": torch.zeros(2)}, place("lgrad-4class", FOUR))
    place("univfd-head", "fc_weights.pth").write_bytes(bytes(4083))  # the published size
    assert "'bench weights fetch NAME' gets what is missing, and replaces" in weights("check").stderr
    result = weights(*fetch)
    assert "A download replaces it" in result.stderr
    assert "is here" not in result.stderr
    assert weights("check", "lgrad-4class").exit_code == 0
    assert not place("univfd-head", "fc_weights.pth").exists()  # the mirror has none


def test_what_is_wrong_in_the_users_folder_would_hide_a_download(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "mirror")
    Path("mirror", "fc_weights.pth").write_bytes(bytes(4083))
    with pytest.raises(
        BenchError, match=r"mirror/fc_weights.pth has sha256 .*Remove it: .*FORENBENCH_WEIGHTS"
    ):
        weights("fetch", "univfd-head", "--yes")


def test_after_a_failed_download_another_is_no_advice(weights: Weights) -> None:
    told = weights("fetch", "lgrad-4class", "--mirror", "mirror", "--yes").stderr
    assert "To download to cache/forenbench/weights/: files of unknown size: 1\n" in told
    assert "Get them by hand from https://drive.google.com" in told
    assert "bench weights fetch" not in told


def test_the_help_keeps_its_placeholders() -> None:
    told = CliRunner().invoke(bench, ["weights", "fetch", "--help"], env={"COLUMNS": "80"}).output
    assert "NAME/FILE, NAME.pth or FILE" in re.sub(r"[│\s]+", " ", told)


# --- check


def test_check_tells_right_wrong_unverified_and_missing_files_apart(weights: Weights) -> None:
    assert weights("check").exit_code == 0
    torch.save(CLASSIFIER, Path("mirror", FOUR))
    weights("fetch", "lgrad-4class", "--mirror", "mirror", "--yes")
    path = place("lgrad-4class", FOUR)
    fine = weights("check")
    assert (fine.exit_code, fine.stdout) == (0, f"unverified  lgrad-4class: {path}\n")
    absent = weights("check", "lgrad-4class", "vgg16")
    assert (absent.exit_code, absent.stdout.splitlines()[1]) == (1, "missing     vgg16: vgg16-397923af.pth")
    path.write_bytes(path.read_bytes()[:5000])
    broken = weights("check")
    assert broken.exit_code == 1
    assert broken.stdout.startswith(f"WRONG       lgrad-4class: {path} is broken or cut off")


def test_check_looks_into_the_users_folder(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "mirror")
    Path("mirror", "univfd-head.pth").write_bytes(bytes(4083))
    result = weights("check")
    assert result.exit_code == 1
    assert result.stdout.startswith("WRONG       univfd-head: mirror/univfd-head.pth has sha256")
