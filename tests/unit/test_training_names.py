"""The command that a missing checkpoint suggests writes the file that its detector then looks for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_group

from forenbench.cli.lazy import LazyGroup
from forenbench.cli.train import COMMANDS, app
from forenbench.cli.train.shared_options import Options, tell
from forenbench.plugins.installed import installed
from forenbench.weights import Checkpoint


def trained() -> Iterator[Checkpoint]:
    """Yield every checkpoint that users train with a command."""
    for found in installed():
        yield from (checkpoint for checkpoint in found.checkpoints if checkpoint.command)


def written(command: str) -> str:
    """Say under which name a command writes."""
    _, _, recipe, *arguments = shlex.split(command)
    group = get_group(app)
    assert isinstance(group, LazyGroup)
    context = group.load(recipe).make_context(recipe, arguments)
    module, _, command = COMMANDS[recipe][0].partition(":")
    names = import_module(f"forenbench.cli.train.{module}")
    name_of = getattr(names, f"name_of_{command}", None) or names.name_of
    return context.params["name"] or name_of(Options.of(context), context.params)  # type: ignore[arg-type]


@pytest.mark.parametrize("checkpoint", list(trained()), ids=lambda checkpoint: checkpoint.name)
def test_the_suggested_command_writes_the_file_looked_for(checkpoint: Checkpoint) -> None:
    assert written(checkpoint.command) == checkpoint.name
    fitted = checkpoint.command.split()[2] in ("univfd-nn", "durall", "probe")
    suffix = ".safetensors" if fitted else ".pth"
    assert checkpoint.file == checkpoint.name + suffix


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("cnndetection --data forensynths-train", "cnndetection-0.5"),
        ("cnndetection --data forensynths-train --aug blur_jpg:0.1", "cnndetection-0.1"),
        (
            "cnndetection --data forensynths-train --aug none --classes horse",
            "cnndetection-lgrad-1class-no_aug",
        ),
        ("lgrad --data forensynths-train --classes horse", "lgrad-1class"),
        ("lgrad --data forensynths-train --classes car,cat,chair,horse", "lgrad-4class"),
        ("lgrad --data forensynths-train --classes horse --limit 4000", "lgrad-stylegan-bedroom-4k"),
        ("lgrad --data some/celebahq --transformation vgg16", "lgrad-vgg16-celebahq"),
        ("lgrad --data celebahq-train --transformation vgg16", "lgrad-vgg16-celebahq"),
        ("frank --data forensynths-train --classifier cnn --classes boat,cow", "frank-cnn-boat-cow"),
        ("fredect --data some/faces", "fredect-own-faces"),
        ("univfd-lc --data forensynths-train --end-to-end", "univfd-finetuned"),
        ("autogan --data forensynths-train --classes horse", "autogan-fft-1class"),
        (
            "autogan --data forensynths-train --classes horse --simulate transposed,nearest --feature low",
            "autogan-low-nearest-transposed-1class",
        ),
        ("cooccurrence --data some/photos", "cooccurrence-paper-photos"),
        ("univfd-lc --data forensynths-train --name mine", "mine"),
        ("probe --data some/photos --backbone timm-dinov3-l16", "probe-timm-dinov3-l16-photos"),
    ],
)
def test_names_follow_the_variants(command: str, name: str) -> None:
    assert written(f"bench train {command} --out trained") == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("cnndetection-0.5", "--weights cnndetection-0.5=out/cnndetection-0.5.pth --unverified"),
        ("cnndetection-no_aug", "FORENBENCH_WEIGHTS=out"),
        ("mine", "--weights NAME=out/mine.pth --unverified"),
    ],
)
def test_the_last_word_is_how_a_detector_takes_the_file(
    name: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The authors' file of this name has another sha256; a name of one's own belongs to no detector."""
    tell(Path(f"out/{name}.pth"), first=True)
    assert hint in " ".join(capsys.readouterr().err.split())


def test_the_last_word_can_be_typed_whatever_the_folders_name(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Path("my own/cnndetection-no_aug.pth"), first=True)
    words = shlex.split(" ".join(capsys.readouterr().err.split("use it: ")[1].split()))
    assert "cnndetection-no_aug=my own/cnndetection-no_aug.pth," in words
    assert "FORENBENCH_WEIGHTS=my own" in words


def test_there_are_such_commands() -> None:
    assert {checkpoint.command.split()[2] for checkpoint in trained()} == set(COMMANDS) - {"sample"}
