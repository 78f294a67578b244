"""How networks start, and what is written in the end."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from training_jobs import RECIPE, TinyNetwork

from forenbench.detectors._nets.encoders import FrozenEncoder
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixels import CLIP, Preprocess, normalise
from forenbench.detectors._nets.small import small_resnet
from forenbench.errors import BenchError
from forenbench.training import starts
from forenbench.training.initial import classifier, fill_from_imagenet, new_head
from forenbench.training.learners import (
    Learner,
    cnndetection,
    fake_over_real,
    lgrad_cached,
    univfd_end_to_end,
    univfd_probe,
)
from forenbench.training.optimisers import make_optimiser
from forenbench.training.recipes import CNNDETECTION, LGRAD, UNIVFD_LC
from forenbench.weights import Checkpoint, Weights, WrongWeights, load_strict


def encoder() -> FrozenEncoder:
    torch.manual_seed(0)
    tower = nn.Sequential(nn.Conv2d(3, 12, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return FrozenEncoder(tower.eval().requires_grad_(False), Preprocess(CLIP, crop=16), 12)


def step(learner: Learner) -> torch.optim.Optimizer:
    """Train for one step on noise."""
    optimiser = torch.optim.Adam(learner.network.parameters(), lr=1e-3)
    batch = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    learner.network(learner.inputs(batch, None)).sum().backward()
    optimiser.step()
    return optimiser


def test_the_last_layer_starts_normal_with_the_papers_deviation_and_pytorchs_bias() -> None:
    head = new_head(20_000, CNNDETECTION, seed=0)
    values = head.weight.detach().numpy()
    assert values.std() == pytest.approx(0.02, rel=0.02)
    assert values.mean() == pytest.approx(0, abs=5 * 0.02 / sqrt(20_000))
    assert np.mean(np.abs(values) > 2 * 0.02) == pytest.approx(
        0.0455, abs=0.008
    )  # a normal distribution's tails
    biases = [float(new_head(4, CNNDETECTION, seed).bias.detach()) for seed in range(200)]
    assert max(map(abs, biases)) <= 1 / sqrt(4)
    assert np.std(biases) == pytest.approx(0.5 / sqrt(3), rel=0.15)
    assert torch.equal(new_head(9, CNNDETECTION, 3).weight, new_head(9, CNNDETECTION, 3).weight)


@pytest.mark.slow
def test_random_start_only_when_asked_and_seeded() -> None:
    one, start = classifier(LGRAD, "random", 0, Weights(), small_resnet)
    same, _ = classifier(LGRAD, "random", 0, Weights(), small_resnet)
    other, _ = classifier(LGRAD, "random", 1, Weights(), small_resnet)
    weight = "layer1.0.conv1.weight"
    assert torch.equal(one.get_parameter(weight), same.get_parameter(weight))
    assert not torch.equal(one.get_parameter(weight), other.get_parameter(weight))
    assert start.facts == {"initialisation": "random"}
    with pytest.raises(BenchError, match="neither imagenet nor random"):
        classifier(LGRAD, "none", 0, Weights())


def test_imagenet_fills_everything_but_the_last_layer(tmp_path: Path) -> None:
    """An old file: no counters of batches, 1000 classes."""
    torch.manual_seed(0)
    source = small_resnet().state_dict()
    file = {key: torch.rand_like(value) for key, value in source.items() if value.is_floating_point()}
    file |= {"fc.weight": torch.rand(1000, 128), "fc.bias": torch.rand(1000)}
    save_file(file, tmp_path / "imagenet.safetensors")
    checkpoint = Checkpoint("imagenet", "imagenet.safetensors", "a test", "none")
    weights = Weights(paths={"imagenet": tmp_path / "imagenet.safetensors"})
    network, _ = classifier(LGRAD, "random", 0, weights, small_resnet)
    head = network.get_parameter("fc.weight").detach().clone()
    fill_from_imagenet(network, weights, checkpoint)
    filled = network.state_dict()
    for key, value in file.items():
        assert torch.equal(filled[key], value) != key.startswith("fc."), key
    assert torch.equal(filled["fc.weight"], head)
    assert all(parameter.requires_grad for parameter in network.parameters())

    del file["layer2.0.conv1.weight"]
    save_file(file, tmp_path / "imagenet.safetensors")
    with pytest.raises(WrongWeights, match=r"'layer2\.0\.conv1\.weight' is missing"):
        fill_from_imagenet(network, weights, checkpoint)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_file_of_this_network_starts_it_last_layer_included(tmp_path: Path, wrapped: bool) -> None:
    torch.manual_seed(3)
    state = small_resnet().state_dict()
    torch.save(
        {"model": state, "optimizer": {}, "total_steps": 4} if wrapped else state, tmp_path / "own.pth"
    )
    network, start = classifier(LGRAD, str(tmp_path / "own.pth"), 0, Weights(), small_resnet)
    filled = network.state_dict()
    assert all(torch.equal(filled[key], value) for key, value in state.items())
    assert all(parameter.requires_grad for parameter in network.parameters())
    sha256 = hashlib.sha256((tmp_path / "own.pth").read_bytes()).hexdigest()
    assert start.facts == {"initialisation": "file", "checkpoints": {"init": sha256}}


@pytest.mark.parametrize("spoil", ["fc.weight", "layer1.0.conv1.weight", "surplus"])
def test_a_file_of_another_network_starts_nothing(tmp_path: Path, spoil: str) -> None:
    """ImageNet's file has a thousand classes: that is what --init imagenet is for."""
    state = dict(small_resnet().state_dict())
    state[spoil] = torch.zeros(1000, 128)
    torch.save(state, tmp_path / "own.pth")
    with pytest.raises(WrongWeights, match=rf"'init'.*own\.pth: key '{spoil}'"):
        classifier(LGRAD, str(tmp_path / "own.pth"), 0, Weights(), small_resnet)


