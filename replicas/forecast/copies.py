"""One copy of a plan as the engine that serves it: its step times and the limits of its batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from replicas.catalogue.instances import Instance
from replicas.forecast.batching import Batch, Limits
from replicas.forecast.profiles import Profile, accelerator_of, profile_of
from replicas.forecast.times import StepTimes, step_times
from replicas.planning.plans import ComponentPlan

_PREFIX_CACHING = ("PREFIX_CACHING", "USE_PREFIX_CACHING", "SM_VLLM_ENABLE_PREFIX_CACHING")
"""Of TGI 3, with its older name, and of vLLM."""


@dataclass(frozen=True)
class CopyEngine:
    """What every copy of a component is."""

    profile: Profile
    times: StepTimes
    limits: Limits

    def batch(self) -> Batch:
        """The requests of one copy, idle."""
        return Batch(self.profile, self.limits)


def copy_engine(component: ComponentPlan, instance: Instance, profile: Profile | None = None) -> CopyEngine:
    """The engine of each copy of a planned component; its version's profile, unless another is given.

    Raises:
        LookupError: no speed is known of the instance's accelerators.

    """
    profile = _with_environment(profile or profile_of(component.engine), component.environment)
    times = step_times(
        component.model.architecture,
        component.quantization,
        accelerator_of(instance),
        profile,
        tensor_parallel=component.accelerators,
    )
    sequences = component.environment.get("SM_VLLM_MAX_NUM_SEQS")
    concurrent = component.environment.get("MAX_CONCURRENT_REQUESTS", profile.max_concurrent_requests)
    limits = Limits(
        kv_cache_tokens=component.kv_cache_tokens,
        prefill_tokens=component.prefill_tokens,
        sequences=int(sequences) if sequences else None,
        concurrent_requests=int(concurrent) if concurrent else None,
    )
    return CopyEngine(profile, times, limits)


def _with_environment(profile: Profile, environment: Mapping[str, str]) -> Profile:
    """What a container's variables change of its engine's profile."""
    ratio, patience = environment.get("WAITING_SERVED_RATIO"), environment.get("MAX_WAITING_TOKENS")
    caching = next((environment[name] for name in _PREFIX_CACHING if name in environment), None)
    changes: dict[str, Any] = {}
    if profile.admission == "waiting" and ratio:
        changes["waiting_served_ratio"] = float(ratio)
    if profile.admission == "waiting" and patience:
        changes["max_waiting_tokens"] = int(patience)
    if caching is not None:
        changes["prefix_caching"] = caching.lower() not in ("0", "false")
    return replace(profile, **changes)
