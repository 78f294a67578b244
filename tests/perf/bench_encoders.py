"""Detectors that share an encoder against one of them, without and with the features on disk."""

from __future__ import annotations

from functools import partial

from measuring import alternately, ratio, scaled, title
from workloads import load_sample, open_folder, score, workplace, write_pngs

from forenbench.scoring.features import FeatureCache
from forenbench.scoring.reading import reader_processes

ROUNDS = 3
VARIANTS = ("univfd:lc", "univfd:nn-k1", "univfd:nn-k3", "univfd:nn-k5", "univfd:nn-k9")
ROOM = 1 << 30


def main() -> None:
    title("Five variants of UnivFD on one encoder (EfficientNet-Lite0, PNGs of 256²)")
    with workplace() as root:
        dataset, five = open_folder(write_pngs(root / "pngs", scaled(192, 64))), load_sample(*VARIANTS)
        run = partial(score, dataset, root=root, readers=reader_processes("cpu"))
        warm = FeatureCache(root / "features", ROOM)
        run(five, cache=warm)

        def separately() -> None:
            for name in VARIANTS:
                run(load_sample(name))

        seconds = alternately(
            ROUNDS,
            {
                "one": partial(run, five[:1]),
                "five": partial(run, five),
                "separate": separately,
                "warm": partial(run, five, cache=warm),
            },
        )
        ratio("five in one run / one", seconds["five"], seconds["one"], "1.1")
        ratio("five runs of one / five in one run", seconds["separate"], seconds["five"])
        ratio("five with features on disk / five without", seconds["warm"], seconds["five"])


if __name__ == "__main__":
    main()
