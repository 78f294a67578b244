"""Encoders at work: one pass for all that detectors read of one, unless it is kept from a run before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from forenbench.types import Detector

from .calls import encoded, encoder_of, finished
from .features import FeatureCache, address
from .numerics import Portions


class Seen(NamedTuple):
    """What a stack of prepared images was made from.

    Beside the encoder and its rounding, that is all that features rest on.

    Attributes:
        perturbation: Name of what was done to the images first.
        seed: Of the run; random perturbations draw on it.
        sha256s: Of the images' files, in the order of the stack, each with what was done to it first, if
            anything was.
    """

    perturbation: str
    seed: int
    sha256s: Sequence[str]


@dataclass(frozen=True, slots=True)
class EncoderPass:
    """Makes features, or finds those that are kept.

    Attributes:
        cache: Keeps the features of encoders that have an `identity`.
        portions: Calls the encoders.
        device: Where features go.
        rounding: What their last bits rest on (see `forenbench.scoring.feature_files.numerics`).
    """

    cache: FeatureCache
    portions: Portions
    device: str
    rounding: str

    def features(
        self, detector: Detector, outputs: Sequence[str], images: Callable[[], Tensor], seen: Seen
    ) -> dict[str, Tensor]:
        """Return features (n, ...) of prepared images of one shape, by output of the encoder.

        Args:
            detector: One that reads them, with the encoder that makes them.
            outputs: Those that are wanted; an empty name is what `encode` gives.
            images: Gives them (n, ...), as readers made them; asked only where features are not kept.
            seen: What they were made from.

        Raises:
            Exception: Whatever the encoder raises.
        """
        encoder = encoder_of(detector)
        assert encoder is not None  # nobody else asks
        identity: str = getattr(encoder, "identity", "")
        if identity and hasattr(encoder, "prepare_bytes"):
            identity += "; of files"  # should it have been one of pictures, under the same text
        # Each output is kept by itself: a detector that comes later may read another one.
        where = {
            output: address(f"{identity}; output {output}" if output else identity, *seen, self.rounding)
            for output in outputs
            if identity
        }
        kept = {output: self.cache.get(place) for output, place in where.items()}
        found = {output: value.to(self.device) for output, value in kept.items() if value is not None}
        missing = [output for output in outputs if output not in found]
        if missing:
            made = self.portions.call(
                f"encoder of {detector.name}",
                lambda some: encoded(encoder, missing, finished(detector, some)),
                images(),
            )
            found |= {output: torch.cat([portion[output] for portion in made]) for output in missing}
            # What was made in portions is not kept: its rounding may not be that of a whole block, which is
            # what the address stands for.
            if not self.portions.at_once:
                for output in where.keys() & set(missing):
                    self.cache.put(where[output], found[output])
        return found
