"""What services said of files, kept on this machine: each is asked once about the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forenbench.files import places
from forenbench.files.atomic import write_text
from forenbench.files.file_names import file_name
from forenbench.files.sealed import from_json, to_json

_PATIENCE = 5
"""After so many files in a row over which a service was out of reach, it is not asked about further ones."""


class OutOfReach(Exception):
    """A service was not asked: it failed over the files before."""


@dataclass(slots=True)
class Answers:
    """A service's answers, by the sha256 of the bytes that it was asked about.

    Attributes:
        service: Whose they are: its address, and its model where it says. One by another name is asked anew.
        folder: Where they are kept; by default in the user's cache folder.
    """

    service: str
    folder: Path = field(default_factory=lambda: places.cache_folder() / "answers")
    _failures: int = 0

    def of(self, data: bytes, ask: Callable[[bytes], Any]) -> Any:  # noqa: ANN401 - whatever a service says
        """Return a service's answer about a file, as JSON has it: the kept one, or else that of `ask`.

        Args:
            data: The file.
            ask: Asks the service. What it raises is raised, and nothing is kept: the next run asks again. An
                error with a `response` is about this file; others are of the service, which is given up after
                five in a row.

        Raises:
            OutOfReach: It was given up before.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        file = self.folder / file_name(self.service) / f"{sha256}.json"
        # What is damaged, or is no answer to this, is as good as none.
        with suppress(OSError, ValueError):
            kept, is_sealed = from_json(file.read_bytes())
            if is_sealed and (kept["service"], kept["file"]) == (self.service, sha256):
                return kept["answer"]
        if self._failures >= _PATIENCE:
            raise OutOfReach(f"not asked, for it was out of reach over {_PATIENCE} files in a row; run again")
        try:
            answer = ask(data)
        except Exception as error:
            self._failures = self._failures + 1 if getattr(error, "response", None) is None else 0
            raise
        self._failures = 0
        write_text(file, to_json({"service": self.service, "file": sha256, "answer": answer}))
        return answer
