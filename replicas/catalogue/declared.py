"""Sizes that a user declares by hand, for a model that neither the table nor its `config.json` can size.

The declared weights are the size that the engine prints at start-up ("Model loading took ... GiB"), summed over all
accelerators. The declared cache is the size of one token, summed over all accelerators. If the model has no other known
sizes, the largest values of the table are assumed, or checks are skipped; a warning lists these sizes and checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from replicas.catalogue import data
from replicas.catalogue.architecture import Architecture
from replicas.catalogue.models import Declared, Model
from replicas.catalogue.reading import read_config
from replicas.units import GIB

SOURCE = "declared by hand"

_ROUNDED = 0.01
"""Largest accepted rounding error of a declared size, relative to the computed size."""


@dataclass(frozen=True, kw_only=True)
class UnknownArchitecture(Architecture):
    """The architecture of a model whose sizes the user declared. Its other sizes are upper bounds."""

    largest: tuple[Architecture, ...]
    """Architectures of the table, which give the upper bounds."""

    @property
    def is_known(self) -> bool:
        """False: heads, widths and context are unknown."""
        return False

    @property
    def takes_adapters(self) -> bool:
        """False: the memory of adapters is unknown."""
        return False

    def activation_bytes_per_token(self, tensor_parallel: int) -> float:
        """Return the largest activation memory of one prefill token among the architectures of the table, bytes."""
        return max(known.activation_bytes_per_token(tensor_parallel) for known in self.largest)


def with_declared_sizes(
    model: Model | None, name: str, weights_gib: float | None, kv_bytes_per_token: int | None
) -> Model:
    """Return a model whose declared sizes replace the computed sizes.

    Args:
        model: the model from the table or from a `config.json`; None if neither can size it, and both sizes are
            declared.
        name: the repository.
        weights_gib: the weights as the engine loads them, over all accelerators of a copy.
        kv_bytes_per_token: KV cache of one token, over all accelerators of a copy.

    """
    declared = Declared(weights_gib=weights_gib, kv_bytes_per_token=kv_bytes_per_token)
    if model is not None:
        computed = (
            f"{model.weights_bytes / GIB:.2f} GiB and {model.kv_bytes_per_token(1):,.0f} bytes by its config.json"
        )
        warning = f"{_sentence(name, declared)} ({computed})"
        return replace(model, declared=declared, warnings=(*model.warnings, warning))
    unknown = (
        "its activations and vocabulary are assumed to be as large as the largest in the table, and its cache to be "
        "stored whole on each accelerator; not judged: whether the engine serves the model, "
        "whether the degree can split it, and whether a request fits its context"
    )
    return Model(
        id=name,
        architecture=_unknown_architecture(),
        source=SOURCE,
        declared=declared,
        warnings=(f"{_sentence(name, declared)}: {unknown}",),
    )


def too_small(model: Model, weights_gib: float | None, kv_bytes_per_token: int | None) -> Iterator[str]:
    """Yield a problem for each declared size that is smaller than the computed size of a model of the table."""
    gib, cache = model.weights_bytes / GIB, model.kv_bytes_per_token(1)
    if weights_gib is not None and weights_gib < gib * (1 - _ROUNDED):
        yield f"weights_gib={weights_gib:g}: {model.id} takes {gib:.2f} GiB: remove weights_gib or raise it"
    if kv_bytes_per_token is not None and kv_bytes_per_token < cache * (1 - _ROUNDED):
        declared = f"kv_bytes_per_token={kv_bytes_per_token}"
        yield f"{declared}: {model.id} takes {cache:,.0f} bytes: remove kv_bytes_per_token or raise it"


def _sentence(name: str, declared: Declared) -> str:
    return f"{name}: {declared} declared by hand, not computed"


@cache
def _unknown_architecture() -> UnknownArchitecture:
    table = tuple(read_config(entry["config"]) for entry in data.load("models")["architectures"].values())
    return UnknownArchitecture(
        model_type="",
        hidden_size=0,
        vocab_size=max(known.vocab_size for known in table),
        context_tokens=None,
        stack=(),
        ends=(),
        largest=table,
    )
