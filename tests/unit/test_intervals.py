"""The bootstrap: its metrics, what it draws, and whether its intervals hold what they promise."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import t
from simulated import Benchmark, held, truths

from forenbench.metrics import bootstrap, intervals
from forenbench.metrics.bootstrap import images
from forenbench.metrics.comparison import auroc_error
from forenbench.metrics.counts import Counts
from forenbench.metrics.intervals import ScoredImages, ends, replicates
from forenbench.metrics.metric_values import decide, decide_each, rank, rank_each, why_none
from forenbench.metrics.spread import DIFFERENCE, SHARE, interval

SIX = [0.1, 0.2, 0.4, 0.5, 0.6, 0.9]
SCORES = st.sampled_from(SIX)


def named(number: int) -> list[str]:
    return [f"{at:06d}.png" for at in range(number)]


def made(random: np.random.Generator, number: int, apart: float = 1.0) -> ScoredImages:
    """As many reals as fakes; probabilities whose logits are normal."""
    labels = np.repeat([0, 1], number)
    logits = random.normal(size=2 * number) + apart * (labels - 0.5)
    return ScoredImages(labels, 1 / (1 + np.exp(-logits)), logits, 0.5, fitted=0.4)


def middle(values: np.ndarray) -> np.ndarray:
    """Where the middle 95 % of replicates lie."""
    return np.quantile(values, [0.025, 0.975])


def resampled(scored: ScoredImages) -> dict[str, np.ndarray]:
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
    found = rank_each(Counts(*sides)) | decide_each(Counts(*sides), first)
    repeated = np.repeat(labels, times), np.repeat(scores, times)
    exact = rank(*repeated) | decide(*repeated, threshold)
    assert {name: value[0] for name, value in found.items()} == pytest.approx(exact, abs=1e-9, nan_ok=True)


def test_the_first_replicate_of_everything_is_what_its_images_give() -> None:
    """Also for metrics of probabilities, through the names of the images that were drawn."""
    scored = made(np.random.default_rng(1), 60)
    drawn = images(scored.labels, named(120))
    identity = np.arange(120)
    first = next(bootstrap.resample(drawn, identity, 120, 0))
    times = (first.real + first.fake)[0].astype(int)
    assert times[:60].sum() == times[60:].sum() == 60
    again = np.repeat(identity, times)
    redrawn = ScoredImages(scored.labels[again], scored.scores[again], scored.logits[again], 0.5, 0.4)
    found = {name: values[0] for name, values in replicates(scored, drawn, identity).items()}
    assert found == pytest.approx({name: redrawn.metrics[name] for name in found}, abs=1e-9)
    assert {"ap", "auroc", "eer", "acc", "fitted_acc", "f1", "mcc", "nll", "brier"} <= found.keys()


@pytest.mark.parametrize("origins", [[], ["", "o1", "o1", "o2", "o3", "", "o2"]], ids=["images", "origins"])
def test_what_is_drawn_follows_from_label_and_names_as_documented(origins: list[str]) -> None:
    """Written out: a stream is one of a label and its images' names, or of origins' names alone."""
    labels, names = np.array([0, 0, 0, 1, 1, 1, 1]), list("abcdefg")
    drawn = images(labels, names, origins)
    for block in (0, 3):
        counts = next(bootstrap.resample(drawn, np.arange(7), 7, block))
        for label, found in enumerate((counts.real, counts.fake)):
            own = [at for at in range(7) if labels[at] == label]
            of = {at: origins[at] if origins and origins[at] else names[at] for at in own}
            distinct = sorted(set(of.values()))
            text = "\n".join(["origins" if origins else str(label), *distinct])
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
            stream = np.random.Generator(np.random.SFC64([seed, block]))
            if origins:
                times = stream.multinomial(len(distinct), [1 / len(distinct)] * len(distinct), 250)
                expected = [[row[distinct.index(of[at])] for at in own] for row in times]
            else:
                places = stream.integers(0, len(own), (250, len(own)), dtype=np.uint32)
                expected = [[list(row).count(at) for at in range(len(own))] for row in places]
            assert found[:, own].tolist() == expected


def test_reals_and_fakes_of_the_same_names_are_drawn_apart() -> None:
    counts = next(bootstrap.resample(images(np.repeat([0, 1], 20), 2 * named(20)), np.arange(40), 40, 0))
    assert not np.array_equal(counts.real[:, :20], counts.fake[:, 20:])


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
    whole = ScoredImages(labels, scores, None, 0.3)
    partly = ScoredImages(labels[rows], scores[rows], None, 0.3)
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
            ScoredImages(labels, scores, None, 0.3),
            images(labels, [*reals, *(f"{g}{n}" for n in range(40))]),
            rows,
        )
        for g in "ab"
    )
    assert np.array_equal(one["real_acc"], other["real_acc"])
    assert not np.array_equal(one["fake_acc"], other["fake_acc"])


def crops(scored: ScoredImages, number: int) -> tuple[ScoredImages, list[str], list[str]]:
    """Repeat each image, as so many crops that no detector can tell apart; their paths and origins."""
    origins = [f"o{at}" for at in range(len(scored.labels)) for _ in range(number)]
    again = np.repeat(np.arange(len(scored.labels)), number)
    logits = None if scored.logits is None else scored.logits[again]
    repeated = ScoredImages(scored.labels[again], scored.scores[again], logits, 0.5, 0.4)
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


@pytest.mark.slow
def test_steps_in_place_of_scores_change_intervals_by_little(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = made(np.random.default_rng(3), 2000)
    stepped = resampled(scored)
    monkeypatch.setattr(intervals, "STEPS", 10**6)
    exact = resampled(scored)
    for name in exact:
        found, known = middle(stepped[name]), middle(exact[name])
        assert np.abs(found - known).max() < 0.05 * np.ptp(known), name


def test_what_steps_change_in_a_metric_is_taken_off_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With eight steps AP alone would be off by more than its resamples vary."""
    monkeypatch.setattr(intervals, "STEPS", 8)
    scored = made(np.random.default_rng(3), 2000, 5.0)
    found = resampled(scored)
    for name in ("ap", "auroc", "eer"):
        assert found[name].mean() == pytest.approx(scored.metrics[name], abs=0.5 * found[name].std()), name
        assert found[name].max() <= 1


