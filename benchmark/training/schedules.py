"""Learning-rate schedules: how the validation of an epoch decides the rate of the next, and the end.

What validation says is one number, greater is better: the accuracy, or minus the loss (see
`forenbench.training.recipes.TrainingRecipe.watch`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a schedule stands; plain values, kept in the training's state.

    Attributes:
        rate: Learning rate of the next epoch.
        best: Best validation that counts, since the last drop; None: nothing was seen since.
        waited: Epochs without sufficient improvement.
        improved: The last epoch was a sufficient improvement: official code saves its "best" model here.
        dropped: Number of drops so far.
        stop: Training is over.
    """

    rate: float
    best: float | None = None
    waited: int = 0
    improved: bool = False
    dropped: int = 0
    stop: bool = False


@dataclass(frozen=True, slots=True)
class StepDecay:
    """LGrad: the rate times `factor` at the end of epochs `every`, 2 · `every`, … (counted from 0)."""

    every: int = 10
    factor: float = 0.8

    def after(self, stage: Stage, epoch: int, seen: float | None) -> Stage:
        """Return the stage after an epoch; validation plays no role."""
        # LGrad's train.py asks `epoch % delr_freq == 0 and epoch
        # != 0` at an epoch's end, counting from 0: nine drops.
        if epoch == 0 or epoch % self.every:
            return stage
        return replace(stage, rate=stage.rate * self.factor, dropped=stage.dropped + 1)


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """CNNDetection: after `patience` epochs without improvement the rate drops tenfold, until training ends.

    The official code starts a fresh early-stopping object at each drop, which has seen nothing yet: whatever
    accuracy the next epoch has becomes the one to beat.

    Attributes:
        patience: Epochs in a row.
        demands: Improvement of the accuracy that counts: before the first drop, and afterwards.
        lowest: Rate below which training ends.
    """

    patience: int = 5
    demands: tuple[float, float] = (0.001, 0.002)
    lowest: float = 1e-6

    def after(self, stage: Stage, epoch: int, seen: float | None) -> Stage:
        """Return the stage after an epoch with this validation accuracy.

        Raises:
            ValueError: No accuracy.
        """
        if seen is None:
            raise ValueError("early stopping needs a validation accuracy")
        # With "at least", as official code has it: only a
        # score *below* best + demand counts as no improvement.
        if stage.best is None or seen >= stage.best + self.demands[stage.dropped > 0]:
            return replace(stage, best=seen, waited=0, improved=True)
        if stage.waited + 1 < self.patience:
            return replace(stage, waited=stage.waited + 1, improved=False)
        rate = stage.rate / 10
        # A hair of tolerance: 1e-5 / 10 happens to lie above 1e-6, other starts might fall below it.
        return Stage(rate, dropped=stage.dropped + 1, stop=rate < self.lowest * (1 - 1e-9))


@dataclass(frozen=True, slots=True)
class Constant:
    """One rate for all epochs."""

    def after(self, stage: Stage, epoch: int, seen: float | None) -> Stage:
        """Return the stage as it is."""
        return stage


@dataclass(frozen=True, slots=True)
class LinearDecay:
    """CycleGAN: one rate for `constant` epochs, then down in equal steps, nearly to zero in `decay` more."""

    constant: int = 50
    decay: int = 50

    @classmethod
    def over(cls, epochs: int) -> LinearDecay:
        """Keep the rate for half of a training, and let it fall in the other."""
        return cls(epochs // 2, epochs - epochs // 2)

    def after(self, stage: Stage, epoch: int, seen: float | None) -> Stage:
        """Return the stage after an epoch; validation plays no role."""
        # Its `lambda_rule` (models/networks.py) counts epochs from 1, and divides by one more than `decay`:
        # the last epoch still has a rate.
        before, now = (max(0, self.decay + 1 - max(0, at + 1 - self.constant)) for at in (epoch, epoch + 1))
        return replace(stage, rate=stage.rate * now / before if before else 0.0)


@dataclass(frozen=True, slots=True)
class Plateau:
    """One rate, until `epochs` in a row were no better than the best before them.

    Attributes:
        epochs: Without any improvement.
        enough: Training ends as soon as validation says so much.
    """

    epochs: int
    enough: float | None = None

    def after(self, stage: Stage, epoch: int, seen: float | None) -> Stage:
        """Return the stage after an epoch with this validation.

        Raises:
            ValueError: There was none.
        """
        if seen is None:
            raise ValueError("a plateau needs a validation")
        improved = stage.best is None or seen > stage.best
        waited = 0 if improved else stage.waited + 1
        stop = waited >= self.epochs or (self.enough is not None and seen >= self.enough)
        best = seen if improved else stage.best
        return replace(stage, best=best, waited=waited, improved=improved, stop=stop)


Schedule = StepDecay | EarlyStopping | Constant | LinearDecay | Plateau
VALIDATED = (EarlyStopping, Plateau)
"""Those that need validation images in every epoch."""
