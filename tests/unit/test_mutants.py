"""Whatever is done to image files, each becomes a row, and what is read of it is right."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mutants import mutants

from forenbench.audit.traits import examine
from forenbench.images import UnreadableImage, decode, header
from forenbench.perturbations import parse
from forenbench.scoring.batches import ReadRequest
from forenbench.scoring.preparing import Reader


@dataclass(frozen=True)
class Files:
    data: list[bytes]

    def read(self, path: str) -> bytes:
        return self.data[int(path)]


def test_every_broken_file_is_a_row_with_a_score_or_a_reason() -> None:
    files = list(mutants(seed=11, number=600))
    reader = Reader([Files(files)], [parse("none")], [lambda image: torch.zeros(1)], seed=0)
    scored = lost = 0
    for start in range(0, len(files), 30):
        paths = tuple(map(str, range(start, start + 30)))
        batch = reader[ReadRequest(0, paths, ("",) * 30, ((0, (0,)),))]
        for result in batch.missing[0, 0].values():
            assert result.status == "unreadable"
            assert result.error
        lost += len(batch.missing[0, 0])
        scored += sum(len(positions) for positions, _ in batch.tensors((0, 0)))
    assert scored + lost == len(files)
    assert min(scored, lost) > 100


def test_header_picture_and_audit_tell_the_same_of_a_broken_file() -> None:
    files = list(mutants(seed=12, number=300))
    for at, data in enumerate(files):
        found = examine(Files(files), str(at))
        try:
            size = decode(data).size
        except UnreadableImage:
            assert found.problem
        else:
            told = header(data)
            assert (told.width, told.height) == (found.width, found.height) == size
            assert not found.problem
