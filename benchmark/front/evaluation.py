"""One evaluation, from what is asked to a filled run folder: what ``bench run`` and `evaluate` share.

What needs PyTorch or pandas is imported where it is used: ``bench run`` says that it loads before they do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.files.in_use import using
from forenbench.files.places import cache_folder
from forenbench.records.store import Store
from forenbench.scoring.gathering import Gathered, gather
from forenbench.scoring.memory import network_memory
from forenbench.scoring.numerics import check_precision
from forenbench.scoring.run_request import Means, Request, joint_name, parse_perturbations, run_folder
from forenbench.scoring.workers import Workplace
from forenbench.scoring.working import EngineChoice, working

from .checking import check_request
from .config import save_config
from .equalising import equalise
from .evaluated import Evaluated
from .telling import (
    describe_absent,
    describe_dataset,
    describe_means,
    describe_other_rules,
    describe_precision,
)

if TYPE_CHECKING:
    from forenbench.scoring.outcome import Summary
    from forenbench.tables.required import Limits, Requirement

    from .bars import Quiet, RunProgress

Stopping = Callable[[], AbstractContextManager[Callable[[], bool]]]
"""Makes what says, while the scoring goes on, whether somebody asked for its end."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is asked of one run.

    Attributes:
        request: Detectors over test sets and perturbations.
        means: What it is carried out with; its device is chosen here.
        choice: What scores, and on which devices.
        equalise: Re-encodings that make files alike (see `forenbench.tables.equalised.check`).
        out: The run folder; None: one below ``results/runs``, named after the datasets.
        seed: Of random perturbations.
        precision: See `forenbench.scoring.numerics.Numerics`.
        keep_going: Try detectors that fail on everything on the rest, too.
        fail_below: How low metrics may be (see `forenbench.tables.required.parse_requirements`).
        fail_above: How high metrics may be of which lower is better.
    """

    request: Request
    means: Means
    choice: EngineChoice
    equalise: Sequence[str] = ()
    out: Path | None = None
    seed: int = 0
    precision: str = "fp32"
    keep_going: bool = False
    fail_below: Limits = ()
    fail_above: Limits = ()

    @property
    def folder(self) -> Path:
        """The run folder; published tables share cells, and so theirs."""
        # All papers in one: what LGrad's third table needs, its second may have run already.
        name = "papers" if self.request.table else joint_name(self.request.datasets)
        means = self.means
        chosen_by = (means.limit, means.split, self.precision, means.listed, means.rules.reals)
        return self.out or run_folder(name, self.protocol, *chosen_by)

    @property
    def protocol(self) -> str:
        """By which images count: a published table may have its own.

        Raises:
            BenchError: It has, and another one is asked for.
        """
        asked, own = self.means.protocol, self.request.protocol
        if own and asked not in ("all", own):
            raise BenchError(
                f"the images of table '{self.request.table}' count by protocol '{own}': leave out '{asked}', "
                "or name detectors and datasets in place of the table"
            )
        return own or asked

    def check(self) -> None:
        """Refuse misspelt words, and what is not there, before anything heavy is imported.

        Raises:
            NotReady: Weights are not here; it says what can be run.
            BenchError: Something else cannot be carried out.
        """
        if self.fail_below or self.fail_above:
            from forenbench.tables.required import parse_requirements  # brings pandas

            parse_requirements(self.fail_below, self.fail_above)
        check_request(
            self.request, replace(self.means, protocol=self.protocol), self.precision, self.equalise
        )

    def carry_out(self, progress: RunProgress | Quiet, stopping: Stopping | None = None) -> Evaluated:
        """Load, open, score and store; what is done already is not done again.

        Args:
            progress: Told of it, and what the user must know.
            stopping: Says whether the scoring is to end early; None: nothing but Ctrl-C ends it.

        Raises:
            BenchError: The request cannot be carried out.
            RunFailed: The work broke off: a full disk, say. What is finished is kept.
        """
        # Now, for to import what follows takes seconds, and to load weights and read a dataset minutes.
        self.check()
        from forenbench.plugins.network_room import Room
        from forenbench.scoring.outcome import Summary
        from forenbench.scoring.plan import RunSettings
        from forenbench.tables.required import parse_requirements

        devices = self.choice.devices()
        if self.choice.name == "local":
            check_precision(self.precision, devices)
        perturbations = parse_perturbations(self.request)
        required = parse_requirements(self.fail_below, self.fail_above)
        means = replace(self.means, device=devices[0], protocol=self.protocol)
        store = Store(self.folder)
        with progress, using(cache_folder()):
            gathered = gather(self.request, means, progress.files, Room(network_memory(means.device)))
            replaced = any(one.is_replaced for job in gathered.jobs for one in job.detectors)
            if means.files.trained_on and not replaced:  # no table would show what the user states
                raise BenchError(
                    "what other weights than the published ones have seen is stated (trained_on), and this "
                    "run has none; detectors state the rest themselves"
                )
            describe_means(store, ",".join(devices), self.precision, gathered.jobs, progress.detail)
            describe_precision(self.precision, devices, progress.say)
            for job in gathered.jobs:
                describe_dataset(job.dataset, [one.detector for one in job.detectors], progress.say)
            describe_other_rules(gathered.datasets, store, progress.say)
            # Only now: what makes files alike rests on what they are, the smallest one's side say.
            alike = equalise(perturbations, self.equalise, gathered.datasets, self.seed, progress)
            describe_absent(gathered.absent, progress.say)
            if gathered.rounds > 1:
                progress.say(
                    f"networks take more memory than is free: detectors score in {gathered.rounds} rounds"
                )
            settings = RunSettings(
                alike.perturbations, self.seed, self.precision, self.keep_going, alike.reencoded
            )
            self._save(required)
            summary = Summary()
            # The first device is this process's; each other one has a process that loads all of it again.
            workplace = Workplace(self.request, means, settings, store, devices[1:])
            stop = stopping() if stopping else nullcontext(lambda: False)
            with using(store.root), stop as progress.stop:
                for number in range(gathered.rounds):
                    summary.add(self._score(workplace, gathered, number, progress))
        return Evaluated(gathered, summary, store, required)

    def _save(self, required: Sequence[Requirement]) -> None:
        """Keep in the run folder what was asked for."""
        others = {
            "seed": self.seed,
            "precision": self.precision,
            "keep_going": self.keep_going,
            "equalise": list(self.equalise),
            "fail_below": {one.name: one.value for one in required if one.is_least},
            "fail_above": {one.name: one.value for one in required if not one.is_least},
        }
        save_config(self.folder, self.request, self.means, self.choice, others)

    def _score(
        self, workplace: Workplace, gathered: Gathered, number: int, progress: RunProgress | Quiet
    ) -> Summary:
        """Score one round; a function of its own, so that at its end nothing holds its networks."""
        from forenbench.scoring.outcome import Summary
        from forenbench.scoring.plan import plan
        from forenbench.scoring.runner import run

        if gathered.rounds > 1:
            names = [one.name for some in gathered.loaded.values() for one in some if one.round == number]
            progress.say(
                f"round {number + 1} of {gathered.rounds}: {', '.join(dict.fromkeys(names))}", "bold"
            )
            tasks = plan(gathered.jobs, workplace.settings, number)
            done = Summary.of(tasks, [()] * len(tasks), workplace.store, [])
            if not done.unfinished:  # nothing is loaded for it
                return done
            gathered = gathered.load_round(number, workplace.means)
            workplace = replace(workplace, request=gathered.request)
        with working(self.choice, workplace, gathered, progress.note) as engine:
            return run(gathered.jobs, workplace.settings, workplace.store, engine, progress)