def checkpoint_of(learner: Learner, path: Path, batches: list[torch.Tensor]) -> torch.optim.Optimizer:
    """Train on some batches, and write what the official code writes."""
    optimiser = torch.optim.Adam(learner.network.parameters(), lr=1e-3)
    for batch in batches:
        advance(learner, optimiser, batch)
    torch.save(learner.publish(optimiser.state_dict(), len(batches)), path)
    return optimiser


def advance(learner: Learner, optimiser: torch.optim.Optimizer, batch: torch.Tensor) -> None:
    optimiser.zero_grad()
    learner.network(learner.inputs(batch, None)).square().sum().backward()
    optimiser.step()


def test_a_continued_training_takes_the_step_that_the_first_one_would_have_taken(tmp_path: Path) -> None:
    """As with the official --continue_train: moments and steps are the file's, the rate is the recipe's."""
    file = tmp_path / "own.pth"
    batches = [torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8) for _ in range(4)]
    first = cnndetection(RECIPE, TinyNetwork(), {})
    optimiser = checkpoint_of(first, file, batches[:3])
    second = cnndetection(RECIPE, TinyNetwork(), {})
    begun = starts.fill(second.network, str(file), Weights()).begun()
    continued = torch.optim.Adam(second.network.parameters(), lr=7e-4)
    begun.restore(continued)
    assert begun.steps == 3
    assert continued.param_groups[0]["lr"] == 7e-4
    optimiser.param_groups[0]["lr"] = 7e-4
    for learner, one in ((first, optimiser), (second, continued)):
        advance(learner, one, batches[3])
    for key, value in first.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[key], value), key


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux counts what a process reads")
def test_a_file_to_continue_from_is_read_once(tmp_path: Path) -> None:
    """It is three times as large as the network: both moments of Adam stand beside the weights."""
    network, file = nn.Linear(1 << 18, 1), tmp_path / "own.pth"
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 1 << 18)).sum().backward()
    optimiser.step()
    content = {"model": network.state_dict(), "optimizer": optimiser.state_dict(), "total_steps": 1}
    torch.save(content, file)

    def bytes_read() -> int:
        counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        return int(counts["rchar"])

    starts.fill(network, str(file), Weights()).begun()  # what is imported on the way is read as well
    before, size = bytes_read(), file.stat().st_size
    starts.fill(network, str(file), Weights()).begun().restore(optimiser)
    assert size <= bytes_read() - before < 1.05 * size


