"""Benchmarks drawn from populations whose values are known: what intervals hold, and how often tests err.

``python tests/support/simulated.py intervals|tests NAME REALS FAKES EACH RUNS [DETECTORS]`` prints a line of
the tables in docs/metrics.md. EACH is how many images an origin has (1: images have none).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
from scipy.special import expit

from forenbench.metrics.bootstrap import images
from forenbench.metrics.comparison import bootstrap_p, holm
from forenbench.metrics.intervals import ScoredImages, ends, replicates

Made = Callable[[np.ndarray, np.ndarray], np.ndarray]
POPULATIONS: dict[str, Made] = {
    "weak": lambda noise, fake: noise + (fake - 0.5),
    "good": lambda noise, fake: 2.5 * (noise + 2.5 * (fake - 0.5)),
    "near-perfect": lambda noise, fake: 3.3 * (noise + 3.3 * (fake - 0.5)),
    "nearer": lambda noise, fake: 4.2 * (noise + 4.2 * (fake - 0.5)),
    "ties": lambda noise, fake: np.round(1.5 * (noise + 1.5 * (fake - 0.5))),
    "saturated": lambda noise, fake: np.clip(np.round(4 * (noise + 2 * (fake - 0.5))), -9, 9),
    "shifted": lambda noise, fake: np.where(fake == 1, 0.3 + 1.5 * noise, noise - 2.5),
}
"""Logits by the images' own noise (standard normal) and label."""
SHIFTED = {"at chance": lambda noise, fake: noise, **POPULATIONS}


class Benchmark:
    """One population's images, drawn again and again; `each` of an origin, half of their variance."""

    def __init__(self, name: str, reals: int, fakes: int, each: int = 1, seed: int = 0) -> None:
        self.made, self.origins, self.each = SHIFTED[name], (reals, fakes), each
        self.labels = np.repeat([0, 1], [reals * each, fakes * each])
        self.random, self.drawn = np.random.default_rng([seed, reals, fakes, each, *name.encode()]), 0

    def noise(self) -> np.ndarray:
        own = self.random.normal(size=len(self.labels))
        shared = np.repeat(self.random.normal(size=sum(self.origins)), self.each)
        return own if self.each == 1 else (shared + own) / np.sqrt(2)

    def scored(self, shared: np.ndarray | None = None) -> ScoredImages:
        noise = self.noise() if shared is None else (shared + self.noise()) / np.sqrt(2)
        logits = self.made(noise, self.labels)
        return ScoredImages(self.labels, expit(logits), logits, 0.5)

    def several(self, number: int) -> Iterator[tuple[dict[str, float], dict[str, np.ndarray]]]:
        """Yield values and replicates of equally good detectors, which find the same images hard."""
        self.drawn += 1
        names = [f"{self.drawn}/{at}" for at in range(len(self.labels))]
        origins = [f"{self.drawn}/o{at // self.each}" for at in range(len(self.labels))]
        drawn = images(self.labels, names, origins if self.each > 1 else ())
        shared = self.noise() if number > 1 else None
        for _ in range(number):
            one = self.scored(shared)
            values = {**one.metrics, **self.counts}
            yield values, replicates(one, drawn, np.arange(len(self.labels)))

    @property
    def counts(self) -> dict[str, int]:
        reals, fakes = self.origins
        origins = min(self.origins) if self.each > 1 else 0
        return {"real": reals * self.each, "fake": fakes * self.each, "origins": origins}


def truths(name: str, reals: int, fakes: int, images: int = 400_000) -> dict[str, float]:
    """Return the metrics of the population, from so many images of it."""
    share = fakes / (reals + fakes)
    return Benchmark(name, round(images * (1 - share)), round(images * share), seed=99).scored().metrics


def held(benchmark: Benchmark, truth: dict[str, float], runs: int) -> dict[str, tuple[float, float]]:
    """Return of each metric in how many runs it had an interval, and in how many of these that held."""
    found: dict[str, list[bool]] = {}
    for _ in range(runs):
        ((values, made),) = benchmark.several(1)
        shown = dict(ends(made, values))
        for metric in made:
            low, high = shown[f"{metric}_low"], shown[f"{metric}_high"]
            if np.isfinite(low):
                found.setdefault(metric, []).append(bool(low - 1e-9 <= truth[metric] <= high + 1e-9))
    return {metric: (len(hits) / runs, float(np.mean(hits))) for metric, hits in found.items()}


def false_alarms(benchmark: Benchmark, runs: int, detectors: int = 2) -> dict[str, tuple[float, float]]:
    """Return of each metric how many pairs differ with p < 5 %, and how many runs see any after Holm."""
    seen: dict[str, list[tuple[float, bool]]] = {"ap": [], "auroc": [], "acc": []}
    number = min(benchmark.origins)
    for _ in range(runs):
        several = list(benchmark.several(detectors))
        for metric, hits in seen.items():
            p_values = [
                bootstrap_p(one[metric] - other[metric], made[metric] - again[metric], number)
                for (one, made), (other, again) in combinations(several, 2)
            ]
            hits.append((float(np.mean(np.array(p_values) < 0.05)), min(holm(p_values)) < 0.05))
    return {metric: tuple(map(float, np.mean(hits, axis=0))) for metric, hits in seen.items()}  # type: ignore[misc]


def main(what: str, name: str, *numbers: str) -> None:
    reals, fakes, each, runs, *detectors = map(int, numbers)
    benchmark = Benchmark(name, reals, fakes, each)
    if what == "intervals":
        found = held(benchmark, truths(name, reals, fakes), runs)
    else:
        found = false_alarms(benchmark, runs, *detectors)
    line = ", ".join(f"{metric} {100 * one:.1f} {100 * other:.1f}" for metric, (one, other) in found.items())
    print(f"{what} {name} {' '.join(numbers)}: {line}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
