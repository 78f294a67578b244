"""Networks as training starts: at random, from ImageNet's weights, or from a file of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from forenbench.detectors._nets.encoders import RESNET_50
from forenbench.detectors._nets.networks import resnet_50
from forenbench.errors import BenchError
from forenbench.weights import Checkpoint, Weights, load_strict

from . import starts
from .recipes import TrainingRecipe

Build = Callable[[], nn.Module]
INITIALISATIONS = ("imagenet", "random")
IMAGENET_V1 = "torchvision's first ImageNet weights; official training had the file resnet50-19c8e357.pth"


def classifier(
    recipe: TrainingRecipe, start: str, seed: int, weights: Weights, build: Build = resnet_50
) -> tuple[nn.Module, starts.Start]:
    """Build a one-logit ResNet in its initial state.

    Args:
        recipe: For the last layer's deviation.
        start: "imagenet": all but the last layer from ImageNet's file; "random": PyTorch's own start; else a
            file of this very network.
        seed: Of whatever is random.
        weights: Where ImageNet's file is.
        build: Makes the network; its last layer is `fc`.

    Raises:
        BenchError: `start` is none of these.
        MissingWeights: ImageNet's file is not on this machine.
        WrongWeights: It holds something else.
    """
    # In a fork, so that a network's weights depend on the
    # seed alone, and nothing else on whether it was built.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build()
        # The weights alone: the official code never touches the bias (networks/trainer.py of CNNDetection).
        nn.init.normal_(network.get_submodule("fc").get_parameter("weight"), 0, recipe.head_deviation)
    return network, begin(network, start, weights, RESNET_50, IMAGENET_V1)


def begin(
    network: nn.Module, start: str, weights: Weights, imagenet: Checkpoint, official: str
) -> starts.Start:
    """Fill a fresh network as a training is to start.

    Args:
        network: Its last layer is `fc`.
        start: "imagenet": all but the last layer from ImageNet's file; "random": nothing; else a file of this
            very network.
        weights: Where ImageNet's file is.
        imagenet: That file.
        official: Which one it is, in a card's words.

    Raises:
        BenchError: `start` is none of these.
        MissingWeights: ImageNet's file is not on this machine.
        WrongWeights: It holds something else.
    """
    if start == "random":
        return starts.Start({"initialisation": "random"})
    if start not in INITIALISATIONS:
        if not Path(start).is_file():
            raise BenchError(f"init '{start}' is neither {' nor '.join(INITIALISATIONS)}, nor a file")
        return starts.fill(network, start, weights)
    with weights.recording() as used:
        fill_from_imagenet(network, weights, imagenet)
    return starts.Start({"initialisation": f"imagenet: {official}", "checkpoints": dict(used)})


def new_head(width: int, recipe: TrainingRecipe, seed: int) -> nn.Linear:
    """Make a linear layer as the papers start it: normal weights, PyTorch's uniform bias."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = nn.Linear(width, 1)
        nn.init.normal_(head.weight, 0, recipe.head_deviation)
    return head


def fill_from_imagenet(network: nn.Module, weights: Weights, checkpoint: Checkpoint) -> None:
    """Take everything but the last layer from a file; old files lack the counters of batches.

    Raises:
        MissingWeights: The file is not on this machine.
        WrongWeights: It holds something else.
    """
    # The fresh network's own head and counters complete the
    # file, which then is loaded as strictly as any other.
    ours = network.state_dict()
    kept = {key: value for key, value in ours.items() if key.startswith("fc.") or key.endswith("_tracked")}
    theirs = {key: value for key, value in weights.load(checkpoint).items() if not key.startswith("fc.")}
    load_strict(network, {**kept, **theirs}, checkpoint)
