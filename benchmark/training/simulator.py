"""AutoGAN's simulator: auto-encoders of real images, whose artefacts stand for those of GANs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from forenbench.detectors._nets.autogan_generators import auto_encoder
from forenbench.detectors._nets.cyclegan import Discriminator, start
from forenbench.detectors._nets.pixels import PLAIN, SYMMETRIC, Preprocess, normalise
from forenbench.files.checksums import sha256_of
from forenbench.types import FAKE

from .examples import Examples
from .optimisers import make_optimiser
from .picture_cache import PictureCache, fill
from .randomness import Read
from .recipes import TrainingRecipe
from .request import TrainingData, TrainingRequest
from .rivals import descend, train_rivals
from .schedules import LinearDecay
from .session import Running
from .views import Decoded, crop_and_flip

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

# What run_training.py of the branch `auto_gan` sets, and CycleGAN's defaults. The official code leaves the
# generator as it was at the last multiple of 5,000 images (`save_latest_freq`); here it is the last epoch's.
SIMULATOR = TrainingRecipe(
    rate=2e-4,
    batch=8,
    epochs=100,
    schedule=LinearDecay(50, 50),
    keep="last",
    official_keep="last",
    betas=(0.5, 0.999),
    resize=286,  # of both sides, bicubic: the picture is squashed
    crop=256,
)
POOL = 50
"""Earlier pictures that the discriminator may be shown again."""
CLOSENESS = 0.5
"""Weight of the mean absolute difference; unlike CycleGAN's identity loss, no lambda multiplies it."""

SIZE = {"width": 64, "blocks": 9}
"""Of the networks: channels of their first layers, and residual blocks of the auto-encoder."""


