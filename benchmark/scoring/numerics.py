"""On which device, and how exactly, networks compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from forenbench.errors import BenchError, unknown

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")
PRECISIONS = ("fp32", "tf32", "bf16")
# For the machine's memory torch (2.14) raises a plain RuntimeError, "DefaultCPUAllocator: can't allocate
# memory", and one for libraries of NVIDIA that take some of their own, "CUBLAS_STATUS_ALLOC_FAILED": there
# only the words tell. cuDNN's "unable to find an engine" is often an old driver: it is not here.
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "alloc_failed")


@dataclass(frozen=True, slots=True)
class Numerics:
    """Device and precision of a run.

    Attributes:
        device: A torch device, for instance "cpu" or "cuda:1".
        precision: "fp32"; "tf32", which on NVIDIA GPUs keeps three digits; or "bf16", torch's autocast.
    """

    device: str = "cpu"
    precision: str = "fp32"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Compute inside with this precision, and without gradients unless a detector asks for them."""
        import torch

        matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
        # Both are said, for torch has TF32 off for matrix products but on for cuDNN's convolutions.
        before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic
        matmul.allow_tf32 = cudnn.allow_tf32 = self.precision == "tf32"
        # Some algorithms for gradients add in any order: LGrad's rows would differ from run to run.
        cudnn.deterministic = True
        try:
            # Not `inference_mode`, whose tensors can never be differentiated: LGrad takes gradients (and its
            # gain was none, see docs/performance.md).
            with torch.no_grad(), ExitStack() as narrowed:
                if self.precision == "bf16":
                    narrowed.enter_context(torch.autocast(self.device.partition(":")[0], torch.bfloat16))
                    if self.device == "cpu":
                        # On modules of plugins as well, for all of them are as slow.
                        register = torch.nn.modules.module.register_module_forward_pre_hook
                        narrowed.callback(register(_as_weights).remove)  # type: ignore[arg-type]
                yield
        finally:
            matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic = before


def _as_weights(module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Give attention tensors of its weights' type, which autocast narrows within.

    Of another type, PyTorch (2.14) takes a way on which it multiplies transposed bfloat16 a hundred times as
    slowly as any other tensors.
    """
    from torch import Tensor, nn

    weight = module.in_proj_weight if isinstance(module, nn.MultiheadAttention) else None
    if weight is None:
        return None
    # One tensor stays one: its own way is for self-attention, which it knows by that.
    widened = {id(one): one.to(weight.dtype) for one in given if isinstance(one, Tensor)}
    return tuple(widened.get(id(one), one) for one in given)


def check_precision(request: str, devices: Iterable[str] = ()) -> None:
    """Refuse what is no precision, or none of these devices.

    Raises:
        BenchError: There is no such precision, or a device would compute as without it.
    """
    if request not in PRECISIONS:
        raise BenchError(unknown("precision", request, PRECISIONS))
    others = [device for device in devices if not device.startswith("cuda")]
    if request == "tf32" and others:
        # Tables would say "Computed in tf32" of rows that are fp32.
        raise BenchError(
            f"precision 'tf32' is one of NVIDIA's GPUs, and device '{others[0]}' would compute in fp32: "
            "leave it out, or say bf16"
        )


def lacks_bf16(processor: Mapping[str, object]) -> bool:
    """Say whether a processor has no arithmetic of bf16, and takes longer with it than with fp32.

    Args:
        processor: What `torch.cpu.get_capabilities` says of it.
    """
    # Of x86 and of Arm; of a processor of which torch names neither, nobody can tell.
    known = [bool(processor[name]) for name in ("avx512_bf16", "amx_bf16", "bf16") if name in processor]
    return bool(known) and not any(known)


@dataclass(slots=True)
class Portions:
    """Calls networks with as many images at once as the device's memory holds.

    Attributes:
        note: Told, once for each network, that its batches were halved.
        at_once: The networks whose batches were halved, and what they get at once since.
    """

    note: Callable[[str], None]
    at_once: dict[str, int] = field(default_factory=dict)

    def call(self, name: str, network: Callable[[Tensor], T], batch: Tensor) -> list[T]:
        """Call a network on a batch (n, ...), whole or, where it does not fit, in portions.

        Args:
            name: The network's.
            network: What is called.
            batch: n stacked tensors.

        Returns:
            What each call returned.

        Raises:
            torch.OutOfMemoryError: Not even one image fits.
            ValueError: Not all fit, and the network has written into them: they cannot be given again.
        """
        import torch

        while True:
            # torch counts in-place changes of a tensor; a count that moved means that the images are spoilt.
            version = batch._version
            portions = batch.split(self.at_once.get(name, len(batch)))  # type: ignore[no-untyped-call]
            size = len(portions[0])
            try:
                return [network(portion) for portion in portions]
            except Exception as error:
                words = str(error).lower()
                is_out_of_memory = isinstance(error, torch.OutOfMemoryError | MemoryError) or (
                    isinstance(error, RuntimeError) and any(said in words for said in _OUT_OF_MEMORY)
                )
                if size == 1 or not is_out_of_memory:
                    raise
            # Outside of the handler: while the error lives, its traceback holds every tensor of the call.
            if name not in self.at_once:
                self.note(f"{name}: {size} images at once do not fit into memory; going on with fewer")
            self.at_once[name] = size // 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()  # or blocks of the wrong sizes stay with torch
            if batch._version != version:
                raise ValueError("it ran out of memory after it had written into its images")
