"""Code of others, contained: what would end the process becomes an error of its own rows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

# By thread: a thread of the harness may end the process while another is in a detector's code.
_inside = threading.local()
_leave = os._exit


class ProcessExit(Exception):
    """A detector would have ended the process; the message says how."""


@contextmanager
def contained() -> Iterator[None]:
    """Call code of others inside: only Ctrl-C, and errors as such, get out.

    Native code that ends the process, and threads of a detector that call ``os._exit``, are out of reach.

    Raises:
        ProcessExit: It called ``sys.exit`` or ``os._exit``, or raised what is no `Exception`.
    """
    # Calls nest: a detector's `score` may call another plugin. The inner one must not end the outer's mark.
    before, _inside.process = getattr(_inside, "process", None), os.getpid()
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except SystemExit as left:
        raise ProcessExit(f"sys.exit({'' if left.code is None else left.code}) was called") from left
    except BaseException as error:
        # asyncio.CancelledError and GeneratorExit are no `Exception`: nothing above would catch them as an
        # error of one image, and the run would end.
        raise ProcessExit(reason(error)) from error
    finally:
        _inside.process = before


def reason(error: BaseException) -> str:
    """Word an exception in one line; one of a detector's own may not even have words."""
    first = ""
    with suppress(Exception):
        first = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _exit(status: int) -> NoReturn:
    """Stand in for ``os._exit``, which nothing can catch: an error in a detector, as always elsewhere.

    A process that a detector forks inherits the mark, but not the number: it ends as it wants to.
    """
    if getattr(_inside, "process", None) == os.getpid():
        raise ProcessExit(f"os._exit({status}) was called")
    _leave(status)


# `os._exit` leaves without an exception, so that `contained` cannot see it: the function itself is replaced,
# once and for the whole process. Outside of `contained` it does what it always did.
os._exit = _exit
