"""Files to start a detector from, each of which runs as it is written."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from forenbench.errors import BenchError, NotHere, unknown

from .starting_examples import colours, convolutions, every_eighth, random_resnet, random_vit


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of detector that can be started.

    Attributes:
        line: What it is, in a few words.
        beside: How the name of what it reads ends, beside the file's own; empty: it reads nothing.
        example: Writes that, of a kind that runs.
        needs: The library, and the extra that installs it; empty: what is there anyway.
        options: That every command has to have.
        fill: What its user has to write first, in a few words.
    """

    line: str
    beside: str = ""
    example: Callable[[Path], None] | None = None
    needs: tuple[str, str] = ("", "")
    options: str = ""
    fill: str = ""


TEMPLATES: Mapping[str, Template] = {
    "plain": Template("a dozen lines"),
    "logit": Template("a PyTorch network with one output", ".safetensors", convolutions),
    "encoder": Template("several detectors that share one backbone"),
    "timm": Template(
        "a network of timm's with your weights", ".safetensors", random_resnet, fill="MODEL, and its weights"
    ),
    "onnx": Template("an ONNX file", ".onnx", colours, ("onnxruntime", "onnx")),
    "hf": Template(
        "a classifier for transformers", "-model", random_vit, ("transformers", "hf"), fill="MODEL and FAKE"
    ),
    "api": Template(
        "a service on the web",
        needs=("requests_ratelimiter", "api"),
        options=" --allow-network",
        fill="URL and ask; the key is API_KEY in the environment",
    ),
    "embedding": Template("scikit-learn on features of a backbone", ".safetensors", every_eighth),
}
"""In the order of help, by what they are called there; each has a template of that name."""


@dataclass(frozen=True, slots=True)
class Started:
    """A detector's file that was written.

    Attributes:
        file: Where.
        example: What was written beside it, for it to run; None: nothing.
        template: What it was made from.
    """

    file: Path
    example: Path | None
    template: Template


def start_detector(name: str, kind: str = "plain", folder: Path = Path()) -> Started:
    """Write a detector's file that already runs, and what it reads beside it.

    Args:
        name: The detector's; the file is called likewise, as far as a module can be.
        kind: One of `TEMPLATES`.
        folder: Where it goes; made where it is missing.

    Raises:
        NotHere: The kind needs a library that is not installed; nothing was written.
        BenchError: There is no such kind, no file can be called so, or one is there already.
    """
    if kind not in TEMPLATES:
        raise BenchError(unknown("kind of detector", kind, TEMPLATES))
    template = TEMPLATES[kind]
    # The name stays as it is typed, but a file that can be imported and a class are called otherwise.
    module = name.lower().replace("-", "_")
    if not module.isidentifier() or keyword.iskeyword(module):
        raise BenchError(
            f"'{name}' cannot be a detector's name: use letters, digits, '-' and '_', letter first"
        )
    library, extra = template.needs
    if library and find_spec(library) is None:
        raise NotHere(f"kind '{kind}' needs {library}: pip install 'forenbench[{extra}]'")
    path, beside = folder / f"{module}.py", folder / f"{module}{template.beside}"
    for one in (path, beside) if template.example else (path,):
        if one.exists():
            raise BenchError(f"'{one}' is there already; choose another name")
    text = (files("forenbench") / "templates" / f"{kind}.py.txt").read_text(encoding="utf-8")
    class_name = "".join(part.capitalize() for part in module.split("_"))
    for mark, filled in (("{name}", name), ("{Class}", class_name), ("{module}", module)):
        text = text.replace(mark, filled)
    folder.mkdir(parents=True, exist_ok=True)
    if template.example:
        template.example(beside)
    path.write_text(text, encoding="utf-8")
    return Started(path, beside if template.example else None, template)
