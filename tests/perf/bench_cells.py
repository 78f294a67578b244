"""What a cell costs beside its images: runs of many cells of eight tiny images, by a cheap detector."""

from __future__ import annotations

from measuring import bench, ratio, scaled, title, value
from workloads import workplace

from forenbench.testing import write_tiny_dataset

PERTURBATIONS = ("none", *(f"jpeg:{quality}" for quality in range(40, 97, 3)))
DETECTOR = """
from forenbench.testing import Brightness


class Cheap(Brightness):
    name = "cheap"
"""


def main() -> None:
    title(f"Tiny cells: test sets of 8 images × {len(PERTURBATIONS)} perturbations")
    with workplace() as root:
        (root / "bright.py").write_text(DETECTOR)
        cells: list[int] = []
        seconds: list[float] = []
        for number in (1, scaled(10, 2), scaled(50, 20)):
            write_tiny_dataset(root / f"tiny{number}", [f"g{n:02d}" for n in range(number)], 4)
            what = ("--detectors", "./bright.py", "--dataset", f"tiny{number}")
            options = (*what, "--perturbations", ",".join(PERTURBATIONS))
            # Twice, and the faster one counts: the very first start also reads the libraries from the disk.
            done = [bench("run", *options, "--out", f"run{number}-{n}", folder=root) for n in range(2)]
            cells.append(number * len(PERTURBATIONS))
            seconds.append(min(one.seconds for one in done))
        start, few, many = seconds
        each = [(one - start) / (number - cells[0]) for one, number in ((few, cells[1]), (many, cells[2]))]
        value(f"a cell of {cells[2]:,}, above a run of {cells[0]}", 1000 * each[1], "ms", "30 ms")
        ratio(f"a cell of {cells[2]:,} / a cell of {cells[1]:,}", [each[1]], [each[0]], "2")


if __name__ == "__main__":
    main()
