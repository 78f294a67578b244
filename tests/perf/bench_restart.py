"""A finished run of 1,000 cells that is started again."""

from __future__ import annotations

from measuring import bench, python, ratio, scaled, title, value
from workloads import workplace

from forenbench.testing import write_tiny_dataset

PERTURBATIONS = ("none", "jpeg:90", "jpeg:50", "blur:1.0", "resize:0.5")
DETECTORS = "\n".join(
    [
        "from forenbench.testing import Brightness",
        *(f"class Bright{n}(Brightness):\n    name = 'bright{n}'" for n in range(5)),
    ]
)


def main() -> None:
    title("Warm restart: 5 detectors × 40 test sets × 5 perturbations = 1,000 cells")
    with workplace() as root:
        write_tiny_dataset(root / "tiny", [f"g{n:02d}" for n in range(scaled(40))], 2)
        (root / "bright.py").write_text(DETECTORS)
        what = ("--detectors", "./bright.py", "--dataset", "tiny")
        options = (*what, "--perturbations", ",".join(PERTURBATIONS))
        first = bench("run", *options, folder=root)
        again = [bench("run", *options, folder=root) for _ in range(3)]
        # What any program of this kind waits for; on one machine half a second, on another four.
        libraries = [python("import torch, pandas, pyarrow.parquet", folder=root) for _ in range(3)]
        least, imports = (min(one.seconds for one in several) for several in (again, libraries))
        busy, importing = (min(one.processors for one in several) for several in (again, libraries))
        value("the run", first.seconds, "s")
        value("started again", least, "s")
        value("imports of libraries, of that", imports, "s")
        value("started again, above these", least - imports, "s", "2 s")
        # which others at work on the same machine change less
        value("started again, above these, processor time", busy - importing, "s")
        ratio("started again / the run", [one.seconds for one in again], [first.seconds] * 3)


if __name__ == "__main__":
    main()
