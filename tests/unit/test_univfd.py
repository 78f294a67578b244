"""UnivFD's variants: whose features, which files, and what is refused; weights are zeros or random."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from forenbench.detectors._nets import neighbours
from forenbench.detectors._nets.encoders import BACKBONES
from forenbench.detectors._nets.heads import TEXT_TOWER
from forenbench.detectors._nets.neighbours import FeatureBank
from forenbench.detectors.univfd import FineTuned, LinearProbe, NearestNeighbours, UnivFD
from forenbench.files.checksums import sha256_of
from forenbench.weights import MissingWeights, Weights, WrongWeights

OTHERS = {"clip-rn50": 1024, "imagenet-resnet50": 2048, "imagenet-vit-b16": 768}
IMAGENET = tuple(name for name in OTHERS if name.startswith("imagenet"))
State = dict[str, Tensor]


def flat(name: str, value: float) -> State:
    """Return a backbone whose every entry is one number: megabytes that no file has to hold."""
    with torch.device("meta"):
        network = BACKBONES[name].network.build()
    return {key: torch.full((), value).expand(one.shape) for key, one in network.state_dict().items()}


def published(name: str, folder: Path, value: float) -> Path:
    """Write a flat backbone in its published format."""
    prefix = "visual." if name.startswith("clip") else ""
    return saved({prefix + key: one for key, one in flat(name, value).items()}, folder / f"{name}.pth")


def head(width: int, seed: int = 0) -> State:
    torch.manual_seed(seed)
    return torch.nn.Linear(width, 1).state_dict()


def saved(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def training_checkpoint(name: str, changed: State | None = None) -> dict[str, object]:
    """Return what the official training saves: a backbone of tenths, and a head."""
    prefix = "model.visual." if name.startswith("clip") else "model."
    model = {prefix + key: value for key, value in flat(name, 0.1).items()}
    model |= {f"fc.{key}": value for key, value in head(BACKBONES[name].width).items()}
    return {"model": model | (changed or {}), "optimizer": {}, "total_steps": 9}


# --- variants


def test_a_bare_name_means_the_rows_of_the_main_tables() -> None:
    assert UnivFD.rows["published"] == ("lc", "nn-k1", "nn-k3", "nn-k5", "nn-k9")


def test_every_backbone_has_the_papers_variants() -> None:
    kinds = UnivFD.rows["published"]
    ablations = {f"{backbone}-{kind}" for backbone in OTHERS for kind in kinds}
    assert set(UnivFD.variants["published"]) == {*kinds, *ablations, "lc-own", "finetuned"}


@pytest.mark.parametrize("variant", UnivFD.variants["published"])
def test_needs_are_what_a_variant_misses_first(variant: str) -> None:
    needs = UnivFD.needs[variant]
    assert set(needs) <= set(UnivFD.checkpoints)
    with pytest.raises(MissingWeights, match=f"'{needs[0].name}'"):
        UnivFD(variant, Weights())


def test_an_own_head_is_another_file_than_the_published_one() -> None:
    assert {one.name for one in UnivFD.needs["lc"]} == {"clip-vit-l14", "univfd-head"}
    assert {one.name for one in UnivFD.needs["lc-own"]} == {"clip-vit-l14", "univfd-lc-own"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "width"), OTHERS.items())
@torch.no_grad()
def test_a_backbone_serves_a_head_and_neighbours(name: str, width: int, tmp_path: Path) -> None:
    bank = saved(
        {"real": torch.randn(9, width).half(), "fake": torch.randn(9, width).half()}, tmp_path / "bank"
    )
    (own,) = (one for one in UnivFD.needs[f"{name}-lc"] if one.name.startswith("univfd"))
    assert own.name == f"univfd-{name}-head"
    paths = {
        BACKBONES[name].checkpoint.name: published(name, tmp_path, 0),
        own.name: saved(head(width), tmp_path / "head"),
        f"univfd-{name}-bank": bank,
    }
    weights = Weights(paths=paths, unverified=True)
    probe, nearest = UnivFD(f"{name}-lc", weights), UnivFD(f"{name}-nn-k9", weights)
    assert isinstance(probe, LinearProbe)
    assert isinstance(nearest, NearestNeighbours)
    assert probe.encoder is nearest.encoder
    assert probe.encoder.prepare == BACKBONES[IMAGENET[0] if name in IMAGENET else "clip-vit-l14"].prepare
    features = probe.encoder.encode(torch.zeros(2, 3, 224, 224))
    assert features.shape == (2, width)
    assert probe.logit(features).tolist() == pytest.approx([head(width)["bias"].item()] * 2)


@pytest.mark.slow
@torch.no_grad()
def test_the_features_of_imagenets_networks_are_what_their_classifiers_see(tmp_path: Path) -> None:
    """The classes from our features equal those from the whole network."""
    torch.manual_seed(0)
    for name, classifier in (("imagenet-resnet50", "fc"), ("imagenet-vit-b16", "heads.head")):
        network = BACKBONES[name].network.build().eval()
        path = saved(network.state_dict(), tmp_path / name)
        torch.nn.init.normal_(network.get_submodule(classifier).weight)
        paths = {BACKBONES[name].checkpoint.name: path}
        features = (
            BACKBONES[name].load(Weights(paths=paths, unverified=True)).encode(torch.ones(1, 3, 224, 224))
        )
        classes = network.get_submodule(classifier)(features)
        network = network.to(memory_format=torch.channels_last)  # the layout in which ours rounds
        assert torch.allclose(classes, network(torch.ones(1, 3, 224, 224)), atol=1e-5)
        assert classes.std() > 0.1


def test_torchvisions_older_file_serves_too(tmp_path: Path) -> None:
    """resnet50-19c8e357.pth, with which the official code started, has no counters of batches."""
    older = {key: one for key, one in flat("imagenet-resnet50", 0.1).items() if "tracked" not in key}
    paths = {"resnet50-imagenet": saved(older, tmp_path / "resnet50-19c8e357.pth")}
    encoder = BACKBONES["imagenet-resnet50"].load(Weights(paths=paths, unverified=True))
    assert encoder.network.conv1.weight.mean().item() == pytest.approx(0.1)


# --- heads from training checkpoints


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_head_is_read_out_of_a_training_checkpoint(name: str, tmp_path: Path) -> None:
    probe = load(name, training_checkpoint(name), tmp_path)
    assert torch.equal(probe.head.weight, head(BACKBONES[name].width)["weight"])


def test_a_head_with_another_backbone_is_refused(tmp_path: Path) -> None:
    """Fine-tuned models are saved alike; their head on the frozen backbone would mean nothing."""
    trained = training_checkpoint(
        "imagenet-resnet50", {"model.layer4.2.bn3.bias": torch.full((2048,), 0.101)}
    )
    with pytest.raises(WrongWeights, match=r"another backbone .*'model.layer4.2.bn3.bias' differs"):
        load("imagenet-resnet50", trained, tmp_path)


@pytest.mark.slow
def test_rounding_to_half_precision_is_no_other_backbone(tmp_path: Path) -> None:
    trained = training_checkpoint("imagenet-resnet50")
    model = trained["model"]
    assert isinstance(model, dict)
    trained["model"] = {key: value if key.startswith("fc.") else value.half() for key, value in model.items()}
    assert load("imagenet-resnet50", trained, tmp_path).head.weight.dtype == torch.float32


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clip-rn50", "imagenet-resnet50"])
@torch.no_grad()
def test_a_head_keeps_the_batch_norms_it_was_trained_with(name: str, tmp_path: Path) -> None:
    """The official training leaves them in training mode though the backbone is frozen: they drift."""
    prefix = "model.visual." if name.startswith("clip") else "model."
    drifted = {
        f"{prefix}bn1.running_mean": torch.full((64 if prefix == "model." else 32,), 0.3),
        f"{prefix}bn1.num_batches_tracked": torch.tensor(9),
    }
    trained = training_checkpoint(name, drifted)
    weights = Weights(paths=paths_of(name, trained, tmp_path), unverified=True)
    with weights.recording() as used:
        probe = UnivFD(f"{name}-lc", weights)
    assert isinstance(probe, LinearProbe)
    shared = BACKBONES[name].load(weights)
    assert probe.encoder.network.bn1.running_mean[0] == pytest.approx(0.3)
    assert shared.network.bn1.running_mean[0] == pytest.approx(0.1)
    assert torch.equal(probe.encoder.network.bn1.weight, shared.network.bn1.weight)
    assert probe.encoder.identity != shared.identity  # these are other features
    assert sha256_of(tmp_path / "model_epoch_best.pth") in probe.encoder.identity
    assert not probe.encoder.network.training
    assert "batch norms that drifted" in " ".join(weights.remarks(used))
    assert load(name, training_checkpoint(name), tmp_path).encoder.identity == shared.identity


def test_a_drifted_statistic_of_another_shape_is_another_backbone(tmp_path: Path) -> None:
    trained = training_checkpoint("imagenet-resnet50", {"model.bn1.running_mean": torch.zeros(3)})
    with pytest.raises(WrongWeights, match=r"another backbone .*'model.bn1.running_mean' differs"):
        load("imagenet-resnet50", trained, tmp_path)


def test_a_head_with_fc_before_its_keys_is_read(tmp_path: Path) -> None:
    alone = {f"fc.{key}": value for key, value in head(2048).items()}
    probe = load("imagenet-resnet50", alone, tmp_path)
    assert torch.equal(probe.head.weight, head(2048)["weight"])


def test_a_wrong_head_is_refused_before_its_backbone_is_read(tmp_path: Path) -> None:
    (tmp_path / "backbone").write_bytes(b"not even a torch file")
    paths = {"resnet50-imagenet": tmp_path / "backbone"}
    paths["univfd-imagenet-resnet50-head"] = saved(head(768), tmp_path / "head.pth")
    with pytest.raises(WrongWeights, match="'univfd-imagenet-resnet50-head'"):
        UnivFD("imagenet-resnet50-lc", Weights(paths=paths, unverified=True))


@pytest.mark.parametrize("key", ["model.surplus", "surplus"])
def test_a_training_checkpoint_with_an_unknown_key_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(WrongWeights, match=f"key '{key}' is unexpected"):
        load("imagenet-resnet50", training_checkpoint("imagenet-resnet50", {key: torch.ones(1)}), tmp_path)


def load(name: str, trained: object, folder: Path) -> LinearProbe:
    """Make the probe on a backbone of tenths from this head file."""
    probe = UnivFD(f"{name}-lc", Weights(paths=paths_of(name, trained, folder), unverified=True))
    assert isinstance(probe, LinearProbe)
    return probe


def paths_of(name: str, trained: object, folder: Path) -> dict[str, Path]:
    """Write a backbone of tenths, and this head file."""
    return {
        BACKBONES[name].checkpoint.name: published(name, folder, 0.1),
        f"univfd-{name}-head": saved(trained, folder / "model_epoch_best.pth"),
    }


# --- the fine-tuned model


def finetuned(changed: State, folder: Path, missing: str = "") -> FineTuned:
    trained = training_checkpoint("clip-vit-l14", changed)
    model = trained["model"]
    assert isinstance(model, dict)
    model.pop(missing, None)
    path = saved(trained, folder / "model_epoch_best.pth")
    detector = UnivFD("finetuned", Weights(paths={"univfd-finetuned": path}))
    assert isinstance(detector, FineTuned)
    return detector


def test_the_text_tower_may_be_there(tmp_path: Path) -> None:
    text = {start + "0.weight" if start.endswith(".") else start: torch.zeros(3) for start in TEXT_TOWER}
    detector = finetuned(text, tmp_path)
    assert detector.prepare == BACKBONES["clip-vit-l14"].prepare
    assert not hasattr(detector, "encoder")


def test_surplus_and_missing_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongWeights, match=r"key 'model.visual.more' is unexpected"):
        finetuned({"model.visual.more": torch.zeros(1)}, tmp_path)
    with pytest.raises(WrongWeights, match=r"key 'fc.weight' is missing"):
        finetuned({}, tmp_path, missing="fc.weight")


def test_a_head_is_no_fine_tuned_model(tmp_path: Path) -> None:
    path = saved(head(768), tmp_path / "fc_weights.pth")
    with pytest.raises(WrongWeights, match=r"'univfd-finetuned': .* it seems to be weights 'univfd-head'"):
        UnivFD("finetuned", Weights(paths={"univfd-finetuned": path}))


# --- banks


def test_a_bank_of_many_blocks_is_searched_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_AT_ONCE", 7)
    random = np.random.RandomState(0)
    real, fake, queries = (random.randn(n, 12).astype(np.float32) for n in (50, 33, 9))
    score = FeatureBank(torch.from_numpy(real), torch.from_numpy(fake)).score(torch.from_numpy(queries), 3)

    def distances(bank: np.ndarray) -> np.ndarray:
        found, _ = NearestNeighbors(n_neighbors=3, metric="cosine").fit(bank).kneighbors(queries)
        return found.mean(axis=1)

    assert score.numpy() == pytest.approx(distances(real) - distances(fake), abs=1e-5)


def test_half_precision_is_scaled_in_single(monkeypatch: pytest.MonkeyPatch) -> None:
    """The squares of CLIP's features would not fit into float16."""
    bank = FeatureBank(torch.full((2, 8), 300.0).half(), torch.eye(8).half())
    assert bank.score(torch.ones(1, 8), 1).item() == pytest.approx(8**-0.5 - 1)


def test_one_search_of_each_side_serves_every_k(monkeypatch: pytest.MonkeyPatch) -> None:
    searches: list[int] = []
    search = faiss.knn
    monkeypatch.setattr(
        faiss, "knn", lambda *given, **named: searches.append(given[2]) or search(*given, **named)
    )
    bank = FeatureBank(torch.randn(20, 8), torch.randn(20, 8))
    features = torch.randn(4, 8)
    for k in (1, 3, 5, 9):
        bank.score(features.clone(), k)
    assert searches == [9, 9]


@pytest.mark.parametrize("order", [(1, 3, 9), (9, 3, 1), (3, 12, 1)])
def test_scores_do_not_depend_on_what_was_asked_before(order: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    real, fake, *batches = (torch.randn(n, 8) for n in (30, 20, 4, 4))
    bank = FeatureBank(real, fake)
    for batch in batches:
        for k in order:
            assert torch.equal(bank.score(batch, k), FeatureBank(real, fake).score(batch, k))
