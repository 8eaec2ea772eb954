"""The measurement of kernels, without a GPU: how cards are found, and which kernels are compared with which curve."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from replicas.catalogue.instances import find_instance
from replicas.speed.accelerators import accelerator_of
from scripts import measure_kernels


@pytest.mark.parametrize(
    ("device", "card"),
    [
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA A10G", "A10G"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO Server 6000"),
        ("Quadro P400", None),
    ],
)
def test_a_device_is_a_card_of_the_catalogue(device: str, card: str | None) -> None:
    found = measure_kernels.card_named(device)
    assert (found and found.name) == card


def test_each_kernel_is_timed_and_held_against_its_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU the clock stands still: every kernel takes 100 us."""
    monkeypatch.setattr(measure_kernels, "_time", lambda *_: 100.0)
    kernels = accelerator_of(find_instance("ml.p5.48xlarge")).kernels(1.0, 1.0)
    timings = list(measure_kernels.measure(_torch(), kernels))
    compared = [timing for timing in timings if timing.expected is not None]
    assert len(timings) - len(compared) == 3, "copies and launches have no curve"
    by_name = {timing.kernel: timing for timing in timings}
    large = by_name["product 8192 x 8192 x 28672, bf16"]
    # 3.8 TFLOP at 989 TFLOPS and three quarters of it take at least 5 ms.
    assert large.expected is not None
    assert 3_900 < large.expected < 8_000
    assert large.ratio == pytest.approx(large.expected / 100)
    fp8 = by_name["product 8192 x 8192 x 28672, fp8"]
    assert fp8.expected is not None
    assert fp8.expected < large.expected
    assert by_name["gap between launches"].measured == 1.0


class _Tensor:
    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def to(self, _: Any) -> _Tensor:
        return self

    def numel(self) -> int:
        return self.shape[0] * self.shape[1]


def _torch() -> Any:
    def tensor(*shape: int, **_: Any) -> _Tensor:
        return _Tensor(*shape)

    return SimpleNamespace(
        randn=tensor,
        empty=tensor,
        zeros=tensor,
        ones=tensor,
        empty_like=lambda _: _Tensor(1),
        bfloat16=None,
        uint8=None,
        float8_e4m3fn=None,
        _scaled_mm=None,
        cuda=SimpleNamespace(get_device_capability=lambda: (9, 0)),
        nn=SimpleNamespace(functional=SimpleNamespace(linear=print, scaled_dot_product_attention=print)),
    )
