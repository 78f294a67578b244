"""Networks on numbers that are standardised by statistics of the training images: Frank et al., FreDect."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save

from forenbench.detectors._nets.cosines import Pixels, Standardised
from forenbench.detectors._nets.frank_networks import CLASSIFIERS, INPUTS, classifier, start_as_keras
from forenbench.detectors._nets.fredect_statistics import VIEW, statistics
from forenbench.detectors._nets.fredect_statistics import network as fredect_network
from forenbench.errors import BenchError, unknown
from forenbench.files.atomic import replacing

from .examples import Examples
from .learners import Learner, as_they_are
from .loader import Loader, in_order
from .randomness import TRAIN
from .recipes import TrainingRecipe
from .schedules import EarlyStopping, Plateau
from .session import Running
from .views import Decoded, PlainView

if TYPE_CHECKING:
    from torch import Tensor

    from forenbench.weights import Weights

    from .request import TrainingData, TrainingRequest

# GANDCTAnalysis, classifer.py: Keras's Adam, and its early stopping on a validation loss that has the penalty
# in it. Nothing is drawn at random: no crop, no flip.
FRANK = TrainingRecipe(
    rate=1e-3,
    batch=32,
    epochs=50,
    schedule=Plateau(5),
    official_keep="best",
    eps=1e-7,
    resize=None,
    flip=0.0,
    watch="objective",
)
# AIGCDetectBenchmark, options.py and train.py. Its blur, JPEG, random crop and flip pass FreDect by.
FREDECT = TrainingRecipe(rate=1e-4, batch=64, epochs=1000, schedule=EarlyStopping(), flip=0.0)

COMPUTED = "mean and population deviation of the training images; a deviation of 0 counts as 1"
_AT_ONCE = 16


@dataclass(frozen=True)
class Standardising:
    """A network that is trained on standardised numbers.

    Attributes:
        network: With what it is trained from.
        view: From an image to numbers, the same in training and in scoring.
        facts: What a card tells of it.
        computed: Its statistics are still to be computed, from the training images.
    """

    network: Standardised
    view: Pixels
    facts: dict[str, Any]
    computed: bool

    def learner(self) -> Learner:
        """Return what `forenbench.training.supervised.train` is given."""
        read = Decoded(PlainView(self.view))
        return Learner(self.network, read, read, as_they_are, facts=self.facts)

    def shown(self, request: TrainingRequest, data: TrainingData, run: Running) -> TrainingData:
        """Fill in the statistics that are still to be computed; the images stay as they are.

        They are kept in the training's folder, where the other processes find them, and a training that was
        stopped.
        """
        if self.computed:
            # Of these images, seen so: a first epoch that was stopped leaves no state that would say whose.
            seen = hashlib.sha256(f"{data.train.digest} {self.view}".encode()).hexdigest()
            path = request.folder / f"statistics-{seen[:16]}.safetensors"
            with run.processes.in_turn():
                if not path.is_file():
                    mean, deviation = moments(data.train, self.view, run)
                    with replacing(path) as partial:
                        partial.write_bytes(save({"mean": mean, "deviation": deviation}))
            found = load_file(path)
            # Official code divides by 0 where all images agree, and learns nothing any more.
            self.network.fill(found["mean"], found["deviation"].where(found["deviation"] > 0, 1))
        return data


def frank_recipe(name: str, seen: str) -> TrainingRecipe:
    """Return the recipe of a classifier in `CLASSIFIERS` that sees what `INPUTS` has.

    Raises:
        BenchError: There is no such classifier or input.
    """
    for kind, word, known in (("classifier", name, CLASSIFIERS), ("input", seen, INPUTS)):
        if word not in known:
            raise BenchError(unknown(kind, word, known))
    recipe = replace(FRANK, crop=INPUTS[seen][1])
    # Keras's `log2` adds 0.01 times the sum of squares, whose gradient is 0.02 times a weight.
    return replace(recipe, decay=0.02, decayed="kernels") if name == "ridge" else recipe


def frank(name: str, seen: str, seed: int) -> Standardising:
    """Start one of Frank et al.'s classifiers as Keras does.

    Args:
        name: In `CLASSIFIERS`.
        seen: What it sees, in `INPUTS`.
        seed: Of its weights.
    """
    view, side = INPUTS[seen]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = classifier(name, side)
        start_as_keras(network)
    facts = {
        "classifier": name,
        "input": seen,
        "initialisation": "Glorot's uniform weights, zero biases, in all layers",
        "ours": "other sizes than the input's are squashed to it; images come in a new order in each epoch",
    }
    if view.scale is None:
        return Standardising(network, view, facts | {"statistics": COMPUTED}, computed=True)
    scale = torch.tensor(view.scale)
    network.fill(scale, scale)
    return Standardising(network, view, facts | {"statistics": f"fixed: {view.scale}"}, computed=False)


def fredect(seed: int, weights: Weights, *, published: bool) -> Standardising:
    """Start FreDect's ResNet-50 at random, as torchvision does, its last layer as PyTorch does.

    Args:
        seed: Of its weights.
        weights: Where the published statistics are.
        published: Whether they are used, as in the official training, or those of the training images.

    Raises:
        MissingWeights: A file of the statistics is not on this machine.
        WrongWeights: It holds something else.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = fredect_network()
    facts: dict[str, Any] = {"initialisation": "random, in all layers", "statistics": COMPUTED}
    if published:
        with weights.recording() as used:
            network.fill(*statistics(weights))
        facts |= {"statistics": "published", "checkpoints": dict(used)}
    return Standardising(network, VIEW, facts, computed=not published)


def moments(examples: Examples, view: Pixels, run: Running) -> tuple[Tensor, Tensor]:
    """Return mean and population standard deviation of each number over all images, float64 (3, H, W).

    One pass in the order of the examples by Welford's method, as src/math.py of GANDCTAnalysis: bit for bit
    the same with any number of workers.
    """
    loader = Loader(examples, Decoded(PlainView(view.exact)), 0, TRAIN, run.workers)
    mean = squares = torch.zeros(())
    done = 0
    for batch in loader.batches(0, in_order(len(examples.items), _AT_ONCE)):
        for numbers in batch.inputs:
            done += 1
            away = numbers - mean
            mean = mean + away / done
            squares = squares + away * (numbers - mean)
        run.advance(f"statistics of {examples.request}", done, len(examples.items))
    return mean, (squares / done).sqrt()
