"""A detector that asks for files gets them as they are, and no format ever tells it a label."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from forenbench.data.catalogue import open_dataset
from forenbench.images import decode
from forenbench.images.png import as_png
from forenbench.perturbations import parse
from forenbench.plugins.attributes import problem
from forenbench.plugins.loaded import LoadedDetector
from forenbench.scoring.batches import ReadRequest
from forenbench.scoring.features import FeatureCache
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.pipeline import Scorer, score_testset
from forenbench.scoring.plan import Job, RunSettings, Shard, plan
from forenbench.scoring.preparing import Reader
from forenbench.testing import CHECKS, Brightness, MemorySource, run_check, tiny_image, write_tiny_dataset
from forenbench.types import Sample, TestSet

PNG = b"\x89PNG"


class Files:
    """Scores a file by its length, and remembers what it was given."""

    name, version, threshold = "files", "1", 0.5

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def prepare_bytes(self, data: bytes) -> bytes:
        return data

    def score(self, batch: Tensor) -> list[int]:
        self.seen += [bytes(one) for one in batch.numpy()]
        return [len(one) for one in batch]


class Encoder:
    """Its features are the length of the file."""

    identity = "lengths 1"

    def prepare_bytes(self, data: bytes) -> bytes:
        return data

    def encode(self, batch: Tensor) -> Tensor:
        return torch.full((len(batch), 1), float(batch.shape[1]))


class Head:
    name, version, threshold = "head", "1", 0.5

    def __init__(self, encoder: object) -> None:
        self.encoder = encoder

    def score(self, batch: Tensor) -> Tensor:
        return batch[:, 0]


def jpeg(seed: int) -> bytes:
    """A JPEG with a camera's name in its EXIF data."""
    buffer, exif = BytesIO(), Image.Exif()
    exif[0x0110] = "a camera"
    tiny_image(seed).save(buffer, format="JPEG", exif=exif)
    return buffer.getvalue()


FILES = [jpeg(0), as_png(tiny_image(1)), jpeg(2)]


def run(
    detector: object, *perturbations: str, files: list[bytes] = FILES, reencoded: dict[str, str] | None = None
) -> list[float]:
    samples = tuple(Sample(str(i), i % 2) for i in range(len(files)))
    testset = TestSet("d", "t", samples, MemorySource(files), "", reencoded=reencoded or {})
    todo = [(parse(one), [detector, Brightness()]) for one in perturbations]
    found = score_testset(testset, todo, seed=0, device="cpu")  # type: ignore[arg-type]
    assert {row.status for rows in found.values() for row in rows} == {"ok"}
    return [row.score for one in perturbations for row in found[parse(one).name, detector.name]]  # type: ignore[attr-defined]


def test_it_gets_the_files_own_bytes_with_their_metadata_in_their_order() -> None:
    detector = Files()
    assert run(detector, "none") == [len(file) for file in FILES]
    assert sorted(detector.seen) == sorted(FILES)
    assert b"a camera" in b"".join(detector.seen)


def test_under_a_perturbation_it_gets_the_changed_pixels_as_png_and_nothing_else() -> None:
    detector = Files()
    run(detector, "gray")
    assert len(detector.seen) == len(FILES)
    expected = {parse("gray").apply(decode(file), None).tobytes() for file in FILES}  # type: ignore[arg-type]
    for data in detector.seen:
        assert data.startswith(PNG)
        assert b"camera" not in data
        assert decode(data).tobytes() in expected


def test_where_a_protocol_re_encodes_one_file_no_file_comes_as_it_is() -> None:
    """Else the reals of a dataset would be JPEGs and its fakes PNGs, whatever their pixels."""
    detector = Files()
    run(detector, "none", reencoded={"1": "jpeg:90"})
    assert len(detector.seen) == len(FILES)
    assert all(data.startswith(PNG) for data in detector.seen)
    assert decode(FILES[0]).tobytes() in {decode(data).tobytes() for data in detector.seen}


def test_that_holds_for_batches_of_which_no_file_is_re_encoded(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "genimage", ["alpha"], 2)
    for file in (tmp_path / "genimage").rglob("*.png"):
        with Image.open(file) as image:
            image.save(file, compress_level=0)  # its own bytes are not those that we would write
    (dataset,) = open_dataset(str(tmp_path / "genimage"), data_root=tmp_path, protocol="dda")
    detector = Files()
    settings = RunSettings([parse("none")])
    (task,) = plan([Job(dataset, [LoadedDetector(detector, "own")])], settings)  # type: ignore[arg-type]
    untouched = [at for at, one in enumerate(task.testset.samples) if one.path not in task.testset.reencoded]
    assert 0 < len(untouched) < len(task.testset.samples)
    lineup = Lineup([detector], settings.perturbations)  # type: ignore[list-item]
    shard = Shard.of(0, task, [range(at, at + 1) for at in untouched], task.cells, lineup)
    for request in shard.requests:
        Scorer(lineup, Numerics()).score(Reader.of(lineup, [task.testset.source])[request], shard.todo)
    assert detector.seen
    assert all(data.startswith(PNG) for data in detector.seen)
    assert not {task.testset.source.read(one.path) for one in task.testset.samples} & set(detector.seen)


