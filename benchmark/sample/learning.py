"""How the generators of the `sample` dataset are trained: from train photographs, seeded, from nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from forenbench.detectors._nets.small import small_discriminator

from .fakes import as_tensor
from .generators import FAMILIES, Generator
from .photographs import draw, photographs

SEED = 1
PATCH, BATCH = 64, 8
PENALTY_EVERY, PENALTY = 8, 1.0  # R1, applied to every eighth step as in StyleGAN2

Report = Callable[[str, int, int, Mapping[str, float]], None]
"""Called with family, step, steps and the losses of that step."""


@dataclass(frozen=True, slots=True)
class SampleRecipe:
    """How one family is trained.

    Attributes:
        steps: Of the optimiser.
        adversarial: Weight of the adversarial loss beside the family's own; 0 = no adversary.
        alone: Share of the steps before the adversary joins.
    """

    steps: int = 3600
    adversarial: float = 0.8
    alone: float = 0.5


RECIPES: Mapping[str, SampleRecipe] = {
    "transposed": SampleRecipe(adversarial=1.0),
    "nearest": SampleRecipe(),
    "blurred": SampleRecipe(),
    "superres": SampleRecipe(),
    "vae": SampleRecipe(steps=2400),
    "diffusion": SampleRecipe(adversarial=0.0),
}


class Adversary:
    """A patch discriminator and its optimiser: hinge loss and a lazy gradient penalty on reals (R1)."""

    def __init__(self) -> None:
        self.net = small_discriminator()
        self._optimiser = torch.optim.Adam(self.net.parameters(), lr=4e-4, betas=(0.0, 0.99))
        self._steps = 0

    def learn(self, reals: Tensor, fakes: Tensor) -> float:
        """Take one step towards telling fakes from reals; return the hinge loss."""
        penalise = self._steps % PENALTY_EVERY == 0
        # The penalty differentiates by the images, which costs a second pass: for every eighth step alone.
        reals = reals.detach().requires_grad_(penalise)
        scores = self.net(reals)
        hinge = F.relu(1 - scores).mean() + F.relu(1 + self.net(fakes.detach())).mean()
        loss = hinge
        if penalise:
            (slope,) = torch.autograd.grad(scores.sum(), reals, create_graph=True)
            # Times the interval, so that its mean over steps is that of a penalty at each (StyleGAN2,
            # appendix B).
            loss = loss + PENALTY_EVERY * PENALTY * slope.square().sum(dim=(1, 2, 3)).mean()
        _step(self._optimiser, loss)
        self._steps += 1
        return float(hinge.detach())

    def blame(self, fakes: Tensor) -> Tensor:
        """Return a loss whose gradient makes fakes look more real and is as long as that of an L1 loss.

        Esser et al.'s adaptive weight ("Taming Transformers", 2021), taken at the image: one weight then
        suits every family at every step.
        """
        images = fakes.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.net(images).sum(), images)
        loss: Tensor = -(fakes * slope).sum() / (slope.norm() * fakes.numel() ** 0.5)
        return loss


def train_generators(folder: Path, *, families: Iterable[str] = tuple(FAMILIES), report: Report) -> None:
    """Train generators from nothing and write `<family>.safetensors` (half precision) into a folder.

    The adversary of `nearest` is written too: it is LGrad's transformation model on this dataset.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for family in families:
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            generator, adversary = _train(family, RECIPES[family], report)
        _save(generator, folder / f"{family}.safetensors")
        if family == "nearest":
            _save(adversary.net, folder / "nearest_discriminator.safetensors")


def _train(family: str, recipe: SampleRecipe, report: Report) -> tuple[Generator, Adversary]:
    generator, adversary = FAMILIES[family](), Adversary()
    # Orthogonal weights keep the length of what goes through (Saxe et al. 2014): the nets have no norm that
    # would.
    for layer in generator.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.orthogonal_(layer.weight)
    # Convolutions on a CPU are faster in this order (docs/performance.md).
    for net in (generator, adversary.net):
        net.to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.9, 0.99))
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.steps, eta_min=5e-5)
    random = torch.Generator().manual_seed(SEED)
    rng, sources = np.random.default_rng(SEED), photographs("train")
    for step in range(recipe.steps):
        chosen = [sources[index] for index in rng.integers(len(sources), size=BATCH)]
        patches = as_tensor([draw(photograph, rng, PATCH) for photograph in chosen])
        # Colour channels are shuffled: six photographs do not hold every colour of the others.
        shuffled = torch.stack([patch[rng.permutation(3)] for patch in patches])
        reals = shuffled.contiguous(memory_format=torch.channels_last)
        fakes, loss = generator.attempt(reals, random)
        losses = {"own": float(loss.detach())}
        # Later, as in Esser et al.'s code (`disc_start`): at first its own loss teaches a generator enough.
        if recipe.adversarial and step >= recipe.alone * recipe.steps:
            losses["adversary"] = adversary.learn(reals, fakes)
            loss = loss + recipe.adversarial * adversary.blame(fakes)
        _step(optimiser, loss)
        decay.step()
        report(family, step + 1, recipe.steps, losses)
    return generator, adversary


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def _save(net: nn.Module, path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: value.half().contiguous() for name, value in net.state_dict().items()}, path)