def test_only_this_networks_own_optimiser_is_continued(tmp_path: Path) -> None:
    file = tmp_path / "own.pth"
    learner = cnndetection(RECIPE, TinyNetwork(), {})
    batch = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    optimiser = checkpoint_of(learner, file, [batch])
    whole = torch.load(file, weights_only=True)
    bare = tmp_path / "bare.pth"
    torch.save(whole["model"], bare)
    with pytest.raises(BenchError, match=r"continues needs `optimizer` .*bare\.pth' has none"):
        starts.fill(TinyNetwork(), str(bare), Weights()).begun()
    with pytest.raises(BenchError, match="no file at init 'nowhere'"):
        starts.fill(TinyNetwork(), "nowhere", Weights())
    few = {**whole["optimizer"]["state"]}
    few.pop(0)
    other = {**whole["optimizer"]["state"], 0: {**whole["optimizer"]["state"][0], "exp_avg": torch.zeros(3)}}
    for state in ({}, few, other, {0: {"momentum_buffer": torch.zeros(3)}}, {"state": 1}):
        spoilt = starts.Begun({**whole["optimizer"], "state": state}, 1)
        with pytest.raises(BenchError, match="the optimiser's state in the file"):
            spoilt.restore(torch.optim.Adam(learner.network.parameters()))
    with pytest.raises(BenchError, match="does not fit this network"):
        starts.Begun({"state": {}, "param_groups": []}, 1).restore(optimiser)


def test_the_imagenet_start_names_its_missing_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(BenchError, match="resnet50-imagenet"):
        classifier(CNNDETECTION, "imagenet", 0, Weights(), small_resnet)


def test_cnndetection_is_published_with_optimiser_and_steps() -> None:
    learner = cnndetection(RECIPE, TinyNetwork(), {})
    optimiser = step(learner)
    content = learner.publish(optimiser.state_dict(), 7)
    assert list(content) == ["model", "optimizer", "total_steps"]
    assert content["total_steps"] == 7
    assert content["model"].keys() == TinyNetwork().state_dict().keys()
    assert content["optimizer"]["param_groups"][0]["lr"] == 1e-3
    assert float(content["optimizer"]["state"][0]["step"]) == 1


def test_lgrad_is_published_bare() -> None:
    learner = lgrad_cached(LGRAD, TinyNetwork(), {})
    assert learner.publish({}, 1).keys() == TinyNetwork().state_dict().keys()


def test_a_probe_is_published_as_the_official_head_and_its_backbone_stays(tmp_path: Path) -> None:
    frozen = encoder()
    before = {key: value.clone() for key, value in frozen.network.state_dict().items()}
    learner = univfd_probe(UNIVFD_LC, frozen, 0, {})
    step(learner)
    content = learner.publish({}, 1)
    assert {key: tuple(value.shape) for key, value in content.items()} == {"weight": (1, 12), "bias": (1,)}
    assert all(torch.equal(value, before[key]) for key, value in frozen.network.state_dict().items())

    torch.save(content, tmp_path / "head.pth")
    checkpoint = Checkpoint("head", "head.pth", "a test", "none")
    probe = nn.Linear(12, 1)
    load_strict(probe, Weights(paths={"head": tmp_path / "head.pth"}).load(checkpoint), checkpoint)
    assert torch.equal(probe.weight, content["weight"])