def test_a_file_that_cannot_be_decoded_is_shown_to_nobody() -> None:
    detector = Files()
    testset = TestSet("d", "t", (Sample("0", 0),), MemorySource([FILES[0][:200]]), "")
    found = score_testset(testset, [(parse("none"), [detector])], seed=0, device="cpu")  # type: ignore[list-item]
    assert found["none", "files"][0].status == "unreadable"
    assert detector.seen == []


def lengths(encoder: object, cache: FeatureCache, first: str = "") -> float:
    """The score of the first file, re-encoded or not, of a test set of which the second may be."""
    detector = Head(encoder)
    lineup, todo = Lineup([detector], [parse("none")]), [(0, [0])]  # type: ignore[list-item]
    sha256s = ("",) * 2
    order = ReadRequest(0, ("0", "1"), sha256s, lineup.wanted(todo), {0: ("", first)} if first else {})
    batch = Reader.of(lineup, [MemorySource(FILES)])[order]
    return Scorer(lineup, Numerics(), cache).score(batch, todo)[0, 0][0].score


def test_kept_features_of_a_file_are_not_those_of_its_pixels(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 10**6)
    assert lengths(Encoder(), cache) == len(FILES[0])
    assert lengths(Encoder(), cache, "jpeg:90") == len(as_png(decode(FILES[0])))
    assert lengths(Encoder(), cache) == len(FILES[0])


def test_nor_those_of_an_encoder_of_pictures_by_the_same_name(tmp_path: Path) -> None:
    class Pictures:
        identity = Encoder.identity

        def prepare(self, image: Image.Image) -> np.ndarray:
            return np.zeros(3)

        encode = Encoder.encode

    cache = FeatureCache(tmp_path, 10**6)
    assert lengths(Pictures(), cache) == 3
    assert lengths(Encoder(), cache) == len(FILES[0])


def test_memory_that_it_hands_out_again_is_not_shared() -> None:
    class OneBuffer(Files):
        buffer = bytearray()

        def prepare_bytes(self, data: bytes) -> bytearray:  # type: ignore[override]
            self.buffer[:] = data
            return self.buffer

    assert run(OneBuffer(), "none") == [len(file) for file in FILES]


def test_its_attributes_are_looked_at() -> None:
    assert problem(Files()) == problem(Head(Encoder())) == ""
    both = type("Both", (Files,), {"prepare": Brightness.prepare})
    assert problem(both()) == "has both 'prepare' and 'prepare_bytes': leave one out"
    assert problem(type("One", (both,), {"prepare": None})()) == ""
    both_encoder = type("Both", (Encoder,), {"prepare": Brightness.prepare})
    assert "leave one out" in problem(Head(both_encoder()))
    assert problem(type("None", (Files,), {"prepare_bytes": 3})()) == "has no method 'prepare_bytes'"


def test_its_stand_in_can_be_planned_with() -> None:
    let_go = LoadedDetector(Files(), "own").let_go().detector  # type: ignore[arg-type]
    assert (let_go.name, getattr(let_go.prepare, "crop", 1)) == ("files", None)


def test_the_contract_finds_what_cannot_read_a_jpeg() -> None:
    class Pngs(Files):
        def prepare_bytes(self, data: bytes) -> bytes:
            assert data.startswith(PNG), "no PNG"
            return data

    (check,) = (name for name in CHECKS if "JPEG" in name)
    assert "AssertionError: no PNG" in run_check(check, Pngs())
    assert {name: run_check(name, Files()) for name in CHECKS if "higher" not in name} == {
        name: "" for name in CHECKS if "higher" not in name
    }


def test_pixels_become_a_png_without_a_loss_and_without_what_stands_beside_them() -> None:
    image = tiny_image(3)
    image.info.update(icc_profile=b"a colour profile", transparency=(0, 0, 0))
    with Image.open(BytesIO(as_png(image))) as read:
        read.load()
        assert (read.format, read.mode, read.info) == ("PNG", "RGB", {})
        assert read.tobytes() == image.tobytes()
    assert image.info["icc_profile"]