def shortened(epochs: int) -> TrainingRecipe:
    """Return the recipe with another number of epochs, half of them (rounded up) at the full rate."""
    return replace(SIMULATOR, epochs=epochs, schedule=LinearDecay(epochs - epochs // 2, epochs // 2))


@dataclass(frozen=True)
class SimulatorView:
    """Squash, random crop, flip: uint8 (3, crop, crop)."""

    recipe: TrainingRecipe

    def __call__(self, image: Image, random: np.random.Generator) -> Tensor:
        """Turn one image into what the simulator trains on."""
        whole = squash(self.recipe.resize or self.recipe.crop).levels(image)
        return crop_and_flip(whole, self.recipe, random)


class Simulator:
    """An auto-encoder against a discriminator: `forenbench.training.rivals.Rivals`.

    Args:
        upsampler: Of the auto-encoder.
        recipe: For the view and the optimisers.
        seed: Of the networks' start.
    """

    def __init__(self, upsampler: str, recipe: TrainingRecipe, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.maker, self.judge = auto_encoder(upsampler, **SIZE), Discriminator(width=SIZE["width"])
            start(self.judge)
        self.networks: Mapping[str, nn.Module] = {"maker": self.maker, "judge": self.judge}
        self.optimisers: Mapping[str, Optimizer] = {
            name: make_optimiser(network, recipe) for name, network in self.networks.items()
        }
        self.memory: dict[str, Tensor] = {}
        self.read: Read = Decoded(SimulatorView(recipe))
        self.facts: dict[str, Any] = {"initialisation": "random", "upsampler": upsampler, "pool": POOL}

    def step(self, images: Tensor, labels: Tensor, random: np.random.Generator) -> Mapping[str, float]:
        """Train the auto-encoder, then the discriminator, on real images, uint8 (n, 3, side, side)."""
        real = normalise(images, SYMMETRIC)
        made = self.maker(real)
        self.judge.requires_grad_(False)  # gradients pass through it alone
        fooling = _distance(self.judge(made), 1)
        difference = functional.l1_loss(made, real)
        descend(self.optimisers["maker"], fooling + CLOSENESS * difference)
        self.judge.requires_grad_(True)
        shown = self._pooled(made.detach(), random)
        # The pictures are those made before the auto-encoder's step, as in the official code.
        judging = (_distance(self.judge(real), 1) + _distance(self.judge(shown), 0)) / 2
        descend(self.optimisers["judge"], judging)
        values = {"fooling": fooling, "difference": difference, "judging": judging}
        return {name: float(value.detach()) for name, value in values.items()}

    def publish(self) -> dict[str, Any]:
        """Return the auto-encoder's state, as the official latest_net_G.pth holds it."""
        return {key: value.cpu() for key, value in self.maker.state_dict().items()}

    def _pooled(self, made: Tensor, random: np.random.Generator) -> Tensor:
        """Exchange about half of the pictures for earlier ones (util/image_pool.py of CycleGAN's code)."""
        pool = self.memory.get("pool", made[:0])
        shown = []
        for picture in made:
            if len(pool) < POOL:
                pool = torch.cat([pool, picture[None]])
                shown.append(picture)
            elif random.random() > 0.5:
                place = int(random.integers(POOL))
                shown.append(pool[place].clone())
                pool[place] = picture
            else:
                shown.append(picture)
        self.memory = {"pool": pool}
        return torch.stack(shown)


def simulators(
    request: TrainingRequest, upsamplers: Sequence[str], reals: Examples, run: Running
) -> dict[str, Path]:
    """Train one auto-encoder an upsampler, or finish those that were stopped; return their files.

    Args:
        request: Its name says what they are trained on.
        upsamplers: Which.
        reals: Real images alone.
        run: How to train.

    Raises:
        BenchError: There are several processes, and one is not trained yet; or there is another training.
    """
    files = {}
    for upsampler in upsamplers:
        one = replace(request, name=f"autogan-simulator-{upsampler}-{request.name}")
        run.note(f"before the classifier, '{one.name}': {len(reals.items):,} real images")
        simulator = Simulator(upsampler, run.recipe, request.seed)
        files[upsampler] = train_rivals(one, simulator, TrainingData(reals), run)
    return files


def beside_simulated(data: TrainingData, files: Mapping[str, Path], root: Path, run: Running) -> TrainingData:
    """Put what each auto-encoder makes of every training image beside it; without any, change nothing.

    Args:
        data: Real training images alone; validation images stay as they are.
        files: The auto-encoders, by upsampler.
        root: Folder for what they make, which stays there.
        run: Who makes it.

    Raises:
        BenchError: The disk has too little room.
    """
    if not files:
        return data
    reals = data.train
    wanted = [(_fakes_of(*pair, root, run), reals) for pair in files.items()]
    made = fill(wanted, "choose another folder", run)
    fakes = [replace(item, label=FAKE) for examples in made for item in examples.items]
    return replace(data, train=replace(reals, items=(*reals.items, *fakes)))


def _fakes_of(upsampler: str, file: Path, root: Path, run: Running) -> PictureCache:
    network = auto_encoder(upsampler, **SIZE)
    network.load_state_dict(torch.load(file, weights_only=True))
    network.to(run.processes.device).eval()

    def make(batch: Tensor) -> Tensor:
        # Each alone: in a batch, the last digits of each depend on the others.
        made = torch.cat([network(picture[None]) for picture in normalise(batch, SYMMETRIC)])
        # Cut off, not rounded: so models/test_model.py of the branch writes them, as PNG.
        return ((made + 1) * 0.5 * 255).to(torch.uint8)

    name = f"{file.stem}-{sha256_of(file)[:16]}"
    # A trained one is shown whole pictures: options/test_options.py sets `load_size` to `crop_size`.
    side = SIMULATOR.crop
    return PictureCache(root, name, "simulated images", squash(side).levels, make, side)


def squash(side: int) -> Preprocess:
    """Say how the branch brings a picture to a square."""
    return Preprocess(PLAIN, resize=side, resample="bicubic")


def _distance(scores: Tensor, wanted: float) -> Tensor:
    """Return the loss of LSGAN: the mean squared difference of all patches' scores from 1 (real) or 0."""
    return functional.mse_loss(scores, torch.full_like(scores, wanted))
