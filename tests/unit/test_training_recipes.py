"""The papers' hyper-parameters and schedules, against values worked out from their text by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forenbench.errors import BenchError
from forenbench.training.card import recipe_of
from forenbench.training.recipes import CNNDETECTION, LGRAD, UNIVFD_LC, Augmentation
from forenbench.training.schedules import EarlyStopping, LinearDecay, Plateau, Stage, StepDecay


def rates(schedule: StepDecay | LinearDecay, start: float, epochs: int) -> list[float]:
    stage, found = Stage(start), []
    for epoch in range(epochs):
        found.append(stage.rate)
        stage = schedule.after(stage, epoch, None)
    return found


def trace(accuracies: list[float], rate: float = 1e-4) -> list[Stage]:
    stage, found = Stage(rate), []
    for epoch, accuracy in enumerate(accuracies):
        stage = EarlyStopping().after(stage, epoch, accuracy)
        found.append(stage)
    return found


def test_lgrad_drops_by_a_fifth_after_epochs_10_to_90() -> None:
    found = rates(LGRAD.schedule, LGRAD.rate, LGRAD.epochs)  # type: ignore[arg-type]
    assert len(found) == 100
    assert found[:11] == [5e-4] * 11  # epoch 10 still runs at the first rate: the drop is at its end
    assert found[11:21] == [pytest.approx(4e-4)] * 10
    assert found[91:] == [pytest.approx(6.7e-5, rel=2e-3)] * 9
    assert len(set(found)) == 10


def test_early_stopping_drops_twice_and_ends() -> None:
    """A flat accuracy: one epoch sets the bar, five wait; three times over."""
    stages = trace([0.9] * 18)
    assert [stage.rate for stage in stages[:5]] == [1e-4] * 5
    assert stages[5].rate == pytest.approx(1e-5)
    assert stages[11].rate == pytest.approx(1e-6)
    assert [stage.stop for stage in stages] == [False] * 17 + [True]


def test_a_gain_below_the_demand_does_not_count() -> None:
    """0.001 before the first drop, 0.002 after it; creeping up slower than that is standing still."""
    stages = trace([0.5, 0.5005, 0.5009, 0.5010, 0.5011, 0.502])
    assert [stage.improved for stage in stages] == [True, False, False, True, False, True]
    assert [stage.waited for stage in stages] == [0, 1, 2, 0, 1, 0]
    second = trace([0.5] * 6 + [0.6, 0.6015, 0.602])[6:]
    assert [stage.improved for stage in second] == [True, False, True]


def test_the_first_epoch_after_a_drop_counts_even_if_it_is_worse() -> None:
    """The official code's fresh early-stopping object has no best score yet: `improved` is when it saves."""
    stages = trace([0.9] + [0.8] * 5 + [0.1, 0.05])
    assert [stage.improved for stage in stages] == [True] + [False] * 5 + [True, False]
    assert stages[6].best == 0.1


def test_early_stopping_needs_an_accuracy() -> None:
    with pytest.raises(ValueError, match="validation accuracy"):
        EarlyStopping().after(Stage(1e-4), 0, None)


def test_linear_decay_is_cyclegans() -> None:
    """Its `lambda_rule`, from epoch 0: 1 - max(0, epoch + 1 - niter) / (niter_decay + 1)."""
    found = rates(LinearDecay(), 2e-4, 100)
    assert found[:50] == [pytest.approx(2e-4)] * 50
    expected = [2e-4 * (1 - max(0, epoch + 1 - 50) / 51) for epoch in range(50, 100)]
    assert found[50:] == [pytest.approx(rate) for rate in expected]
    assert min(found) > 0


def test_a_linear_decay_ends_at_zero_and_halves_any_number_of_epochs() -> None:
    assert rates(LinearDecay(2, 2), 3.0, 8) == [pytest.approx(rate) for rate in (3, 3, 2, 1, 0, 0, 0, 0)]
    assert [(one.constant, one.decay) for one in map(LinearDecay.over, (1, 4, 5))] == [(0, 1), (2, 2), (2, 3)]
    assert min(rates(LinearDecay.over(7), 1.0, 7)) > 0


