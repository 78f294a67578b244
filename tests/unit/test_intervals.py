"""The bootstrap: its metrics, what it draws, and whether its intervals hold what they promise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import norm

from forenbench.measurements import ends
from forenbench.statistics import bootstrap, intervals
from forenbench.statistics.bootstrap import images, interval
from forenbench.statistics.calibration import BINS
from forenbench.statistics.comparison import auroc_error
from forenbench.statistics.counts import Counts, decide, decide_best, rank
from forenbench.statistics.intervals import Scored, replicates
from forenbench.statistics.metrics import decide as decide_exactly
from forenbench.statistics.metrics import rank as rank_exactly

SIX = [0.1, 0.2, 0.4, 0.5, 0.6, 0.9]
SCORES = st.sampled_from(SIX)


def named(number: int) -> list[str]:
    return [f"{at:06d}.png" for at in range(number)]


def made(random: np.random.Generator, number: int, apart: float = 1.0) -> Scored:
    """As many reals as fakes; probabilities whose logits are normal."""
    labels = np.repeat([0, 1], number)
    logits = random.normal(size=2 * number) + apart * (labels - 0.5)
    return Scored(labels, 1 / (1 + np.exp(-logits)), logits, 0.5, fitted=0.4)


def resampled(scored: Scored) -> dict[str, np.ndarray]:
    number = len(scored.labels)
    return replicates(scored, images(scored.labels, named(number)), np.arange(number))


@settings(deadline=None)
@given(
    st.lists(st.tuples(SCORES, st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=25),
    st.sampled_from([0.05, 0.2, 0.5, 0.9]),
)
def test_metrics_of_counts_are_those_of_the_images_repeated(
    drawn: list[tuple[float, int, int]], threshold: float
) -> None:
    """Each image counts as often as it was drawn."""
    drawn = [(0.4, 0, 1), (0.4, 1, 1), *drawn]
    scores, labels, times = (np.array(column) for column in zip(*drawn, strict=True))
    steps = np.unique(scores)
    place = np.searchsorted(steps, scores)
    sides = [
        np.bincount(place, times * (labels == label), minlength=len(steps))[None].astype(float)
        for label in (0, 1)
    ]
    first = int(np.searchsorted(steps, threshold, side="right"))
    found = rank(Counts(*sides)) | decide(Counts(*sides), first)
    repeated = np.repeat(labels, times), np.repeat(scores, times)
    exact = rank_exactly(*repeated) | decide_exactly(*repeated, threshold)
    assert {name: value[0] for name, value in found.items()} == pytest.approx(exact, abs=1e-9, nan_ok=True)
    cuts = [decide_exactly(*repeated, at) for at in (0.0, *SIX)]
    best = {name: value[0] for name, value in decide_best(Counts(*sides)).items()}
    assert best["acc"] == pytest.approx(max(cut["acc"] for cut in cuts))
    assert any(best == pytest.approx(cut, abs=1e-9, nan_ok=True) for cut in cuts)


def test_the_first_replicate_of_everything_is_what_its_images_give() -> None:
    """Also for metrics of probabilities, through the names of the images that were drawn."""
    scored = made(np.random.default_rng(1), 60)
    drawn = images(scored.labels, named(120))
    identity = np.arange(120)
    first = next(bootstrap.resample(drawn, identity, 120, 0))
    times = (first.real + first.fake)[0].astype(int)
    assert times[:60].sum() == times[60:].sum() == 60
    again = np.repeat(identity, times)
    redrawn = Scored(scored.labels[again], scored.scores[again], scored.logits[again], 0.5, 0.4)
    found = replicates(scored, drawn, identity)
    other = ("oracle_", "ece_mass")  # their threshold and bins are not found anew
    exact = {name: value for name, value in redrawn.metrics.items() if not name.startswith(other)}
    assert {name: found[name][0] for name in exact} == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("origins", [[], [f"o{at % 30}" for at in range(100)]], ids=["images", "origins"])
def test_memory_changes_no_draw(monkeypatch: pytest.MonkeyPatch, origins: list[str]) -> None:
    drawn, steps = images(np.repeat([0, 1], 50), named(100), origins), np.arange(100)
    (before,) = bootstrap.resample(drawn, steps, 100, 1)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 700)
    pieces = list(bootstrap.resample(drawn, steps, 100, 1))
    assert len(pieces) > 1
    assert np.array_equal(before.real, np.concatenate([piece.real for piece in pieces]))
    assert np.array_equal(before.fake, np.concatenate([piece.fake for piece in pieces]))


def test_two_detectors_see_the_same_resamples_also_where_one_failed() -> None:
    """One with all scores right and one with two images missing agree but for what these two change."""
    labels, paths = np.repeat([0, 1], 40), named(80)
    scores = np.linspace(0, 1, 80)
    rows = np.delete(np.arange(80), [3, 77])
    whole = Scored(labels, scores, None, 0.3)
    partly = Scored(labels[rows], scores[rows], None, 0.3)
    drawn = images(labels, paths)
    first, second = replicates(whole, drawn, np.arange(80)), replicates(partly, drawn, rows)
    assert np.corrcoef(first["real_acc"], second["real_acc"])[0, 1] > 0.9
    other = replicates(whole, images(labels, [f"other/{path}" for path in paths]), np.arange(80))
    assert abs(np.corrcoef(first["real_acc"], other["real_acc"])[0, 1]) < 0.2


def test_test_sets_that_share_reals_share_their_draws() -> None:
    labels = np.repeat([0, 1], 40)
    scores = np.arange(80) * 37 % 80 / 80
    reals, rows = named(40), np.arange(80)
    one, other = (
        replicates(
            Scored(labels, scores, None, 0.3), images(labels, [*reals, *(f"{g}{n}" for n in range(40))]), rows
        )
        for g in "ab"
    )
    assert np.array_equal(one["real_acc"], other["real_acc"])
    assert not np.array_equal(one["fake_acc"], other["fake_acc"])


def crops(scored: Scored, number: int) -> tuple[Scored, list[str], list[str]]:
    """Repeat each image, as so many crops that no detector can tell apart; their paths and origins."""
    origins = [f"o{at}" for at in range(len(scored.labels)) for _ in range(number)]
    again = np.repeat(np.arange(len(scored.labels)), number)
    logits = None if scored.logits is None else scored.logits[again]
    repeated = Scored(scored.labels[again], scored.scores[again], logits, 0.5, 0.4)
    return repeated, [f"{origin}_{at}" for at, origin in enumerate(origins)], origins


def test_crops_of_a_photograph_count_as_one_witness() -> None:
    """Eight equal crops of each say no more than the photographs; taken for independent, they seem to."""
    once = made(np.random.default_rng(4), 100)
    repeated, paths, origins = crops(once, 8)
    rows = np.arange(len(paths))
    as_they_are = replicates(repeated, images(repeated.labels, paths, origins), rows)["auroc"].std()
    as_images = replicates(repeated, images(repeated.labels, paths), rows)["auroc"].std()
    error = auroc_error(once.labels, once.scores)
    assert as_they_are == pytest.approx(error, rel=0.1)
    assert as_images == pytest.approx(error / np.sqrt(8), rel=0.1)


def test_a_real_and_its_fake_are_drawn_together() -> None:
    labels, origins = np.repeat([0, 1], 30), [f"photograph {at}" for at in [*range(30), *range(30)]]
    drawn = images(labels, named(60), origins)
    counts = next(bootstrap.resample(drawn, np.tile(np.arange(30), 2), 30, 0))
    assert np.array_equal(counts.real, counts.fake)
    assert (counts.reals == 30).all()
    assert drawn.origins == 30
    assert counts.real.mean(0) == pytest.approx(np.ones(30), abs=4 / np.sqrt(250))


def test_images_without_an_origin_stand_for_themselves() -> None:
    scored = made(np.random.default_rng(5), 20)
    rows, paths = np.arange(40), named(40)
    plain, empty, partly = (
        replicates(scored, images(scored.labels, paths, origins), rows)
        for origins in ([], [""] * 40, ["a", "a", *[""] * 38])
    )
    assert images(scored.labels, paths, [""] * 40).origins == 0
    assert images(scored.labels, paths, ["a", "a", *[""] * 38]).origins == 19
    assert all(np.array_equal(plain[name], empty[name]) for name in plain)
    assert partly["auroc"].std() == pytest.approx(plain["auroc"].std(), rel=0.2)


def test_of_an_origin_that_is_drawn_only_the_scored_images_count() -> None:
    labels, origins = np.repeat([0, 1], 10), [f"o{at // 2}" for at in range(20)]
    step_of = np.where(np.arange(20) % 2, 0, -1)
    counts = next(bootstrap.resample(images(labels, named(20), origins), step_of, 1, 0))
    assert (counts.reals == 5).all()
    assert (counts.fakes == 5).all()


def test_steps_in_place_of_scores_change_intervals_by_little(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = made(np.random.default_rng(3), 2000)
    stepped = resampled(scored)
    monkeypatch.setattr(intervals, "STEPS", 10**6)
    exact = resampled(scored)
    for name in exact:
        ends, known = np.array(interval(stepped[name])), np.array(interval(exact[name]))
        assert np.abs(ends - known).max() < 0.05 * np.ptp(known), name


def test_what_steps_change_in_a_metric_is_taken_off_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With eight steps AP alone would be off by more than its resamples vary."""
    monkeypatch.setattr(intervals, "STEPS", 8)
    scored = made(np.random.default_rng(3), 2000, 5.0)
    found = resampled(scored)
    for name in ("ap", "auroc", "oracle_acc"):
        assert found[name].mean() == pytest.approx(scored.metrics[name], abs=0.5 * found[name].std()), name
        assert found[name].max() <= 1


