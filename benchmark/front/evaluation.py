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
from forenbench.records.store import Store
from forenbench.scoring.gathering import Gathered, gather
from forenbench.scoring.memory import network_memory
from forenbench.scoring.run_request import Means, Request, joint_name, parse_perturbations, run_folder
from forenbench.scoring.workers import Workplace
from forenbench.scoring.working import EngineChoice, working

from .checking import check_request
from .equalising import equalise
from .talk import short
from .telling import Say, describe_absent, describe_dataset, describe_other_rules, describe_problems

if TYPE_CHECKING:
    from forenbench.scoring.outcome import Summary
    from forenbench.tables.table import Table

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
    """

    request: Request
    means: Means
    choice: EngineChoice
    equalise: Sequence[str] = ()
    out: Path | None = None
    seed: int = 0
    precision: str = "fp32"
    keep_going: bool = False

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

        devices = self.choice.devices()
        perturbations = parse_perturbations(self.request)
        means = replace(self.means, device=devices[0], protocol=self.protocol)
        store = Store(self.folder)
        with progress:
            gathered = gather(self.request, means, progress.files, Room(network_memory(means.device)))
            replaced = any(one.is_replaced for job in gathered.jobs for one in job.detectors)
            if means.files.trained_on and not replaced:  # no table would show what the user states
                raise BenchError(
                    "what other weights than the published ones have seen is stated (trained_on), and this "
                    "run has none; detectors state the rest themselves"
                )
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
            summary = Summary()
            # The first device is this process's; each other one has a process that loads all of it again.
            workplace = Workplace(self.request, means, settings, store, devices[1:])
            with stopping() if stopping else nullcontext(lambda: False) as progress.stop:
                for number in range(gathered.rounds):
                    summary.add(self._score(workplace, gathered, number, progress))
        return Evaluated(gathered, summary, store)

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


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What became of an evaluation.

    Attributes:
        gathered: What was run, and what could not be had.
        summary: How it went.
        store: The rows.
    """

    gathered: Gathered
    summary: Summary
    store: Store

    @property
    def is_whole(self) -> bool:
        """Whether everything that was asked for was scored."""
        return not (self.summary.problems or self.summary.unfinished or self.gathered.absent)

    def describe(self, written: Sequence[str], say: Say) -> None:
        """Say where everything is, `written` among it, and what is not whole."""
        summary, store = self.summary, self.store
        say(f"In {short(store.root)}/: scores/ (a row for every image), {', '.join(written)}")
        if not summary.computed:
            say(f"Nothing to compute: all {summary.present} cells were done before.", "green")
        if summary.problems:
            describe_problems(summary, store, say)
        if summary.unfinished:
            say(f"{summary.unfinished} cells are not done: the same command goes on with them.", "red")
        describe_absent(self.gathered.absent, say)

    def write_tables(self) -> tuple[Table, list[str]]:
        """Write every table and the leaderboard beside the rows (see `write_tables`)."""
        return write_tables(self.store)

    def paper_table(self, name: str) -> Table:
        """Lay out a published table from the rows."""
        from .results import Results

        return Results([self.store]).table(name)


def write_tables(store: Store) -> tuple[Table, list[str]]:
    """Write every table and the leaderboard, made from a store's rows.

    Returns:
        The main table, a protocol's own where it has one, and what there is, in words, relative to the run
        folder.
    """
    from forenbench.tables import accuracy_and_precision, by_protocol, measure
    from forenbench.tables.exports import export
    from forenbench.tables.table import NothingToShow

    cells = measure([store])
    files = [Path(name) for name in export(cells, store.root)]
    # Each table is two files of one name; of the files beside tables/, the leaderboard, all are named.
    names = dict.fromkeys(file.stem for file in files if file.parts[0] == "tables")
    boards = [file.name for file in files if file.parts[0] != "tables"]
    try:
        main = by_protocol.table(cells)
    except NothingToShow:
        main = accuracy_and_precision(cells)
    return main, [f"tables/ ({', '.join(names)}, each as .csv and .md)", *boards]
