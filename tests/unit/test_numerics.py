"""Memory that runs out halves one network's batches and no more; precision is what was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import forenbench
from forenbench.errors import BenchError
from forenbench.scoring.numerics import Numerics, Portions, check_precision, lacks_bf16


class Small:
    """A network with memory for so many images."""

    def __init__(self, room: int, error: Exception) -> None:
        self.room, self.error = room, error
        self.sizes: list[int] = []

    def __call__(self, batch: Tensor) -> Tensor:
        self.sizes.append(len(batch))
        if len(batch) > self.room:
            raise self.error
        return batch * 2


OUT = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT, ids=lambda e: type(e).__name__)
def test_a_batch_that_does_not_fit_is_halved_until_it_does(error: Exception) -> None:
    notes: list[str] = []
    portions, network = Portions(notes.append), Small(9, error)
    batch = torch.arange(32.0)
    assert torch.equal(torch.cat(portions.call("net", network, batch)), batch * 2)
    assert network.sizes == [32, 16, 8, 8, 8, 8]
    assert notes == ["net: 32 images at once do not fit into memory; going on with fewer"]


def test_later_batches_start_with_what_fitted_and_say_nothing_more() -> None:
    notes: list[str] = []
    portions, network = Portions(notes.append), Small(16, OUT[0])
    for _ in range(3):
        portions.call("net", network, torch.arange(32.0))
    assert network.sizes == [32, *[16] * 6]
    assert len(notes) == 1


def test_other_networks_keep_their_batches() -> None:
    portions, roomy = Portions(lambda text: None), Small(99, OUT[0])
    portions.call("small", Small(1, OUT[0]), torch.arange(4.0))
    portions.call("roomy", roomy, torch.arange(4.0))
    assert roomy.sizes == [4]


def test_one_image_that_does_not_fit_and_any_other_error_are_raised() -> None:
    portions = Portions(lambda text: None)
    with pytest.raises(torch.OutOfMemoryError):
        portions.call("net", Small(0, OUT[0]), torch.arange(4.0))
    with pytest.raises(RuntimeError, match="no such layer"):
        portions.call("other", Small(0, RuntimeError("no such layer")), torch.arange(4.0))


def test_precision_is_applied_inside_and_left_as_it_was_outside() -> None:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.deterministic
    with Numerics("cpu", "tf32").applied():
        assert matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    with Numerics("cpu", "fp32").applied():
        assert not matmul.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
        assert cudnn.deterministic  # or gradients are other numbers each time
        assert not torch.is_grad_enabled()
    assert (matmul.allow_tf32, cudnn.deterministic) == before
    layer = torch.nn.Linear(4, 4)
    with Numerics("cpu", "bf16").applied():
        assert layer(torch.ones(1, 4)).dtype == torch.bfloat16
    assert layer(torch.ones(1, 4)).dtype == torch.float32


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(BenchError, match=r"unknown precision 'fp16': did you mean .*bf16"):
        check_precision("fp16")


def test_tf32_is_refused_on_devices_that_would_compute_in_fp32_all_the_same() -> None:
    check_precision("tf32", ["cuda", "cuda:1"])
    check_precision("bf16", ["cpu"])
    for devices in (["cpu"], ["cuda:0", "mps"]):
        with pytest.raises(BenchError, match=f"'tf32' .*device '{devices[-1]}' would compute in fp32"):
            check_precision("tf32", devices)


def test_a_run_in_tf32_on_a_processor_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="precision 'tf32'"):
        forenbench.evaluate("lgrad", precision="tf32", device="cpu", out=tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_processor_lacks_bf16_where_torch_names_such_arithmetic_and_it_has_none() -> None:
    # The names are those of torch.cpu.get_capabilities, on x86 and on Arm.
    assert lacks_bf16({"avx2": True, "avx512_bf16": False, "amx_bf16": False})
    assert not lacks_bf16({"avx512_bf16": True, "amx_bf16": False})
    assert lacks_bf16({"neon": True, "bf16": False})
    assert not lacks_bf16({"neon": True, "bf16": True})
    assert not lacks_bf16({"architecture": "riscv64"})
    assert {"avx512_bf16", "amx_bf16"} <= set(torch.cpu.get_capabilities()) or "bf16" in (
        torch.cpu.get_capabilities()
    )


def test_attention_in_bf16_on_a_processor_takes_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second block on what comes in is bfloat16; PyTorch's other way is a hundred times as slow."""

    def slow(*_: object, **__: object) -> None:
        pytest.fail("the slow way was taken")

    attention = torch.nn.MultiheadAttention(16, 2, batch_first=True).eval()
    tokens = torch.randn(3, 5, 16)
    with torch.no_grad():
        exact, _ = attention(tokens, tokens, tokens, need_weights=False)
    monkeypatch.setattr(torch.nn.functional, "multi_head_attention_forward", slow)
    with Numerics("cpu", "bf16").applied():
        narrow = tokens.bfloat16()
        made, _ = attention(narrow, narrow, narrow, need_weights=False)
    assert torch.allclose(made.float(), exact, atol=0.02)
    with torch.no_grad(), pytest.raises(pytest.fail.Exception):  # outside all is as it was
        attention(narrow, narrow, narrow, need_weights=False)
