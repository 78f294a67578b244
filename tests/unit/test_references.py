"""A published score is compared on the published picture and no other, and a miss says by how much."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from forenbench.plugins.card_facts import ReferenceScore
from forenbench.testing import Brightness, tiny_image
from forenbench.testing.references import check_references
from forenbench.types import LogitDetector


class Level(LogitDetector):
    """A logit of the mean level less 100."""

    name, version, threshold = "level", "1", 0.5

    def prepare(self, image: object) -> Tensor:
        return Brightness().prepare(image)  # type: ignore[arg-type]

    def logit(self, batch: Tensor) -> Tensor:
        return batch[:, 0] * 255 - 100


@pytest.fixture
def reference(tmp_path: Path) -> ReferenceScore:
    tiny_image(1).point(lambda value: 103).save(tmp_path / "grey.png")
    sha256 = hashlib.sha256((tmp_path / "grey.png").read_bytes()).hexdigest()
    return ReferenceScore("grey.png", sha256, "", "logit", 3.0, 1e-4, "results.csv of the repository")


def problem(reference: ReferenceScore, folder: Path) -> str:
    (result,) = check_references(Level(), [reference], folder)
    assert result.check == f"{reference.number} of grey.png"
    return result.problem


def test_logit_or_score_is_compared_within_its_bound(reference: ReferenceScore, tmp_path: Path) -> None:
    assert problem(reference, tmp_path) == ""
    assert problem(replace(reference, value=3.00005, sha256=reference.sha256[:8]), tmp_path) == ""
    assert problem(replace(reference, value=3.001), tmp_path) == "3, published: 3.001 (within 0.0001)"
    score = torch.tensor(3.0).sigmoid().item()
    assert problem(replace(reference, number="score", value=score), tmp_path) == ""
    assert "published: 3.0" in problem(replace(reference, number="score"), tmp_path)


def test_another_file_of_that_name_is_no_evidence(reference: ReferenceScore, tmp_path: Path) -> None:
    tiny_image(1).point(lambda value: 103).save(tmp_path / "grey.png", compress_level=0)
    assert (
        f"grey.png is another file (sha256 {hashlib.sha256((tmp_path / 'grey.png').read_bytes()).hexdigest()}"
        in (problem(reference, tmp_path))
    )


def test_an_absent_picture_is_named_with_its_place(reference: ReferenceScore, tmp_path: Path) -> None:
    (tmp_path / "grey.png").unlink()
    said = problem(reference, tmp_path)
    assert str(tmp_path / "grey.png") in said
    assert said.endswith("it is published in results.csv of the repository")
