"""Files of a folder or archive, read by rules: which patterns fit, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import FAKE, Sample

from .findings import Findings
from .rules import Rule, Rules
from .splits import split_of

_SHOWN = 3


@dataclass(slots=True)
class _Fitting:
    """What fits one rule: how many files, the first of them, and the generators that it keeps."""

    rule: Rule
    files: int = 0
    first: str = ""

    def __str__(self) -> str:
        said = f"{self.rule.word} '{self.rule.pattern.text}'"
        if not self.files:
            return f"{said} fits no file"
        return f"{said}: {self.files} files, such as '{self.first}'"


def read_by_rules(paths: Sequence[str], root_name: str, rules: Rules) -> Findings:
    """Label files by the first pattern that fits each, and say how many fit which.

    Args:
        paths: In order, with forward slashes.
        root_name: The generator of fakes, and the source of reals, of which no pattern says another.
        rules: Without patterns for real or fake, those of `Rules.leave` alone count.

    Returns:
        The samples; as `Findings.unlabelled`, what fits no pattern.
    """
    fittings = [_Fitting(rule) for rule in rules.in_order()]
    # By folder, for a million files lie in some dozen of them: which rules fit it, and what they keep.
    folders: dict[str, list[tuple[_Fitting, dict[str, str]]]] = {}
    samples, others = [], []
    for path in paths:
        folder, _, name = path.rpartition("/")
        if (candidates := folders.get(folder)) is None:
            candidates = folders[folder] = list(_candidates(folder, fittings))
        for fitting, said in candidates:
            _, label, pattern = fitting.rule
            if pattern.name is not None:
                if (named := pattern.name.fullmatch(name)) is None:
                    continue
                said = said | named.groupdict() if pattern.name.groups else said
            # another word than "train", "val" or "test" is no split, and such a file would count in none
            if "split" in said and not split_of(said["split"]):
                continue
            fitting.files += 1
            fitting.first = fitting.first or path
            if label is not None:
                samples.append(_sample(path, label, said, root_name))
            break
        else:
            others.append(path)
    notes = [str(fitting) for fitting in fittings]
    if others and rules.label_paths:
        some = ", ".join(f"'{path}'" for path in others[:_SHOWN])
        notes.append(f"left aside, of which no pattern fits: {len(others)} files, such as {some}")
    return Findings(tuple(samples), tuple(others), tuple(notes))


def without_fit(location: Path, findings: Findings) -> BenchError:
    """Return the error for a folder or archive of which no file fits a pattern for real or fake."""
    return BenchError(f"'{location}' holds no file that rules call real or fake: {'; '.join(findings.notes)}")


def _candidates(folder: str, fittings: Sequence[_Fitting]) -> Iterator[tuple[_Fitting, dict[str, str]]]:
    """Yield what may fit files of a folder, with what the folder's names say."""
    below = f"{folder}/" if folder else ""
    for fitting in fittings:
        if (found := fitting.rule.pattern.folders.fullmatch(below)) is not None:
            yield fitting, found.groupdict()


def _sample(path: str, label: int, said: dict[str, str], root_name: str) -> Sample:
    """Make a sample of what a pattern kept of its path."""
    texts = {name: readable(text) for name, text in said.items()}
    if "split" in texts:
        texts["split"] = split_of(texts["split"])
    if label == FAKE:
        texts.setdefault("generator", root_name)
    else:
        texts.setdefault("real_source", texts.get("generator", root_name))
    return Sample(path, label, **texts)
