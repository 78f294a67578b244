"""Patterns of paths: which files are meant, and what the names of their folders say of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

NAMES = {
    "generator": "generator",
    "class": "class_name",
    "source": "real_source",
    "origin": "origin",
    "split": "split",
}
"""What a pattern may keep of a path, and the field of `Sample` that it goes to."""
_PIECE = re.compile(r"[{](?P<name>[^{}]*)[}]|(?P<any>[*])|(?P<text>[^*{}]+)|(?P<brace>[{}])")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that is ready for use; `compiled` makes it.

    Attributes:
        text: As it was written.
        folders: Fits a file's folder with a slash behind it; the empty text for a file of the top folder.
        name: Fits a file's name; None where every name fits.
    """

    text: str
    folders: re.Pattern[str]
    name: re.Pattern[str] | None

    def in_any_case(self) -> Pattern:
        """Make one that takes capitals and small letters for the same."""
        name = self.name and re.compile(self.name.pattern, re.IGNORECASE)
        return Pattern(self.text, re.compile(self.folders.pattern, re.IGNORECASE), name)

    def fits(self, path: str) -> bool:
        """Say whether it fits a path."""
        folder, slash, name = path.rpartition("/")
        # the name first: most patterns that fit nothing are about names, and paths are many
        return (not self.name or bool(self.name.fullmatch(name))) and bool(
            self.folders.fullmatch(folder + slash)
        )


@cache
def compiled(text: str) -> Pattern:
    """Make a pattern ready for use.

    It is matched against a whole path below the dataset's folder. ``*`` stands for any characters but a
    slash, ``**`` as a whole name for any number of folders, none among them, and at the end for all files
    below; ``{generator}``, ``{class}``, ``{source}``, ``{origin}`` and ``{split}`` stand for one or more
    characters but a slash, which are kept. Where several ways fit, what stands before takes as much of a name
    as it can, and as few folders. Everything else stands for itself.

    Raises:
        ValueError: It cannot fit the path of any file, or keeps one thing twice.
    """
    parts = text.split("/")
    if parts[0] == "":
        raise ValueError(
            f"pattern '{text}' begins with nothing: a path begins with a name in the dataset's folder"
        )
    if parts[-1] == "":
        raise ValueError(f"pattern '{text}' ends with a slash: '{text}*' are the files in that folder")
    if odd := {"", ".", ".."}.intersection(parts):
        raise ValueError(f"pattern '{text}' has a folder called '{min(odd)}': paths lead down, name by name")
    seen: set[str] = set()
    # A last "**" means the files, too.
    *above, last = [*parts, "*"] if parts[-1] == "**" else parts
    # Several in a row mean what one does, and would only be tried in many ways.
    several = (part for before, part in zip(["", *above], above, strict=False) if not part == before == "**")
    folders = "".join("(?:[^/]+/)*?" if part == "**" else f"{_part(part, text, seen)}/" for part in several)
    name = None if last == "*" else re.compile(_part(last, text, seen))
    return Pattern(text, re.compile(folders), name)


def _part(part: str, pattern: str, seen: set[str]) -> str:
    """Make a regular expression of one name in a pattern; `seen` grows by what it keeps."""
    if "**" in part:
        raise ValueError(f"pattern '{pattern}': '**' stands for folders and is a whole name; write one '*'")
    made = ""
    for piece in _PIECE.finditer(part):
        if piece["text"] is not None:
            made += re.escape(piece["text"])
        elif piece["any"] is not None:
            made += "[^/]*"
        else:
            name = piece["name"]
            if name not in NAMES:
                known = ", ".join(f"{{{one}}}" for one in NAMES)
                raise ValueError(
                    f"pattern '{pattern}': '{piece[0]}' is none of {known}; for a brace in a name write '*'"
                )
            if name in seen:
                raise ValueError(f"pattern '{pattern}' has {{{name}}} twice: write '*' for one of them")
            seen.add(name)
            made += f"(?P<{NAMES[name]}>[^/]+)"
    return made
