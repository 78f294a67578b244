"""``hf://datasets/ORG/NAME@REVISION``: datasets of the Hugging Face hub, kept by its own library."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from forenbench.errors import BenchError, NotHere

from .remote import DownloadFailed

_PREFIX = "hf://datasets/"
_PART = r"[A-Za-z0-9][\w.-]*"
_REQUEST = re.compile(
    rf"{_PREFIX}(?P<org>{_PART})/(?P<name>{_PART})@(?P<revision>[^/@]+)(?:/(?P<inside>.+))?"
)
_SNAPSHOT = re.compile(
    r"/datasets--(?P<org>[^/]+?)--(?P<name>[^/]+)/snapshots/(?P<commit>[0-9a-f]{40})(?:/(?P<inside>.+))?"
)
"""As the library's cache is laid out."""


class HubDataset(NamedTuple):
    """A dataset of the hub at one revision, or a folder or file of it.

    Attributes:
        repository: ``ORG/NAME``.
        revision: A commit, or a branch or tag, which may move.
        inside: The folder or file; empty for all.
    """

    repository: str
    revision: str
    inside: str = ""

    def __str__(self) -> str:
        inside = f"/{self.inside}" if self.inside else ""
        return f"{_PREFIX}{self.repository}@{self.revision}{inside}"

    @property
    def title(self) -> str:
        """What tables call it: ``ORG--NAME@1234567``, with the beginning of the commit."""
        inside = f"--{self.inside.replace('/', '--')}" if self.inside else ""
        return f"{self.repository.replace('/', '--')}@{self.revision[:7]}{inside}"

    @property
    def patterns(self) -> list[str] | None:
        """The library's patterns for what is inside; None for all."""
        return [self.inside, f"{self.inside}/*"] if self.inside else None


class HubListing(NamedTuple):
    """What the hub says of a dataset.

    Attributes:
        commit: That the revision is now.
        files: How many there are.
        size: Of all, in bytes; None where the hub does not say.
        licence: As its card says it; empty where that says none.
    """

    commit: str
    files: int
    size: int | None
    licence: str


def is_hub_dataset(request: str) -> bool:
    """Say whether a request is for a dataset of the hub, well spelled or not."""
    return request.startswith(_PREFIX)


def parse_hub_dataset(request: str) -> HubDataset:
    """Read a request.

    Raises:
        BenchError: It has no revision, or is otherwise none.
    """
    found = _REQUEST.fullmatch(request)
    if found is None or ".." in (found["inside"] or "").split("/"):
        raise BenchError(
            f"'{request}' is not hf://datasets/ORG/NAME@REVISION: a revision is a commit, or a branch such "
            "as main; behind it may stand /FOLDER or /FILE"
        )
    inside = (found["inside"] or "").rstrip("/")
    return HubDataset(f"{found['org']}/{found['name']}", found["revision"], inside)


def tree_of(url: str) -> HubDataset | None:
    """Read an address that stands for all files of a dataset; None for one of a single file."""
    found = _REQUEST.fullmatch(url)
    return None if found is None or found["inside"] else parse_hub_dataset(url)