def test_resamples_are_a_thousand_different_ones_and_correlations_may_be_negative() -> None:
    found = resampled(made(np.random.default_rng(8), 200, 0.0))
    assert len(np.unique(found["auroc"])) > 500
    assert found["mcc"].min() < 0 < found["mcc"].max()


@pytest.mark.slow
@pytest.mark.parametrize(("reals", "fakes"), [(80, 8000), (8000, 80)])
def test_steps_tell_few_images_of_a_label_from_many_of_the_other_exactly(
    reals: int, fakes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.repeat([0, 1], [reals, fakes])
    scored = ScoredImages(labels, np.random.default_rng(0).normal(size=8080) + 5 * labels, None, 2.5)
    stepped = resampled(scored)
    monkeypatch.setattr(intervals, "STEPS", 10**6)
    exact = resampled(scored)
    for name in exact:
        assert middle(stepped[name]) == pytest.approx(middle(exact[name]), abs=1e-4), name


def test_the_spread_of_auroc_is_delongs() -> None:
    scored = made(np.random.default_rng(4), 300)
    spread = resampled(scored)["auroc"].std()
    assert spread == pytest.approx(auroc_error(scored.labels, scored.scores), rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reals", "fakes", "each"),
    [
        ("good", 30, 30, 1),
        ("near-perfect", 30, 30, 1),
        ("ties", 30, 30, 1),
        ("good", 300, 30, 1),
        ("good", 30, 30, 4),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(name: str, reals: int, fakes: int, each: int) -> None:
    """At least 95 % less four standard errors of so few runs; docs/metrics.md has more of them."""
    runs = 120
    found = held(Benchmark(name, reals, fakes, each), truths(name, reals, fakes), runs)
    assert {"ap", "eer", "acc", "bacc", "f1", "mcc", "nll", "brier"} <= found.keys()
    assert ("auroc" in found) == (reals == fakes)
    for metric, (shown, share) in found.items():
        error = np.sqrt(0.95 * 0.05 / (shown * runs))
        assert share > 0.95 - 4 * error, (metric, shown, share)


@pytest.mark.slow
def test_intervals_do_not_miss_on_the_flattering_side_only() -> None:
    """The middle of the replicates of a good detector's A.P. misses in one of eight benchmarks, all above."""
    truth, missed = truths("good", 30, 30)["ap"], [0, 0]
    benchmark = Benchmark("good", 30, 30, seed=3)
    for _ in range(60):
        ((values, made),) = benchmark.several(1)
        missed[0] += middle(made["ap"])[0] > truth
        missed[1] += dict(ends(made, values))["ap_low"] > truth
    assert missed[0] > 5
    assert missed[1] <= 3


@pytest.mark.slow
def test_intervals_that_take_crops_for_independent_hold_too_seldom() -> None:
    """Then nobody would need origins: 60 a label and 6 images of each, half of whose variance is theirs."""
    benchmark, truth, hits = Benchmark("weak", 60, 60, 6), truths("weak", 60, 60)["auroc"], []
    for run in range(60):
        scored = benchmark.scored()
        drawn = images(scored.labels, [f"{run}/{at}" for at in range(720)])
        values = replicates(scored, drawn, np.arange(720))["auroc"]
        low, high = interval(values, scored.metrics["auroc"], 360)
        hits.append(low <= truth <= high)
    assert np.mean(hits) < 0.85


def test_an_interval_is_students_on_the_logit_scale_around_what_resampling_has_added() -> None:
    """Written out for one metric in each kind of range."""
    values = np.random.default_rng(0).normal(0.82, 0.04, 1000)
    shift, far = values.mean() - 0.8, t(9).ppf(0.975)
    error = values.std() * np.sqrt(10 / 9)
    half = far * (error + shift / 2)
    slope = 1 / (0.8 * 0.2)
    ends = expit(logit(0.8) + slope * (np.array([-half, half]) - shift))
    assert interval(values, 0.8, 10) == pytest.approx(ends)
    assert interval(2 * values - 1, 0.6, 10, (-1, 1)) == pytest.approx(2 * ends - 1)
    assert interval(1 - values, 0.2, 10) == pytest.approx(1 - ends[::-1])
    logs = np.exp(np.log(0.8) + (np.array([-half, half]) - shift) / 0.8)
    assert interval(values, 0.8, 10, (0, np.inf)) == pytest.approx(logs)
    assert interval(values, 0.8, 10, DIFFERENCE) == pytest.approx([0.8 - far * error, 0.8 + far * error])


@pytest.mark.parametrize("value", [0.0, 1.0, 1 - 1e-15])
def test_at_an_end_of_its_range_a_metric_has_no_interval(value: float) -> None:
    assert np.isnan(interval(np.linspace(0.5, 1, 1000), value, 30, SHARE)).all()


@pytest.mark.parametrize(("number", "known"), [(0, False), (1, False), (2, True)])
def test_one_image_shows_no_spread(number: int, known: bool) -> None:
    assert np.isfinite(interval(np.linspace(0.5, 1, 1000), 0.7, number)).all() == known


def test_without_spread_there_is_no_interval() -> None:
    scored = ScoredImages(np.repeat([0, 1], 20), np.repeat([0.1, 0.9], 20), None, 0.5)
    assert np.isnan(list(dict(shown(scored)).values())).all()


def shown(scored: ScoredImages, **counts: int) -> dict[str, float]:
    """All ends of intervals."""
    number = {"real": int((scored.labels == 0).sum()), "fake": int((scored.labels == 1).sum()), "origins": 0}
    return dict(ends(resampled(scored), {**scored.metrics, **number, **counts}))


@pytest.mark.parametrize(
    ("metric", "few", "enough"),
    [
        ("tpr_at_fpr1", (499, 60), (500, 60)),
        ("tpr_at_fpr5", (99, 60), (100, 60)),
        ("fpr_at_tpr95", (60, 99), (60, 100)),
    ],
)
def test_rates_in_a_tail_of_few_images_have_no_interval(
    metric: str, few: tuple[int, int], enough: tuple[int, int]
) -> None:
    for numbers, known in ((few, False), (enough, True)):
        labels = np.repeat([0, 1], numbers)
        scores = expit(np.random.default_rng(1).normal(size=sum(numbers)) + 2 * labels - 1)
        assert np.isfinite(shown(ScoredImages(labels, scores, None, 0.5))[f"{metric}_low"]) == known


def test_losses_have_no_interval_where_hardly_an_image_is_called_wrong() -> None:
    """Such images are most of a mean loss: of one for Brier's, of two for the logarithmic one."""
    labels, known = np.repeat([0, 1], 20), []
    scores = np.concatenate([np.linspace(0.1, 0.4, 20), np.linspace(0.6, 0.9, 20)])
    for wrong in range(3):
        scores[5 : 5 + wrong] = 0.55
        found = shown(ScoredImages(labels, scores.copy(), None, 0.5))
        known.append([np.isfinite(found[f"{name}_low"]) for name in ("brier", "nll")])
    assert known == [[False, False], [True, False], [True, True]]


def test_a_balanced_accuracy_of_which_one_half_cannot_vary_has_no_interval() -> None:
    """All ten fakes are found, some of forty reals are not; with as many of either it is the accuracy."""
    for reals, known in ((40, False), (10, True)):
        scores = np.concatenate([np.linspace(0, 0.6, reals), np.linspace(0.7, 0.9, 10)])
        found = shown(ScoredImages(np.repeat([0, 1], [reals, 10]), scores, None, 0.5, fitted=0.5))
        assert np.isfinite(found["acc_low"])
        assert [np.isfinite(found[f"{name}_low"]) for name in ("bacc", "fitted_bacc")] == [known] * 2


def test_an_auroc_of_few_images_beside_many_has_no_interval() -> None:
    """Of 30 fakes beside 300 reals it held the truth in 90 %: the spread of so few is often far too small."""
    for real, fake, shown in (
        (300, 30, False),
        (30, 300, False),
        (297, 99, False),
        (300, 100, True),
        (80, 30, True),
    ):
        found = {"real": real, "fake": fake, "origins": 0, "auroc": 0.9, "acc": 0.8}
        assert (why_none("auroc", found) == "") == shown, (real, fake)
        assert why_none("ap", found) == ""


def test_an_auroc_that_rests_on_next_to_no_pair_has_no_interval() -> None:
    """Of 300 and 100, a fake below 10 reals is 1/30 of an image; below 20 it is 1/15."""
    labels = np.repeat([0, 1], [300, 100])
    for below, known in ((10, False), (20, True)):
        scores = np.concatenate([np.linspace(0, 0.5, 300), np.linspace(0.6, 1, 100)])
        scores[300] = scores[300 - below] - 1e-6
        found = shown(ScoredImages(labels, scores, None, 0.55))
        assert np.isfinite(found["auroc_low"]) == known
        assert np.isfinite(found["ap_low"])


def test_calibration_errors_and_the_oracle_have_no_interval() -> None:
    found = shown(made(np.random.default_rng(1), 60))
    assert not [name for name in found if name.startswith(("ece", "oracle")) and np.isfinite(found[name])]


def test_a_metric_that_many_resamples_leave_undefined_has_no_interval() -> None:
    """One image of 40 is called fake, so that in a third of the resamples none is, and MCC undefined."""
    scores = np.array([0.1] * 39 + [0.9])
    found = resampled(ScoredImages(np.repeat([0, 1], 20), scores, None, 0.5))
    assert 0.25 < np.isnan(found["mcc"]).mean() < 0.45
    assert np.isnan(interval(found["mcc"], 0.16, 20, (-1, 1))).all()
    assert np.isfinite(interval(found["fake_acc"], 0.05, 20)).all()


@pytest.mark.parametrize(("others", "known"), [(0, False), (20, False), (30, True)])
def test_where_nearly_all_resamples_agree_there_is_no_interval(others: int, known: bool) -> None:
    values = np.repeat([0.5, 0.6], [1000 - others, others])
    assert np.isfinite(interval(values, 0.5, 30)).all() == known


@pytest.mark.parametrize(("labels", "defined"), [([], False), ([1, 1, 1], True), ([0, 0], True)])
def test_one_label_has_accuracies_only(labels: list[int], defined: bool) -> None:
    scored = ScoredImages(np.array(labels, int), np.linspace(0.3, 0.8, len(labels)), None, 0.5)
    found = resampled(scored)
    assert "auroc" not in found
    assert ("acc" in found) == defined


def test_the_value_is_in_its_interval_also_where_every_resample_is_on_one_side() -> None:
    """With all fakes below all reals AP is at its lowest; an image drawn twice makes ties, which raise it."""
    scored = ScoredImages(np.repeat([0, 1], 35), np.linspace(1, 0, 70), None, 0.5)
    found, value = resampled(scored)["ap"], scored.metrics["ap"]
    assert (found > value).all()
    low, high = interval(found, value, 35)
    assert low <= value <= high
