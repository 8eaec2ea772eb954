"""Confidence of a forecast: how similar the forecast is to the run that its profile was fitted to.

`calibrated`: none of the properties compared below differs from that run.
`extrapolated`: exactly one differs, and the model of the forecast accounts for it: card memory, model, lengths, load,
routing, or another minor version of the engine.
`order-of-magnitude`: everything else: no fitted run, another version line of the engine, another accelerator family,
another degree of tensor parallelism or quantization, two differences at once, or a fit whose own error exceeds the
limit of `calibrated`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from replicas.catalogue.instances import Instance
from replicas.engines.profile import FittedRun, Profile
from replicas.forecast.loads import Confidence
from replicas.load import Load
from replicas.planning.plans import ComponentPlan

SAME_MODEL = 0.1
"""Two models count as the same if their parameters and their KV-cache bytes per token differ by at most this ratio.
Such models have the same architecture, fine-tuned or with another vocabulary."""
SAME_LENGTH = 0.25
"""Prompt and answer lengths count as the same if they differ by at most this ratio."""
CALIBRATED_WITHIN = 0.15
"""Maximum relative error of rates and median latencies in a forecast that is called calibrated."""
_FOLLOWED = {"card memory", "engine version", "lengths", "load", "model", "routing"}


@dataclass(frozen=True)
class _Difference:
    what: str
    how: str


def confidence(
    profile: Profile, component: ComponentPlan, instance: Instance, loads: Sequence[Load], routing: str
) -> tuple[Confidence, str]:
    """Return the confidence of a forecast of these loads (that of the worst), and a sentence with the reason."""
    run = profile.fitted
    if run is None:
        return "order-of-magnitude", f"no run is known that the constants of {profile.profile} were fitted to"
    rests = f"{profile.profile}, fitted to {run.described}"
    if run.worst_residual > CALIBRATED_WITHIN:
        return "order-of-magnitude", f"{rests}, which the fit itself misses by up to {run.worst_residual:.0%}"
    differences = list(_differences(run, component, instance, loads, routing))
    if not differences:
        return "calibrated", rests
    summary = "; ".join(f"{difference.what}: {difference.how}" for difference in differences)
    if len(differences) == 1 and differences[0].what in _FOLLOWED:
        return "extrapolated", f"{rests}; here differs {summary}"
    return "order-of-magnitude", f"{rests}; here differ {summary}"


def _differences(
    run: FittedRun, component: ComponentPlan, instance: Instance, loads: Sequence[Load], routing: str
) -> Iterator[_Difference]:
    if _minor(str(component.engine)) != _minor(run.engine):
        yield _Difference("engine version", f"{component.engine} instead of {run.engine}")
    if component.task != "generate":
        yield _Difference("task", f"{component.task} instead of generate")
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
        and _near(shape.cached_bytes_per_token(1, 2), run.kv_bytes_per_token, SAME_MODEL)
    ):
        yield _Difference("model", f"{shape.parameters / 1e9:.1f} B parameters instead of {run.parameters / 1e9:.1f} B")
    lengths = {(load.input_tokens, load.output_tokens) for load in loads}
    if not all(
        _near(tokens_in, run.input_tokens, SAME_LENGTH) and _near(tokens_out, run.output_tokens, SAME_LENGTH)
        for tokens_in, tokens_out in lengths
    ):
        yield _Difference("lengths", f"fitted at {run.input_tokens:,} tokens in, {run.output_tokens:,} out")
    if others := [load for load in loads if load.users is None]:
        yield _Difference("load", f"{others[0].description} instead of users in a closed loop")
    elif any(
        not run.least_users_per_copy <= (load.users or 0) / component.copies <= run.most_users_per_copy
        for load in loads
    ):
        yield _Difference("load", f"fitted at {run.least_users_per_copy:g} to {run.most_users_per_copy:g} users a copy")
    if any(load.is_varied for load in loads):
        yield _Difference("spread of lengths", "lengths vary, instead of one length")
    if any(load.has_shared_prompts for load in loads) and run.shared_tokens == 0:
        yield _Difference("prefix cache", "prompts share their beginning")


def _minor(engine: str) -> str:
    """Return the engine with the first two numbers of its version: `NAME-1.1` for `NAME-1.1.0`."""
    return ".".join(engine.split(".")[:2])


def _near(value: float, other: float, part: float) -> bool:
    return abs(value - other) <= part * other
