"""``bench data fetch hf://datasets/ORG/NAME@REVISION``: a dataset of the hub, downloaded when asked for."""

from __future__ import annotations

import shutil

from forenbench.errors import BenchError, NotHere
from forenbench.files.downloads import DownloadFailed
from forenbench.files.hub_datasets import (
    fetch_snapshot,
    find_snapshot,
    hub_cache,
    list_hub_dataset,
    parse_hub_dataset,
)
from forenbench.weights.wording import licence_in_words, size_in_words

from .console import say, short
from .transfers import agree


def fetch_hub_dataset(request: str, yes: bool) -> bool:
    """Say what a dataset of the hub is, ask, download it, and return whether it is there.

    Raises:
        BenchError: The request is none, the disk is too small, or nobody is there to answer.
    """
    wanted = parse_hub_dataset(request)
    try:
        listing = list_hub_dataset(wanted)
    except DownloadFailed as error:
        say(str(error), "red")
        return False
    pinned = wanted._replace(revision=listing.commit)
    say(f"{wanted.repository}, revision {wanted.revision}: commit {listing.commit}", "bold")
    say(f"licence: {licence_in_words(listing.licence.upper() or 'none stated')}")
    say(f"{listing.files} files, {size_in_words(listing.size)}")
    try:
        say(f"There already: {short(find_snapshot(pinned))}")
    except NotHere:
        size, folder = listing.size or 0, hub_cache()
        there = next(above for above in (folder, *folder.parents) if above.exists())
        free = shutil.disk_usage(there).free
        say(f"To download: {size_in_words(size)} to {short(folder)}/, where {size_in_words(free)} are free")
        if size > free:  # files of an earlier attempt count as missing
            raise BenchError(
                f"'{folder}' has room for {size_in_words(free)}, not for {size_in_words(size)}; make room, "
                "or name another folder with HF_HUB_CACHE"
            ) from None  # that it is not here yet is no cause of that
        agree(yes)
        try:
            place = fetch_snapshot(wanted, listing.commit)
        except DownloadFailed as error:
            say(str(error), "red")
            return False
        say(f"{short(place)} is there", "green")
    say(f"'bench run --dataset {pinned}' scores it, and no other commit.")
    return True