def hub_cache() -> Path:
    """Return the folder in which the library keeps what it downloads, whether it is there or not."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def find_snapshot(wanted: HubDataset) -> Path:
    """Find a dataset in the library's cache on this machine; nothing is downloaded.

    Returns:
        The folder, or what is inside it.

    Raises:
        NotHere: It is not there, or not whole, or the library is too old to say so.
    """
    from huggingface_hub import snapshot_download

    try:
        # The library keeps a listing of each commit, by which it knows whether all files came; older ones
        # give out what an interrupted download left.
        from huggingface_hub.errors import IncompleteSnapshotError
    except ImportError as error:
        raise NotHere(
            "this huggingface_hub cannot tell whether a dataset is whole: pip install -U huggingface_hub"
        ) from error
    fetch = f"'bench data fetch {wanted}' gets it (nothing is downloaded unasked)"
    try:
        folder = Path(_call(snapshot_download, wanted, local_files_only=True))
    except IncompleteSnapshotError as error:
        raise NotHere(f"dataset '{wanted}' is not whole in the hub's cache; {fetch}") from error
    except FileNotFoundError as error:
        raise NotHere(f"dataset '{wanted}' is not in the hub's cache on this machine; {fetch}") from error
    place = folder / wanted.inside
    if not place.exists():
        raise NotHere(f"dataset '{wanted}' has no '{wanted.inside}' in '{folder}'; {fetch}")
    return place


def list_hub_dataset(wanted: HubDataset) -> HubListing:
    """Ask the hub what a dataset is.

    Raises:
        DownloadFailed: The hub cannot be reached, has no such dataset, or refuses it.
    """
    from fnmatch import fnmatch

    from huggingface_hub import HfApi

    def ask(repository: str, **how: Any) -> Any:  # noqa: ANN401 - of a library's own
        del how["repo_type"], how["allow_patterns"]
        return HfApi().dataset_info(repository, files_metadata=True, **how)

    info = _online(ask, wanted)
    files = [
        one
        for one in info.siblings or ()
        if wanted.patterns is None or any(fnmatch(one.rfilename, pattern) for pattern in wanted.patterns)
    ]
    if not files:
        raise DownloadFailed(f"'{wanted}' has no file '{wanted.inside}' at commit {info.sha}")
    sizes = [one.size for one in files]
    # the card may hold a list, where parts have licences of their own
    licence = getattr(info.card_data, "license", None) or ""
    words = licence if isinstance(licence, str) else ", ".join(map(str, licence))
    return HubListing(info.sha, len(files), None if None in sizes else sum(sizes), words)


def fetch_snapshot(wanted: HubDataset, commit: str) -> Path:
    """Download a dataset into the library's cache; files that are there already are not fetched again.

    Args:
        wanted: What to get.
        commit: That its revision was when somebody agreed to the download.

    Returns:
        The folder, or what is inside it.

    Raises:
        DownloadFailed: The hub cannot be reached or refuses it, or the revision has moved on.
    """
    from huggingface_hub import snapshot_download

    # by the revision's name, so that the library remembers which commit that was
    made = Path(_online(snapshot_download, wanted))
    if made.name != commit:
        raise DownloadFailed(f"'{wanted}' was commit {commit} and is {made.name} by now: ask for it again")
    return made / wanted.inside


def fetch_tree(wanted: HubDataset, folder: Path) -> None:
    """Download a dataset's files into a folder, which is there once all of them are.

    Raises:
        DownloadFailed: The hub cannot be reached or refuses it.
    """
    from huggingface_hub import snapshot_download

    part = folder.with_name(f"{folder.name}.part")
    _online(snapshot_download, wanted, local_dir=part)
    part.rename(folder)


def snapshot_of(place: Path) -> HubDataset | None:
    """Say of which dataset, at which commit, a place in the library's cache is a part; None for another."""
    found = _SNAPSHOT.search(place.as_posix())
    if found is None:
        return None
    return HubDataset(f"{found['org']}/{found['name']}", found["commit"], found["inside"] or "")


def folder_name(folder: Path) -> str:
    """Name a folder as it is called; a snapshot, whose folder is called by its commit, by its dataset."""
    whole = folder.resolve()
    found = snapshot_of(whole)
    return whole.name if found is None or found.inside else found.repository.rpartition("/")[2]


def _call(what: Any, wanted: HubDataset, **how: Any) -> Any:  # noqa: ANN401
    """Call a function of the library for a dataset."""
    return what(
        wanted.repository,
        repo_type="dataset",
        revision=wanted.revision,
        allow_patterns=wanted.patterns,
        **how,
    )


def _online(what: Any, wanted: HubDataset, **how: Any) -> Any:  # noqa: ANN401
    """Do the same over the network, and word what goes wrong."""
    from huggingface_hub.errors import GatedRepoError

    try:
        return _call(what, wanted, **how)
    except GatedRepoError as error:
        raise DownloadFailed(
            f"'{wanted}' is given to those only who agree to its conditions: do so at "
            f"https://huggingface.co/datasets/{wanted.repository}, and set HF_TOKEN"
        ) from error
    except Exception as error:  # its own, and those of whichever HTTP client it has
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DownloadFailed(f"'{wanted}' cannot be had from the hub: {reason}") from error
