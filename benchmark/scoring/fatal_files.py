"""Which files end the process that reads them, or keep it for ever, and for which detectors."""

from __future__ import annotations

import multiprocessing
import signal
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from forenbench.files.forked import fork_beside_threads
from forenbench.images.effort import TIME_LIMIT, max_seconds

from .batches import InputKey, ReadRequest

if TYPE_CHECKING:
    from .preparing import Reader

_DIED = "the process that read it was killed, or ended itself, each time"


def without_fatal_files(reader: Reader, request: ReadRequest) -> ReadRequest:
    """Read files one by one, each in a process of its own, and mark those that end it.

    Where only some (perturbation, prepare) of a file do, these are tried one by one, too, and marked alone.
    """
    keys = [(p, k) for p, prepares in request.wanted for k in prepares]
    fatal: dict[tuple[int, InputKey | None], str] = dict(request.fatal)
    for position in range(len(request.paths)):
        # A second death over the same batch: what the first one marked is not tried again.
        marked = {key: death for (at, key), death in request.fatal.items() if at == position}
        only = slice(position, position + 1)
        alone = replace(
            request,
            paths=request.paths[only],
            sha256s=request.sha256s[only],
            first={p: steps[only] for p, steps in request.first.items()},
            fatal={(0, key): death for key, death in marked.items()},
        )
        if None in marked or not (death := _death(reader, alone)):
            continue
        killers = {}
        for p, k in keys:
            if (p, k) not in marked and (how := _death(reader, replace(alone, wanted=((p, (k,)),)))):
                killers[p, k] = how
        # It is the decoding that kills if every key does; and if none does by itself, all together were
        # too much (for the memory, say), and which of them to leave out cannot be told.
        if len(killers) in (0, len(keys)):
            fatal[position, None] = death
        else:
            fatal.update({(position, key): how for key, how in killers.items()})
    return replace(request, fatal=fatal)


def _death(reader: Reader, request: ReadRequest) -> str:
    """Say how reading what was requested ends its process, with whatever status; empty where it does not."""
    received, sent = multiprocessing.Pipe(duplex=False)
    # Forked, as the readers are: prepares of plugin files cannot be pickled for a new interpreter.
    with fork_beside_threads():
        process = multiprocessing.get_context("fork").Process(target=_attempt, args=(reader, request, sent))
        process.start()
    sent.close()  # or `recv` below would wait for this process's own end of the pipe
    process.join()
    with received:
        try:
            # The message and not the exit status tells: a detector may call os._exit(0).
            received.recv()
        except EOFError:
            late = process.exitcode == -signal.SIGALRM
            return f"reading it takes longer than {max_seconds()} s ({TIME_LIMIT})" if late else _DIED
    return ""


def _attempt(reader: Reader, request: ReadRequest, sent: Connection) -> None:
    """Read, and tell of having lived: an error is not a death."""
    reader.patience.keep()
    with suppress(Exception):
        reader[request]
    sent.send(None)
