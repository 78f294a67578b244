"""What Fourier transforms compute in, where the networks around them compute in bfloat16."""

from __future__ import annotations

import torch
from torch import Tensor


def for_fourier(values: Tensor) -> Tensor:
    """Widen bfloat16 and half precision to float32; anything wider, of any shape, stays as it is."""
    # No transform takes bfloat16, nor can complex numbers be made of it. Autocast widens what enters a
    # transform on a CPU, but not on a GPU, and on neither the two parts of complex numbers.
    return values.to(torch.promote_types(values.dtype, torch.float32))
