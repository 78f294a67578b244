"""Files of a folder or archive, read by rules: which patterns fit, and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forenbench.printable import readable
from forenbench.types import FAKE, Sample

from .findings import Findings
from .splits import split_of

if TYPE_CHECKING:
    from .rules import Rule, Rules

_SHOWN = 3


@dataclass(slots=True)
class _Fitting:
    """What fits one rule: how many files, the first of them, and the generators that it keeps."""

    rule: Rule
    files: int = 0
    first: str = ""
    generators: set[str] = field(default_factory=set)

    def describe(self, paths: Iterable[str]) -> str:
        """Say how many files fit; if none, one of `paths` that would in other capitals."""
        pattern = self.rule.pattern
        said = f"{self.rule.word} '{pattern.text}'"
        if self.files:
            many = f" of {len(self.generators)} generators" if self.generators else ""
            return f"{said}: {self.files} files{many}, such as '{self.first}'"
        almost = next(filter(pattern.in_any_case().fits, paths), "")
        return f"{said} fits no file" + (f", but would in other capitals: '{almost}'" if almost else "")


def read_by_rules(paths: Sequence[str], root_name: str, rules: Rules) -> Findings:
    """Label files by the first pattern that fits each, and say how many fit which.

    Args:
        paths: In order, with forward slashes.
        root_name: The dataset's name, where the rules know none: the generator of fakes, and the source of
            reals, of which no pattern says another.
        rules: Without patterns for real or fake, those of `Rules.leave` alone count.

    Returns:
        The samples; as `Findings.unlabelled`, what fits no pattern.
    """
    dataset = readable(rules.name or root_name)
    fittings = [_Fitting(rule) for rule in rules.in_order()]
    # By folder, for a million files lie in some dozen of them: which rules fit it, and what they keep.
    folders: dict[str, list[tuple[_Fitting, dict[str, str]]]] = {}
    samples, others = [], []
    for path in paths:
        folder, _, name = path.rpartition("/")
        if (candidates := folders.get(folder)) is None:
            below = f"{folder}/" if folder else ""
            tried = ((one, one.rule.pattern.folders.fullmatch(below)) for one in fittings)
            candidates = folders[folder] = [(one, kept.groupdict()) for one, kept in tried if kept]
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
                samples.append(_sample(path, fitting.rule, said, dataset))
                if generator := said.get("generator"):
                    fitting.generators.add(generator)
            break
        else:
            others.append(path)
    notes = [fitting.describe(paths) for fitting in fittings]
    if others and rules.label_paths:
        some = ", ".join(f"'{path}'" for path in others[:_SHOWN])
        notes.append(f"left aside, of which no pattern fits: {len(others)} files, such as {some}")
    return Findings(tuple(samples), tuple(others), tuple(notes))


def _sample(path: str, rule: Rule, said: Mapping[str, str], name: str) -> Sample:
    """Make a sample of what a pattern kept of its path; `name` is the dataset's."""
    assert rule.label is not None
    texts = {field: readable(text) for field, text in said.items()}
    if "split" in texts:
        texts["split"] = split_of(texts["split"])
    if rule.label == FAKE:
        texts.setdefault("generator", name)
    else:
        # the folder that a pattern begins with, if that is spelled out, is where they come from
        top, *below = rule.pattern.text.split("/")
        is_spelt = below and "*" not in top and "{" not in top
        texts.setdefault("real_source", texts.get("generator", top if is_spelt else name))
    return Sample(path, rule.label, **texts)
