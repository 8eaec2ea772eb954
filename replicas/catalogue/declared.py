"""Sizes that a user declares by hand, for a model that neither the table nor its `config.json` can size.

A declared weight is the one that the engine prints at start-up ("Model loading took ... GiB", over all accelerators); a
declared cache is that of one token over all accelerators. Figures that are not declared are those of the largest model
of the table, or is not judged; the warning states which.
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
"""Relative rounding error that a declared size may have."""


@dataclass(frozen=True, kw_only=True)
class UnknownArchitecture(Architecture):
    """The architecture of a model of which only sizes are declared: upper bounds where sizing needs a figure."""

    largest: tuple[Architecture, ...]
    """Architectures that the upper bounds are taken from."""

    @property
    def is_known(self) -> bool:
        """False: heads, widths and context are not known."""
        return False

    @property
    def takes_adapters(self) -> bool:
        """False: the memory of an adapter is not known."""
        return False

    def activation_bytes_per_token(self, tensor_parallel: int) -> float:
        """Return the largest peak of any model of the table."""
        return max(known.activation_bytes_per_token(tensor_parallel) for known in self.largest)


def with_declared_sizes(
    model: Model | None, name: str, weights_gib: float | None, kv_bytes_per_token: int | None
) -> Model:
    """Return a model with the sizes that are declared in place of the computed ones.

    Args:
        model: the model of the table or of a `config.json`; None if neither can size it. Both sizes are needed then.
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
        "its activations and vocabulary are assumed as large as the largest of the table, its cache as complete on "
        "each accelerator; it is not judged whether the engine serves it, the degree splits it and a request fits "
        "its context"
    )
    return Model(
        id=name,
        architecture=_unknown_architecture(),
        source=SOURCE,
        declared=declared,
        warnings=(f"{_sentence(name, declared)}: {unknown}",),
    )


def too_small(model: Model, weights_gib: float | None, kv_bytes_per_token: int | None) -> Iterator[str]:
    """Yield a sentence for each declared size that is below the size in the table, which is known to be right."""
    gib, cache = model.weights_bytes / GIB, model.kv_bytes_per_token(1)
    if weights_gib is not None and weights_gib < gib * (1 - _ROUNDED):
        yield f"weights_gib={weights_gib:g}: {model.id} takes {gib:.2f} GiB: leave it out, or declare at least that"
    if kv_bytes_per_token is not None and kv_bytes_per_token < cache * (1 - _ROUNDED):
        declared = f"kv_bytes_per_token={kv_bytes_per_token}"
        yield f"{declared}: {model.id} takes {cache:,.0f} bytes: leave it out, or declare at least that"


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