def test_end_to_end_trains_the_backbone_and_has_the_official_keys() -> None:
    frozen = encoder()
    before = {key: value.clone() for key, value in frozen.network.state_dict().items()}
    learner = univfd_end_to_end(UNIVFD_LC, frozen, 0, {})
    content = learner.publish(step(learner).state_dict(), 1)
    assert list(content) == ["model", "optimizer", "total_steps"]
    assert content["model"].keys() == {*(f"model.visual.{key}" for key in before), "fc.weight", "fc.bias"}
    assert not torch.equal(content["model"]["model.visual.0.weight"], before["0.weight"])


def test_features_see_the_backbones_own_statistics() -> None:
    frozen = encoder()
    learner = univfd_probe(replace(UNIVFD_LC, crop=16), frozen, 0, {})
    batch = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    assert torch.equal(learner.inputs(batch, None), frozen.encode(normalise(batch, CLIP)))


@pytest.mark.slow
def test_the_real_network_takes_a_step_and_its_file_is_the_papers(tmp_path: Path) -> None:
    network, start = classifier(CNNDETECTION, "random", 0, Weights(), resnet_50)
    learner = cnndetection(CNNDETECTION, network, start.facts)
    optimiser = torch.optim.Adam(network.parameters(), lr=CNNDETECTION.rate)
    batch = torch.randint(0, 256, (2, 3, 224, 224), dtype=torch.uint8)
    learner.network(learner.inputs(batch, None)).sum().backward()
    optimiser.step()
    content = learner.publish(optimiser.state_dict(), 1)
    assert len(content["model"]) == 320
    assert tuple(content["model"]["fc.weight"].shape) == (1, 2048)
    torch.save(content, tmp_path / "it.pth")
    assert (tmp_path / "it.pth").stat().st_size == pytest.approx(282_565_369, rel=1e-3)  # detectors.md 1.4


def test_the_binary_loss_of_two_classes_difference_is_their_cross_entropy() -> None:
    torch.manual_seed(0)
    outputs, truth = (
        torch.randn(6, 2, dtype=torch.float64, requires_grad=True),
        torch.tensor([0, 1, 1, 0, 1, 0]),
    )
    for fake in (0, 1):
        classes = truth if fake else 1 - truth
        loss = functional.cross_entropy(outputs, classes)
        mine = functional.binary_cross_entropy_with_logits(fake_over_real(outputs, fake), truth.double())
        assert float(mine.detach()) == pytest.approx(float(loss.detach()), abs=1e-12)
        (theirs,), (ours,) = (torch.autograd.grad(one, outputs) for one in (loss, mine))
        assert torch.allclose(theirs, ours, atol=1e-12)


def test_patches_keep_their_image() -> None:
    outputs = torch.arange(24.0).reshape(2, 2, 2, 3)
    assert fake_over_real(outputs, 0).tolist() == [[-6.0] * 6] * 2


def test_decay_takes_all_weights_or_kernels_alone_and_settings_go_where_they_belong() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 1))
    network[1].bias.requires_grad_(False)
    (group,) = make_optimiser(network, replace(RECIPE, decay=0.1)).param_groups
    assert (len(group["params"]), group["weight_decay"], group["betas"]) == (5, 0.1, (0.9, 0.999))
    kernels, rest = make_optimiser(network, replace(RECIPE, decay=0.1, decayed="kernels")).param_groups
    assert [list(one.shape) for one in kernels["params"]] == [[2, 3, 3, 3], [1, 2]]
    assert [list(one.shape) for one in rest["params"]] == [[2], [2], [1]]
    assert (kernels["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    sgd = make_optimiser(network, replace(RECIPE, optimiser="sgd", momentum=0.9, dampening=0.8, rate=0.01))
    assert [sgd.defaults[name] for name in ("lr", "momentum", "dampening")] == [0.01, 0.9, 0.8]
    assert isinstance(make_optimiser(network, replace(RECIPE, optimiser="adadelta")), torch.optim.Adadelta)
