"""What parts, their locks and the rows made of them cost, alone and as a share of a fast run."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from measuring import scaled, title, value
from stored_cells import provenance
from workloads import SETTINGS, Corner, open_folder, score, workplace, write_pngs

from forenbench.data.dataset import Dataset
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.rows import ImageResult
from forenbench.records.store import Store
from forenbench.scoring.plan import Job, plan
from forenbench.scoring.progress import Progress
from forenbench.scoring.reading import reader_processes


def keep(job: Job, root: Path) -> tuple[int, float, float]:
    """Store made-up results of all parts; return the parts, the seconds of these, and those of the rows."""
    (task,) = plan([job], SETTINGS)
    parts, store = Progress(root), Store(root)
    cut, begun = list(task.parts()), perf_counter()
    for part in cut:
        start, images = part[0].start, part[-1].stop - part[0].start
        lock = parts.claim(task, start)
        assert lock is not None
        lacking = parts.lacking(task, start, task.cells)
        parts.write(task, start, {one: [ImageResult("ok", 0.5, 0.0)] * images for one in lacking})
        lock.release()
    kept = perf_counter()
    with parts.finishing(task):
        for one in task.cells:
            store.write(one.cell, parts.rows(task, one), one.identity, provenance())
        parts.forget(task, store.is_done)
    return len(cut), kept - begun, perf_counter() - kept


def main() -> None:
    title("Parts of 128 images: claim, look, write, release; then the rows of the cells")
    with workplace() as root:
        dataset: Dataset = open_folder(write_pngs(root / "pngs", scaled(4096, 256)))
        job = Job(dataset, [LoadedDetector(Corner(f"corner{n}"), "own") for n in range(5)])
        keep(job, root / "warm")
        number, kept, rows = keep(job, root / "kept")
        begun = perf_counter()
        score(dataset, job.detectors, root, readers=reader_processes("cpu"))
        whole = perf_counter() - begun
        value("a part with five cells", 1000 * kept / number, "ms")
        value("the rows of five cells, for each part", 1000 * rows / number, "ms")
        value("parts, share of a run with next to no network over PNGs of 256²", 100 * kept / whole, "%")
        value("rows, share of it", 100 * rows / whole, "%")


if __name__ == "__main__":
    main()