def test_resamples_are_a_thousand_different_ones_and_correlations_may_be_negative() -> None:
    found = resampled(made(np.random.default_rng(8), 200, 0.0))
    assert len(np.unique(found["auroc"])) > 500
    assert found["mcc"].min() < 0 < found["mcc"].max()


@pytest.mark.parametrize(("reals", "fakes"), [(80, 8000), (8000, 80)])
def test_steps_tell_few_images_of_a_label_from_many_of_the_other_exactly(
    reals: int, fakes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.repeat([0, 1], [reals, fakes])
    scored = Scored(labels, np.random.default_rng(0).normal(size=8080) + 5 * labels, None, 2.5)
    stepped = resampled(scored)
    monkeypatch.setattr(intervals, "STEPS", 10**6)
    exact = resampled(scored)
    for name in exact:
        assert interval(stepped[name]) == pytest.approx(interval(exact[name]), abs=1e-4, nan_ok=True), name


def test_the_spread_of_auroc_is_delongs() -> None:
    scored = made(np.random.default_rng(4), 300)
    spread = resampled(scored)["auroc"].std()
    assert spread == pytest.approx(auroc_error(scored.labels, scored.scores), rel=0.1)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """300 benchmarks of 60 and 60 images from one population, whose values are known by formula.

    The bounds are four standard errors of the simulation about 95 %, and two points lower at the bottom:
    percentile intervals of few images are known to be somewhat narrow.
    """
    random, apart, runs = np.random.default_rng(6), 1.0, 300
    odds = norm(-apart / 2), norm(apart / 2)  # the logits of reals and of fakes

    def expected(value: Callable[[float, int], float]) -> float:
        parts = [quad(lambda z, y=y: value(z, y) * odds[y].pdf(z), -12, 12)[0] for y in (0, 1)]
        return float(np.mean(parts))

    truth = {
        "ap": 2 * expected(lambda z, y: y * odds[1].sf(z) / (odds[0].sf(z) + odds[1].sf(z))),
        "brier": expected(lambda z, y: (expit(z) - y) ** 2),
        "nll": expected(lambda z, y: np.logaddexp(0, -z if y else z)),
        "auroc": norm.cdf(apart / np.sqrt(2)),
        "real_acc": norm.cdf(apart / 2),
        "fake_acc": norm.cdf(apart / 2),
        "bacc": norm.cdf(apart / 2),
        "eer": norm.cdf(-apart / 2),
    }
    held = dict.fromkeys(truth, 0)
    for run in range(runs):
        scored = made(random, 60, apart)
        paths = [f"{run}/{at}" for at in range(120)]
        found = replicates(scored, images(scored.labels, paths), np.arange(120))
        for name, value in truth.items():
            low, high = interval(found[name], scored.metrics[name])
            held[name] += low <= value <= high
    error = np.sqrt(0.95 * 0.05 / runs)
    for name, number in held.items():
        assert 0.95 - 4 * error - 0.02 < number / runs < 0.95 + 4 * error, (name, number / runs)


@pytest.mark.slow
def test_intervals_of_calibration_errors_lie_about_the_truth() -> None:
    """Percentile intervals, above it, would hold it in one of four benchmarks or fewer."""
    random, apart, runs = np.random.default_rng(7), 2.0, 150
    density = [norm(-apart / 2).pdf, norm(apart / 2).pdf]

    def surplus(z: float) -> float:
        return float((expit(z) * density[0](z) + (expit(z) - 1) * density[1](z)) / 2)

    edges = logit(np.linspace(0, 1, BINS + 1)).clip(-12, 12)
    truth = sum(abs(quad(surplus, low, high)[0]) for low, high in pairwise(edges))
    held = {"ece": 0, "ece_mass": 0}
    for run in range(runs):
        scored = made(random, 60, apart)
        drawn = images(scored.labels, [f"{run}/{at}" for at in range(120)])
        found = dict(ends(replicates(scored, drawn, np.arange(120)), scored.metrics))
        for name in held:
            held[name] += found[f"{name}_low"] <= truth <= found[f"{name}_high"]
    assert all(number / runs > 0.75 for number in held.values()), held


@pytest.mark.slow
def test_intervals_hold_the_truth_where_images_share_origins() -> None:
    """As above, with 60 origins a label and 6 images of each, half of whose variance is their origin's."""
    random, apart, runs = np.random.default_rng(8), 1.0, 200
    labels = np.repeat([0, 1], 360)
    origins = [f"o{at // 6}" for at in range(720)]
    held = {"origins": 0, "images": 0}
    for run in range(runs):
        common, own = np.repeat(random.normal(size=120), 6), random.normal(size=720)
        scores = norm.cdf((common + own) / np.sqrt(2) + apart * (labels - 0.5))
        for how, of in (("origins", [f"{run}/{origin}" for origin in origins]), ("images", [])):
            drawn = images(labels, [f"{run}/{at}" for at in range(720)], of)
            found = replicates(Scored(labels, scores, None, 0.5), drawn, np.arange(720))
            low, high = interval(found["auroc"])
            held[how] += low <= norm.cdf(apart / np.sqrt(2)) <= high
    error = np.sqrt(0.95 * 0.05 / runs)
    assert 0.95 - 4 * error - 0.02 < held["origins"] / runs < 0.95 + 4 * error
    assert held["images"] / runs < 0.8, "then nobody would need origins"


def test_without_spread_there_is_no_interval() -> None:
    scored = Scored(np.repeat([0, 1], 20), np.repeat([0.1, 0.9], 20), None, 0.5)
    assert np.isnan(interval(resampled(scored)["auroc"])).all()


def test_a_metric_that_many_resamples_leave_undefined_has_no_interval() -> None:
    """One image of 40 is called fake, so that in a third of the resamples none is, and MCC undefined."""
    scores = np.array([0.1] * 39 + [0.9])
    found = resampled(Scored(np.repeat([0, 1], 20), scores, None, 0.5))
    assert 0.25 < np.isnan(found["mcc"]).mean() < 0.45
    assert np.isnan(interval(found["mcc"], 0.16)).all()
    assert np.isfinite(interval(found["fake_acc"], 0.05)).all()


@pytest.mark.parametrize(("others", "known"), [(0, False), (20, False), (30, True)])
def test_where_nearly_all_resamples_agree_there_is_no_interval(others: int, known: bool) -> None:
    values = np.repeat([0.5, 0.6], [1000 - others, others])
    assert np.isfinite(interval(values, 0.5)).all() == known


@pytest.mark.parametrize(("labels", "defined"), [([], False), ([1, 1, 1], True), ([0, 0], True)])
def test_one_label_has_accuracies_only(labels: list[int], defined: bool) -> None:
    scored = Scored(np.array(labels, int), np.linspace(0.3, 0.8, len(labels)), None, 0.5)
    found = resampled(scored)
    assert "auroc" not in found
    assert ("acc" in found) == defined


def test_the_value_is_in_its_interval_also_where_every_resample_is_on_one_side() -> None:
    """With all fakes below all reals AP is at its lowest; an image drawn twice makes ties, which raise it."""
    scored = Scored(np.repeat([0, 1], 35), np.linspace(1, 0, 70), None, 0.5)
    found, value = resampled(scored)["ap"], scored.metrics["ap"]
    assert (found > value).all()
    low, high = interval(found, value)
    assert low == value < high
