"""Links between folders, on disk and in archives: all are followed but those back to a folder above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from forenbench.errors import BenchError

_MOST_LINKED = 5_000_000
"""Links to links to links can lead to more files than any disk holds."""
_HOPS = 40
"""Links in one path, as many as Linux follows."""


class Entry(NamedTuple):
    """What lies in a folder.

    Attributes:
        name: There.
        real: The path with all links resolved; a folder's ends in a slash.
    """

    name: str
    real: str


def walk(root: str, entries: Callable[[str], Iterable[Entry]]) -> Iterator[Entry]:
    """Yield the path below root and the real path of every file; folders in the order of their names.

    A folder that several links lead to is read for each of them. A link that leads back to a folder on its
    own path is not followed.

    Args:
        root: The real path of the folder, with a slash at its end; "" for an archive.
        entries: Lists the folder at a real path.

    Raises:
        BenchError: The links lead to more than `_MOST_LINKED` files.
    """
    waiting: list[tuple[str, tuple[str, ...]]] = [("", (root,))]
    linked = 0
    while waiting:
        path, passed = waiting.pop()
        # The walk is below a link where the path is not the real one. Only such files are counted: links can
        # multiply files without end, a folder without links holds as many as its disk does.
        is_linked = passed[-1] != root + path
        for name, real in sorted(entries(passed[-1])):
            here = path + name
            linked += is_linked
            if linked > _MOST_LINKED:
                raise BenchError(
                    f"the links below '{root}' lead to more than {_MOST_LINKED:,} files; remove those that "
                    f"lead to folders of links, for instance at '{here}'"
                )
            if not real.endswith("/"):
                yield Entry(here, real)
            # A folder that was passed on the way here, or holds one that was, leads round for ever.
            elif not any(folder.startswith(real) for folder in passed):
                waiting.append((f"{here}/", (*passed, real)))


def follow(path: str, links: Mapping[str, str]) -> str | None:
    """Return where a path leads, given what links say, by their own paths; None if out of the archive."""
    # Part by part, as a kernel does: behind a link, ".." is the folder above what it leads to, so that a path
    # cannot be shortened as text.
    done: list[str] = []
    left = path.split("/")[::-1]
    hops = 0
    while left:
        name = left.pop()
        if name == ".." and not done:
            return None
        if name == "..":
            done.pop()
        elif name not in ("", "."):
            done.append(name)
            target = links.get("/".join(done))
            if target is not None:
                hops += 1
                if hops > _HOPS or target.startswith("/"):
                    return None
                done.pop()
                left += target.split("/")[::-1]
    return "/".join(done)
