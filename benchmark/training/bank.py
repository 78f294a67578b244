"""UnivFD's bank for nearest neighbours: features of all training images, made by any number of processes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from forenbench.errors import BenchError
from forenbench.files.atomic import remove_partials

from .card import identity_of, is_made, refuse_another, write_card
from .feature_bank import SHARD, Encoding, FeatureShards
from .session import Running

if TYPE_CHECKING:
    from .request import TrainingData, TrainingRequest


@dataclass(frozen=True)
class Share:
    """Which shards a process makes: those whose number leaves `number` when divided by `count`.

    Attributes:
        number: From 0.
        count: Processes that share the work.
        size: Images in a shard.
    """

    number: int = 0
    count: int = 1
    size: int = SHARD

    @classmethod
    def parse(cls, text: str, size: int) -> Share:
        """Read ``2/4``: the second of four processes.

        Raises:
            BenchError: It is not of this form.
        """
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise BenchError(f"shards '{text}' is not I/N with I from 1 to N, such as 2/4")
        return cls(int(number) - 1, int(count), size)


def make_bank(
    request: TrainingRequest, data: TrainingData, encoding: Encoding, share: Share, run: Running
) -> Path | None:
    """Make a bank, or one process's part of the work.

    Returns:
        The bank's path; None while shards of other processes are missing.

    Raises:
        BenchError: The folder has shards of something else.
    """
    path = request.out / f"{request.name}.safetensors"
    # The size of shards is no part of it: the bank is the same one however the work was divided.
    identity = identity_of(data.digests(), name=request.name, encoder=encoding.checkpoints, type="float16")
    if not is_made(path, identity):
        # The state's folder tells a file that a kill left
        # before its card was written from somebody else's file.
        refuse_another(path, identity, begun=request.folder.exists())
        shards = FeatureShards(request.folder / "features", data.train, share.size)
        # Without a word to the others: any number of machines on one file system may do so, at any time.
        mine = [shard for shard in shards.missing() if shard % share.count == share.number]
        shards.encode(encoding, mine, run.advance)
    with FileLock(request.out / f".{request.name}.lock"):  # whoever comes last joins the shards
        if not is_made(path, identity):
            if shards.missing():
                return None
            remove_partials(path)  # under the lock nobody writes one
            shards.merge(path)
            facts = {"shards": shards.count, "shard_size": share.size}
            write_card(path, identity, data.describe(), facts, run.processes)
        if request.folder.exists():
            shutil.rmtree(request.folder)
    return path
