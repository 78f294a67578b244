"""The perturbations of a run, with those that make its files alike: all in one way, or file by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from forenbench.data.reencoding import LIKE_REALS, by_label, is_of_single_files
from forenbench.data.set_notes import SetNote, by_words
from forenbench.errors import BenchError
from forenbench.types import Perturbation

if TYPE_CHECKING:
    from forenbench.data.dataset import Dataset

    from .bars import Quiet, RunProgress


class Equalised(NamedTuple):
    """What is done to the files of a run.

    Attributes:
        perturbations: All of the run, in table order.
        reencoded: See `forenbench.scoring.plan.RunSettings`.
    """

    perturbations: Sequence[Perturbation]
    reencoded: Mapping[tuple[str, str, str], Mapping[str, str]]


def equalise(
    perturbations: Sequence[Perturbation],
    texts: Sequence[str],
    datasets: Sequence[Dataset],
    seed: int,
    progress: RunProgress | Quiet,
) -> Equalised:
    """Choose what makes files alike, now that they are known, and say so.

    Args:
        perturbations: What the run has anyway.
        texts: See `forenbench.tables.equalised.check`.
        datasets: Of the run.
        seed: Of the run.
        progress: Told of it.

    Raises:
        BenchError: It cannot be done to some test set.
    """
    from forenbench.audit.like_reals import like_reals
    from forenbench.tables import equalised

    if not texts:
        return Equalised(perturbations, {})
    facts = [fact for one in datasets for fact in one.facts.values()]
    every = equalised.add(perturbations, texts, facts)
    progress.say(f"equalised: {', '.join(one.name for one in every)}")
    for remark in equalised.remarks(every, facts):
        progress.say(f"  note: {remark}", "yellow")
    reencoded, done = {}, list[SetNote]()
    for name in (one.name for one in every if is_of_single_files(one.name)):
        for dataset, testset in ((one, testset) for one in datasets for testset in one.testsets):
            if testset.reencoded:
                raise BenchError(
                    f"equalise {name}: protocol {testset.protocol} re-encodes files of '{dataset.name}' "
                    "already; choose one of the two"
                )
            if name == LIKE_REALS:
                steps, words = like_reals(testset, dataset.facts, seed, progress.files)
                progress.say(f"  {words}")
            else:
                steps = by_label(name).of(testset.samples, dataset.facts)
                of = f"{len(steps)} of {len(testset.samples)} files"
                done.append(SetNote(f"{dataset.name}/{testset.name}", f"{name} re-encodes files", of))
            reencoded[dataset.name, testset.name, name] = steps
    for words in by_words(done):
        progress.say(f"  {words}")
    return Equalised(every, reencoded)
