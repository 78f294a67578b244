"""Results that somebody hands in, checked before they join others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Unpack

from forenbench.data.finding import find_files
from forenbench.errors import BenchError
from forenbench.records.dataset_paths import find_datasets
from forenbench.records.leakage import Contents
from forenbench.records.store import Store

from .arguments import PathName, several
from .run_folders import RUNS, open_stores

if TYPE_CHECKING:
    import pandas as pd

    from forenbench.review import ReviewResult

    from .importing import ImportOptions


def check_results(
    results: PathName,
    *,
    beside: PathName | Sequence[PathName] = (),
    dataset: PathName | Sequence[PathName] = (),
    **options: Unpack[ImportOptions],
) -> pd.DataFrame:
    """Check a run folder, or a file of scores, before it joins others, as ``bench check results`` does.

    Args:
        results: The run folder; or the file, which is read as `import_scores` reads it.
        beside: Other run folders, among which nothing of it should be under another name; by default those in
            the same folder, and all below ``results/runs``.
        dataset: Where the images are, names or paths, to compare them, too; by default where the run found
            them. Of a file: the dataset that its images are of.
        options: Of a file, see `import_scores`; also ``data_root``.

    Returns:
        A row a check: ``check``, ``ok``, ``problem`` (empty where it is ok) and ``said`` (what else to know).

    Raises:
        BenchError: There is neither a run folder nor a file.
    """
    import pandas as pd

    found = list(review_results(results, beside=beside, dataset=dataset, **options))
    rows = [(one.check, not one.problem, one.problem, one.said) for one in found]
    return pd.DataFrame(rows, columns=["check", "ok", "problem", "said"])


def review_results(
    results: PathName,
    *,
    beside: PathName | Sequence[PathName] = (),
    dataset: PathName | Sequence[PathName] = (),
    **options: Unpack[ImportOptions],
) -> Iterator[ReviewResult]:
    """Yield each check of `check_results` when it is done."""
    from forenbench.review import ReviewResult, review

    from .importing import import_scores  # of a file of scores alone

    path, root = Path(results), Path(options.get("data_root", "data"))
    if several(beside):
        stores = open_stores(several(beside))
    else:
        folders = {one.resolve(): one for place in (path.parent, RUNS) for one in sorted(place.glob("*"))}
        folders.pop(path.resolve(), None)
        stores = [Store(one) for one in folders.values() if (one / "scores").is_dir()]
    if path.is_dir():
        (store,) = open_stores([path])
        yield from review(store, stores, _contents(store, [str(one) for one in several(dataset)], root))
        return
    if not path.exists():
        raise BenchError(f"there is neither a run folder nor a file of scores at '{path}'")
    check = "the file of scores can be read"
    with TemporaryDirectory() as folder:
        out = Path(folder) / path.stem
        try:
            images = "".join(map(str, several(dataset)[:1]))
            import_scores(path, path.stem, dataset=images, out=out, progress=False, **options)
        except BenchError as error:
            yield ReviewResult(check, str(error))
            return
        yield ReviewResult(check)
        store = Store(out)
        yield from review(store, stores, _contents(store, [images] if images else [], root))


def _contents(store: Store, requests: Sequence[str], data_root: Path) -> Contents:
    """Open the datasets of a run, as far as they are at hand."""
    sources = {}
    for name, found in find_datasets(store.records(beside_damaged=True), requests, data_root).items():
        with suppress(BenchError):  # it is not on this machine, or is no such thing any more
            sources[name], _ = find_files(*found)
    return Contents({store.root: sources})
