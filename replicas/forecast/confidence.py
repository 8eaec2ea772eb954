"""How far a forecast can be trusted: how much of what is asked about was part of the run that its profile rests on.

`calibrated`: nothing that is compared below differs from the run that a constant of the engine's profile was fitted to.
`extrapolated`: one thing differs, and it is one of those that the model follows: the memory of the card, the model, the
lengths, the load, the routing, another minor version of the engine's line.
`order-of-magnitude`: everything else: no run to rest on, another line of the engine, another family of accelerator,
another degree of tensor parallelism or quantization, or two things at once, or a run that the fit itself misses by more
than what `calibrated` promises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from replicas.catalogue.instances import Instance
from replicas.engines.profile import FittedRun, Profile
from replicas.forecast.loads import Confidence, Load
from replicas.planning.plans import ComponentPlan

SAME_MODEL = 0.1
"""Parameters and KV-cache bytes per token may differ by this part: the same shape, fine-tuned or with other words."""
SAME_LENGTH = 0.25
"""So may prompts and answers."""
CALIBRATED_WITHIN = 0.15
"""What is called calibrated promises this part of a measured rate or median latency."""
_FOLLOWED = {"card memory", "engine version", "lengths", "load", "model", "routing"}


@dataclass(frozen=True)
class _Difference:
    what: str
    how: str


def confidence(
    profile: Profile, component: ComponentPlan, instance: Instance, loads: Sequence[Load], routing: str
) -> tuple[Confidence, str]:
    """The class of a forecast of these loads (the worst of them), and the sentence that says what it rests on."""
    run = profile.fitted
    if run is None:
        return "order-of-magnitude", f"no run is known that the constants of {profile.profile} were fitted to"
    rests = f"{profile.profile}, fitted to {run.described}"
    if run.worst_residual > CALIBRATED_WITHIN:
        return "order-of-magnitude", f"{rests}, which the fit itself misses by up to {run.worst_residual:.0%}"
    differences = list(_differences(run, component, instance, loads, routing))
    if not differences:
        return "calibrated", rests
    told = "; ".join(f"{each.what}: {each.how}" for each in differences)
    if len(differences) == 1 and differences[0].what in _FOLLOWED:
        return "extrapolated", f"{rests}; here differs {told}"
    return "order-of-magnitude", f"{rests}; here differ {told}"


def _differences(
    run: FittedRun, component: ComponentPlan, instance: Instance, loads: Sequence[Load], routing: str
) -> Iterator[_Difference]:
    if _minor(str(component.engine)) != _minor(run.engine):
        yield _Difference("engine version", f"{component.engine} instead of {run.engine}")
    if routing != run.routing:
        yield _Difference("routing", f"{routing} instead of {run.routing}")
    if instance.accelerator != run.accelerator:
        yield _Difference("accelerator", f"{instance.accelerator} instead of {run.accelerator}")
    elif instance.accelerator_memory_mib != run.accelerator_memory_mib:
        memory = f"{instance.accelerator_memory_mib:,} MiB instead of {run.accelerator_memory_mib:,}"
        yield _Difference("card memory", memory)
    if component.accelerators != run.tensor_parallel:
        yield _Difference("tensor parallel", f"{component.accelerators} instead of {run.tensor_parallel}")
    method = component.quantization.method if component.quantization else None
    if method != run.quantization:
        yield _Difference("quantization", f"{method or 'none'} instead of {run.quantization or 'none'}")
    shape = component.model.architecture
    if not (
        _near(shape.parameters, run.parameters, SAME_MODEL)
        and _near(shape.kv_bytes_per_token(1, 2), run.kv_bytes_per_token, SAME_MODEL)
    ):
        yield _Difference("model", f"{shape.parameters / 1e9:.1f} B parameters instead of {run.parameters / 1e9:.1f} B")
    asked = {(load.input_tokens, load.output_tokens) for load in loads}
    if not all(
        _near(tokens_in, run.input_tokens, SAME_LENGTH) and _near(tokens_out, run.output_tokens, SAME_LENGTH)
        for tokens_in, tokens_out in asked
    ):
        yield _Difference("lengths", f"fitted at {run.input_tokens:,} tokens in, {run.output_tokens:,} out")
    if any(load.users is None for load in loads):
        yield _Difference("load", "arrivals at a rate instead of users in a closed loop")
    elif any(
        not run.least_users_per_copy <= (load.users or 0) / component.copies <= run.most_users_per_copy
        for load in loads
    ):
        yield _Difference("load", f"fitted at {run.least_users_per_copy:g} to {run.most_users_per_copy:g} users a copy")
    if any(load.shared_tokens for load in loads) and run.shared_tokens == 0:
        yield _Difference("prefix cache", "prompts share their beginning")


def _minor(engine: str) -> str:
    """The engine with the first two numbers of its version: `NAME-1.1` of `NAME-1.1.0`."""
    return ".".join(engine.split(".")[:2])


def _near(value: float, other: float, part: float) -> bool:
    return abs(value - other) <= part * other
