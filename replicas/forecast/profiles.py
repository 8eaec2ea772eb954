"""What is known of the speed of accelerators and engines: `data/accelerators.json` and `data/engines.json`."""

from __future__ import annotations

from dataclasses import dataclass, fields

from replicas.forecast import data
from replicas.sizing.engines import Engine
from replicas.sizing.instances import Instance


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """Speed of one accelerator, as its data sheet has it."""

    tflops: float
    """Dense half precision."""
    gb_per_second: float
    """Memory bandwidth, 1e9 bytes."""
    link_gb_per_second: float
    """To the other accelerators of a copy, one direction."""
    source: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Speed and admission rule of one line of an engine's versions."""

    profile: str
    admission: str
    """`waiting` (TGI 1 and 2) or `continuous`."""
    max_waiting_tokens: int = 0
    """TGI: after so many decode steps without a new request, any number of waiting ones may join."""
    waiting_served_ratio: float = 0.0
    """TGI: before that only so many times the running ones may."""
    reserves_answers: bool = True
    """KV cache is set aside for the whole answer when a request starts; else taken token by token."""
    max_concurrent_requests: int | None
    """Running and waiting, of one copy; more are refused. None where none are."""
    compute_efficiency: float
    weights_efficiency: float
    attention_efficiency: float
    step_seconds: float
    """Host time of a step."""
    sequence_seconds: float
    """Host time of a step for each sequence in it."""
    launch_seconds_per_layer: float
    """A step takes at least this long for each layer, however little there is to compute."""
    all_reduce_seconds: float
    """Latency of one exchange between accelerators; there are two a layer."""
    link_efficiency: float
    weight_only_gain: bool
    """Weights stored in few bits are read as fast as they are small."""
    fitted_to: str | None
    """The one run that a constant was fitted to; None where nothing was fitted."""
    source: str


def accelerator_of(instance: Instance) -> Accelerator:
    """The speed of one accelerator of an instance.

    Raises:
        LookupError: no speed is known of it.

    """
    wanted = (instance.accelerator, instance.accelerator_memory_mib)
    names = [field.name for field in fields(Accelerator)]
    for card in data.load("accelerators")["accelerators"]:
        if (card["name"], card["memory_mib"]) == wanted:
            return Accelerator(**{name: card[name] for name in names})
    raise LookupError(f"no speed is known of {instance.accelerator} with {instance.accelerator_memory_mib} MiB")


def profile_of(engine: Engine) -> Profile:
    """The profile of an engine's version."""
    (*_, last) = (entry for entry in data.load("engines")[engine.name] if engine.since(entry["since"]))
    return Profile(**{key: value for key, value in last.items() if key != "since"})
