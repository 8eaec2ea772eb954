"""The engine of one copy of a plan: its step times and the limits of its batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from replicas.catalogue.instances import Instance
from replicas.engines.containers import ContainerVariables, first_set
from replicas.engines.profile import Profile
from replicas.forecast.batching import Batch, Limits
from replicas.planning.plans import ComponentPlan
from replicas.speed.accelerators import Accelerator, accelerator_of
from replicas.speed.layers import step_times
from replicas.speed.times import StepTimes


@dataclass(frozen=True)
class CopyEngine:
    """Engine of one copy. All copies of a component have the same engine."""

    profile: Profile
    times: StepTimes
    limits: Limits

    def batch(self) -> Batch:
        """Return an empty batch for one copy."""
        return Batch(self.profile, self.limits)


def copy_engine(
    component: ComponentPlan,
    instance: Instance,
    profile: Profile | None = None,
    accelerator: Accelerator | None = None,
) -> CopyEngine:
    """Return the engine of a copy of a planned component.

    By default, the profile of the engine's version and the accelerator of the instance are used.

    Raises:
        LookupError: the speed of the instance's accelerators or the layers of the model are not known.

    """
    accelerator = accelerator_of_copy(component, instance, accelerator)
    variables, environment = component.engine.kind.variables, component.environment
    profile = _with_environment(profile or component.engine.profile, variables, environment)
    times = step_times(
        component.model.architecture,
        component.quantization,
        accelerator,
        profile,
        tensor_parallel=component.accelerators,
    )
    sequences = first_set(variables.sequences, environment)
    concurrent = first_set(variables.concurrent_requests, environment) or profile.max_concurrent_requests
    if component.task != "generate":
        times = replace(times, head=None)  # the output head of a language model is not computed
    limits = Limits(
        kv_cache_tokens=_cache_tokens(component, sequences),
        prefill_tokens=component.prefill_tokens,
        sequences=int(sequences) if sequences else None,
        concurrent_requests=int(concurrent) if concurrent else None,
    )
    return CopyEngine(profile, times, limits)


def accelerator_of_copy(
    component: ComponentPlan, instance: Instance, accelerator: Accelerator | None = None
) -> Accelerator:
    """Return the accelerator for the forecast of a copy: the given accelerator or, if none is given, the accelerator of
    the instance.

    Raises:
        LookupError: the layers of the model are not known, or no accelerator is given and the speed of the instance's
            accelerators is not known.

    """
    if not component.model.architecture.is_known:
        raise LookupError(f"the sizes of {component.model.id} are declared by hand, so its layers are not known")
    return accelerator or accelerator_of(instance)


def _cache_tokens(component: ComponentPlan, sequences: str | None) -> int:
    """Return the maximum number of tokens in the batch. Without a KV cache, it is derived from the number of sequences
    so that it does not limit the batch further.
    """
    if not component.memory.pool.is_empty:
        return component.kv_cache_tokens
    return component.max_total_tokens * (int(sequences) if sequences else component.prefill_tokens)


def _with_environment(profile: Profile, variables: ContainerVariables, environment: Mapping[str, str]) -> Profile:
    """Return the profile with the changes by the container's environment."""
    ratio = first_set(variables.waiting_served_ratio, environment)
    patience = first_set(variables.max_waiting_tokens, environment)
    caching = first_set(variables.prefix_caching, environment)
    changes: dict[str, Any] = {}
    if profile.admission == "waiting" and ratio:
        changes["waiting_served_ratio"] = float(ratio)
    if profile.admission == "waiting" and patience:
        changes["max_waiting_tokens"] = int(patience)
    if caching is not None:
        changes["prefix_caching"] = caching.lower() not in ("0", "false")
    if (first_set(variables.without_prefix_caching, environment) or "").lower() == "true":
        changes["prefix_caching"] = False
    return replace(profile, **changes)