def plateau(seen: list[float], **settings: float) -> list[bool]:
    stage, stops = Stage(1e-3), []
    for epoch, value in enumerate(seen):
        stage = Plateau(3, **settings).after(stage, epoch, value)
        stops.append(stage.stop)
    return stops


def test_a_plateau_ends_after_its_patience_and_equal_is_no_better() -> None:
    """Keras counts epochs that are not strictly better, and stops when there are `patience` of them."""
    assert plateau([-0.5, -0.6, -0.5, -0.7]) == [False, False, False, True]
    assert plateau([-0.5, -0.6, -0.6, -0.4, -0.5, -0.5, -0.39]) == [False] * 7
    assert plateau([0.9, 1.0], enough=1.0) == [False, True]
    with pytest.raises(ValueError, match="needs a validation"):
        Plateau(3).after(Stage(1.0), 0, None)


def test_settings_that_older_cards_lack_do_not_make_another_training() -> None:
    """Names as 0.1.0 wrote them: a card of that version still belongs to the same command."""
    names = "rate batch epochs schedule keep official_keep optimiser betas augmentation resize crop flip"
    found = recipe_of(CNNDETECTION)
    assert sorted(found) == sorted([*names.split(), "head_deviation", "validate_every"])
    changed = recipe_of(replace(CNNDETECTION, decay=1e-4))
    assert {name: changed[name] for name in changed.keys() - found.keys()} == {"decay": 1e-4}


def test_hyper_parameters_are_the_published_ones() -> None:
    adam = (0.9, 0.999)
    assert (CNNDETECTION.optimiser, CNNDETECTION.rate, CNNDETECTION.batch) == ("adam", 1e-4, 64)
    assert (LGRAD.optimiser, LGRAD.rate, LGRAD.batch, LGRAD.epochs) == ("adam", 5e-4, 16, 100)
    assert (UNIVFD_LC.optimiser, UNIVFD_LC.rate, UNIVFD_LC.batch, UNIVFD_LC.epochs) == (
        "adamw",
        1e-4,
        256,
        100,
    )
    for recipe in (CNNDETECTION, LGRAD, UNIVFD_LC):
        assert (recipe.betas, recipe.crop, recipe.flip, recipe.head_deviation) == (adam, 224, 0.5, 0.02)
    assert CNNDETECTION.augmentation == Augmentation(0.5, 0.5, (0.0, 3.0), (30, 100))
    assert LGRAD.augmentation == Augmentation(0.0, 0.0)
    assert (CNNDETECTION.resize, UNIVFD_LC.resize, LGRAD.keep) == (256, 256, "last")


@pytest.mark.parametrize(
    ("text", "blur", "jpeg"),
    [
        ("none", 0, 0),
        ("blur:0.5", 0.5, 0),
        ("jpeg:0.5", 0, 0.5),
        ("blur_jpg:0.1", 0.1, 0.1),
        ("blur:1", 1, 0),
    ],
)
def test_augmentations_by_name(text: str, blur: float, jpeg: float) -> None:
    assert Augmentation.parse(text) == Augmentation(blur, jpeg)


@pytest.mark.parametrize("text", ["blur", "blur:2", "jpeg:-0.1", "jpg:0.5", "", "none:0.5", "blur:nan"])
def test_other_augmentations_are_refused(text: str) -> None:
    with pytest.raises(BenchError, match="blur_jpg:P"):
        Augmentation.parse(text)


def test_validation_takes_the_middle_of_each_range_with_the_same_probability() -> None:
    middle = Augmentation(0.5, 0.1).midpoint()
    assert (middle.sigma, middle.quality) == ((1.5, 1.5), (65, 65))
    assert (middle.blur, middle.jpeg) == (0.5, 0.1)
