"""Reads from a `config.json` whether rotary position embeddings stretch the context.

Source: transformers, modeling_rope_utils.py: `factor` multiplies `original_max_position_embeddings` or, without it,
`max_position_embeddings`. For the types below, and for Gemma 3, `max_position_embeddings` includes the factor already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_UNSTRETCHED = ("default", "su", "longrope", "llama3", "mrope", "proportional")
"""Types of rope_scaling with which max_position_embeddings is the whole context."""

_LARGEST_FACTOR = 10**6


@dataclass(frozen=True, kw_only=True)
class ContextScaling:
    """A `rope_scaling` that multiplies the context of a `config.json`."""

    factor: float
    original_tokens: int | None
    """`original_max_position_embeddings`; None if it is not given."""
    is_yarn: bool


def scaling_type(config: Mapping[str, Any]) -> str:
    """Return `llama3` if it is the type of the `rope_scaling` of a `config.json`; otherwise an empty text."""
    given = _scaling(config)
    return "llama3" if given.get("rope_type", given.get("type")) == "llama3" else ""


def _scaling(config: Mapping[str, Any]) -> Mapping[str, Any]:
    text = config.get("text_config")
    places = [place for place in (text, config) if isinstance(place, Mapping)]
    fields = (place.get(name) for place in places for name in ("rope_scaling", "rope_parameters"))
    return next((field for field in fields if isinstance(field, Mapping)), {})


def context_scaling(config: Mapping[str, Any]) -> ContextScaling | None:
    """Return the `rope_scaling` of a `config.json` if it multiplies the context; None otherwise."""
    given = _scaling(config)
    kind, factor = given.get("rope_type", given.get("type")), given.get("factor")
    if kind in _UNSTRETCHED or "gemma3" in str(config.get("model_type")):
        return None
    if not isinstance(factor, int | float) or isinstance(factor, bool) or not 1 < factor <= _LARGEST_FACTOR:
        return None
    original = given.get("original_max_position_embeddings")
    is_count = isinstance(original, int) and not isinstance(original, bool) and original > 0
    return ContextScaling(factor=float(factor), original_tokens=original if is_count else None, is_yarn=kind == "yarn")
