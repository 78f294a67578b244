"""What networks make in bfloat16, widened where its eight digits would not do."""

from __future__ import annotations

import torch
from torch import Tensor


def widened(values: Tensor) -> Tensor:
    """Widen bfloat16 and half precision to float32; anything wider, of any shape, stays as it is.

    Before a Fourier transform or the making of complex numbers, which take no bfloat16: autocast widens what
    enters a transform on a CPU, but not on a GPU, and on neither the two parts of complex numbers. Before a
    softmax, and a difference of two classes: a probability above 0.998 would be 1.
    """
    return values.to(torch.promote_types(values.dtype, torch.float32))
