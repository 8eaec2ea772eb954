"""Serving engines: one module each behind one interface. `find_engine("tgi-1.1.0")` gives one."""

from __future__ import annotations

import re

from replicas.catalogue.images import find_image, image_versions
from replicas.engines.interface import Engine, Settings
from replicas.engines.tgi import Tgi
from replicas.engines.vllm import Vllm

__all__ = ["ENGINES", "Engine", "Settings", "find_engine"]

ENGINES: dict[str, type[Engine]] = {"tgi": Tgi, "vllm": Vllm}


def find_engine(wish: str) -> Engine:
    """An engine by name (`vllm`: its newest image) or name and version (`tgi-1.1.0`).

    A version without a container image can be sized, not deployed: its `image` is None.

    Raises:
        LookupError: no such engine, or not a version.

    """
    name, _, version = wish.partition("-")
    if name not in ENGINES or ("-" in wish and not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){1,3}", version)):
        raise LookupError(
            f"engine {wish!r} is not known; engines: {', '.join(ENGINES)}, or one with a version (tgi-1.1.0)"
        )
    chosen = version or image_versions(name)[-1]
    engine = ENGINES[name](chosen, find_image(name, chosen))
    if not engine.since(engine.oldest):
        raise LookupError(f"engine {wish!r}: nothing is known of {name} before {engine.oldest}")
    return engine
