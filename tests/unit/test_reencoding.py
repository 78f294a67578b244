"""What a protocol does to files of one label: their pixels, their rows' identity, and who must carry it."""

from __future__ import annotations

import os
import pickle
import signal
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image

from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.data.inventory import FileFacts
from forenbench.data.reencoding import NOT_JPEG, Reencoding
from forenbench.errors import BenchError
from forenbench.perturbations import parse
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.store import Store
from forenbench.scoring.batches import Batch
from forenbench.scoring.engines.local import LocalEngine
from forenbench.scoring.fatal_files import without_fatal_files
from forenbench.scoring.features import FeatureCache
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.outcome import Silent
from forenbench.scoring.plan import Job, RunSettings, Shard, plan
from forenbench.scoring.preparing import Reader
from forenbench.scoring.runner import run
from forenbench.tables.pairs import compare
from forenbench.testing import Brightness, write_tiny_dataset
from forenbench.types import FAKE, REAL, TAMPERED, Sample

IMAGES = 3
SETTINGS = RunSettings([parse("none"), parse("blur:1")])


class Pixels(Brightness):
    def prepare(self, image: Image.Image) -> torch.Tensor:
        return torch.tensor(list(image.tobytes()), dtype=torch.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("protocols") / "genimage"
    write_tiny_dataset(made, ["alpha"], IMAGES)
    return made


def opened(folder: Path, protocol: str = "dda") -> Dataset:
    (dataset,) = open_dataset(str(folder), data_root=folder, protocol=protocol)
    return dataset


def shard_of(dataset: Dataset, detector: Brightness | None = None) -> tuple[Shard, Reader]:
    loaded = LoadedDetector(detector or Pixels(), "own")
    (task,) = plan([Job(dataset, [loaded])], SETTINGS)
    lineup = Lineup([loaded.detector], SETTINGS.perturbations)
    (batches,) = task.shards()
    return Shard.of(0, task, batches, task.cells, lineup), Reader.of(lineup, [task.testset.source])


def pixels(batch: Batch, p: int) -> dict[int, bytes]:
    return {
        at: bytes(one.tolist())
        for ats, some in batch.tensors((p, 0))
        for at, one in zip(ats, some, strict=True)
    }


def as_it_is(file: Path) -> Image.Image:
    with Image.open(file) as image:
        return image.convert("RGB")


def saved_by_pillow(file: Path, **options: int) -> Image.Image:
    buffer = BytesIO()
    as_it_is(file).save(buffer, "JPEG", quality=96, **options)
    return Image.open(buffer).convert("RGB")


def test_fakes_are_what_pillow_saves_at_96_and_reals_are_what_they_were(folder: Path) -> None:
    dataset = opened(folder)
    shard, reader = shard_of(dataset)
    batch = reader[shard.requests[0]]
    assert len(dataset.testsets[0].samples) == 2 * IMAGES
    for at, sample in enumerate(dataset.testsets[0].samples):
        file = folder / sample.path
        expected = (saved_by_pillow if sample.label == FAKE else as_it_is)(file)
        assert pixels(batch, 0)[at] == expected.tobytes()
        # the run's own perturbations come behind it
        blurred = SETTINGS.perturbations[1].apply(expected, None)  # type: ignore[arg-type]
        assert pixels(batch, 1)[at] == blurred.tobytes()
        assert batch.drawn[0][at] == ("first=jpeg:96" if sample.label == FAKE else "")
    assert saved_by_pillow(file).tobytes() != as_it_is(file).tobytes()


def test_the_file_is_420_as_pillow_does_by_default(folder: Path) -> None:
    expected = saved_by_pillow(folder / "alpha/1_fake/0.png", subsampling=2).tobytes()  # Pillow's 2 is 4:2:0
    dataset = opened(folder)
    shard, reader = shard_of(dataset)
    at = [sample.path for sample in dataset.testsets[0].samples].index("alpha/1_fake/0.png")
    assert pixels(reader[shard.requests[0]], 0)[at] == expected


def test_requests_carry_it_to_other_processes(folder: Path) -> None:
    """Replicas and readers get nothing but the shard, pickled."""
    shard, reader = shard_of(opened(folder))
    (request,) = pickle.loads(pickle.dumps(shard)).requests
    assert pixels(reader[request], 0) == pixels(reader[shard.requests[0]], 0)


def test_a_file_that_is_read_alone_keeps_what_is_done_to_it(folder: Path) -> None:
    """As it is after a reader died: of the files of a request each is tried in a process of its own."""
    dataset = opened(folder)
    deadly = saved_by_pillow(folder / "alpha/1_fake/1.png").tobytes()
    (at,) = (i for i, one in enumerate(dataset.testsets[0].samples) if one.path == "alpha/1_fake/1.png")

    class Dying(Pixels):
        def prepare(self, image: Image.Image) -> torch.Tensor:
            if image.tobytes() == deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().prepare(image)

    shard, reader = shard_of(dataset, Dying())
    assert [*without_fatal_files(reader, shard.requests[0]).fatal] == [(at, (0, 0))]


def test_rows_of_reencoded_files_are_other_rows(folder: Path) -> None:
    identities = {}
    for protocol in ("all", "dda", "bfree"):
        (task,) = plan([Job(opened(folder, protocol), [LoadedDetector(Pixels(), "own")])], SETTINGS)
        identities[protocol] = task.cells[0].identity
        assert task.testset.protocol == protocol
    assert identities["dda"] != identities["all"] == identities["bfree"]
    assert "reencoded" not in identities["all"].to_json()


def test_a_stopped_or_repeated_run_mixes_nothing(folder: Path, tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = []
    for protocol in ("all", "dda", "dda"):
        jobs = [Job(opened(folder, protocol), [LoadedDetector(Brightness(), "own")])]
        summary = run(jobs, SETTINGS, store, LocalEngine(Numerics()), Silent())
        (record, _) = store.records()
        made.append((summary.computed, record.protocol, sorted(set(store.rows(record)["drawn"]))))
    assert made == [(2, "all", [""]), (2, "dda", ["", "first=jpeg:96"]), (0, "dda", ["", "first=jpeg:96"])]
    (remark,) = {remark for record in store.records() for remark in record.remarks}
    assert remark.startswith("under protocol dda some files were re-encoded first")


def test_detectors_are_not_compared_on_files_as_they_are_and_reencoded_ones(
    folder: Path, tmp_path: Path
) -> None:
    stores = [Store(tmp_path / protocol) for protocol in ("all", "dda")]
    for store in stores:
        jobs = [Job(opened(folder, store.root.name), [LoadedDetector(Brightness(), "own")])]
        run(jobs, SETTINGS, store, LocalEngine(Numerics()), Silent())
    with pytest.raises(BenchError, match="or the same ones re-encoded"):
        compare(stores)


class Encoder:
    """The image's mean, kept on disk."""

    identity = "mean, version 1"

    def prepare(self, image: Image.Image) -> torch.Tensor:
        return Brightness().prepare(image)

    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        return batch


class Head(Brightness):
    def __init__(self) -> None:
        self.encoder = Encoder()


def test_features_of_a_file_as_it_is_are_not_taken_for_those_of_one_reencoded(
    folder: Path, tmp_path: Path
) -> None:
    scores = {}
    for protocol in ("all", "dda"):
        for cache in (tmp_path / "shared", tmp_path / protocol):
            jobs = [Job(opened(folder, protocol), [LoadedDetector(Head(), "own")])]
            store = Store(tmp_path / f"{cache.name}-{protocol}-run")
            run(jobs, SETTINGS, store, LocalEngine(Numerics(), FeatureCache(cache, 10**6)), Silent())
            scores[protocol, cache.name] = store.rows(store.records()[0])["score"].tolist()
    assert scores["dda", "shared"] == scores["dda", "dda"] != scores["all", "all"]


def facts(*formats: str) -> dict[str, FileFacts]:
    return {str(i): FileFacts("x", one) for i, one in enumerate(formats)}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Reencoding("fake", "jpeg:96"), {"1", "3"}),
        (Reencoding("real", "jpeg:96"), {"0", "2"}),
        (Reencoding("all", "jpeg:95"), {"0", "1", "2", "3", "5"}),
        (Reencoding("tampered", "jpeg:95"), {"5"}),
        (Reencoding("all", "jpeg:95", NOT_JPEG), {"1", "5"}),
        (Reencoding("fake", "jpeg:96", "PNG"), {"1"}),
    ],
)
def test_a_rule_is_for_a_label_and_a_format(rule: Reencoding, expected: set[str]) -> None:
    samples = [Sample(str(i), label) for i, label in enumerate([REAL, FAKE, REAL, FAKE, REAL, TAMPERED])]
    found = rule.of(samples, facts("JPEG", "PNG", "MPO", "JPEG", "", "PNG"))  # one is no image
    assert found == dict.fromkeys(expected, rule.by)


def test_a_rule_names_datasets_or_spares_them() -> None:
    assert [Reencoding("fake", "jpeg:96", datasets=("a",)).concerns(name) for name in "ab"] == [True, False]
    assert [Reencoding("fake", "jpeg:96", spared=("a",)).concerns(name) for name in "ab"] == [False, True]
    with pytest.raises(
        BenchError, match="label 'fakes' of a re-encoding is none of real, fake, tampered, all"
    ):
        Reencoding("fakes", "jpeg:96")


def test_it_is_said_how_many_files_are_concerned_or_that_none_is(folder: Path, tmp_path: Path) -> None:
    assert "test set 'alpha' (3 of 6): dda re-encodes files first (jpeg:96)" in opened(folder).notes
    write_tiny_dataset(tmp_path / "others", ["alpha"], IMAGES)
    assert any(
        note.startswith("protocol dda re-encodes no file") for note in opened(tmp_path / "others").notes
    )
    assert any("degrades every picture" in note for note in opened(folder, "ai-genbench").notes)
