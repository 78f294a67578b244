"""What shards, their locks and the rows made of them cost, alone and as a share of a fast run."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from measuring import scaled, title, value
from stored_cells import provenance
from workloads import SETTINGS, Corner, open_folder, score, workplace, write_pngs

from forenbench.data.dataset import Dataset
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.rows import ImageResult, as_arrow
from forenbench.records.store import Store
from forenbench.scoring.finishing import make_rows
from forenbench.scoring.plan import Job, plan
from forenbench.scoring.progress import Progress
from forenbench.scoring.reading import reader_processes


def keep(job: Job, root: Path) -> tuple[int, float, float]:
    """Store made-up results of all shards; return their number, the seconds, and those of the rows."""
    (task,) = plan([job], SETTINGS)
    progress, store = Progress(root), Store(root)
    shards, begun = list(task.shards()), perf_counter()
    for shard in shards:
        start, images = shard[0].start, shard[-1].stop - shard[0].start
        lock = progress.claim(task, start)
        assert lock is not None
        lacking = progress.lacking(task, start, task.cells)
        results = [ImageResult("ok", 0.5, 0.0)] * images
        progress.write(task, start, {one: as_arrow(results) for one in lacking})
        lock.release()
    kept = perf_counter()
    with progress.finishing(task):
        make_rows(progress, store, task, [(one, provenance()) for one in task.cells])
        progress.forget(task, store.is_done)
    return len(shards), kept - begun, perf_counter() - kept


def main() -> None:
    title("Shards of 128 images: claim, look, write, release; then the rows of the cells")
    with workplace() as root:
        dataset: Dataset = open_folder(write_pngs(root / "pngs", scaled(4096, 256)))
        job = Job(dataset, [LoadedDetector(Corner(f"corner{n}"), "own") for n in range(5)])
        keep(job, root / "warm")
        number, kept, rows = keep(job, root / "kept")
        begun = perf_counter()
        score(dataset, job.detectors, root, readers=reader_processes("cpu"))
        whole = perf_counter() - begun
        value("a shard with five cells", 1000 * kept / number, "ms")
        value("the rows of five cells, for each shard", 1000 * rows / number, "ms")
        value("shards, share of a run with next to no network over PNGs of 256²", 100 * kept / whole, "%")
        value("rows, share of it", 100 * rows / whole, "%")


if __name__ == "__main__":
    main()
