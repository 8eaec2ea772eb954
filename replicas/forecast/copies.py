"""One copy of a plan as the engine that serves it: its step times and the limits of its batch."""

from __future__ import annotations

from dataclasses import dataclass

from replicas.forecast.batching import Batch, Limits
from replicas.forecast.profiles import Profile, accelerator_of, profile_of
from replicas.forecast.times import StepTimes, step_times
from replicas.sizing import ComponentPlan
from replicas.sizing.instances import Instance


@dataclass(frozen=True)
class CopyEngine:
    """What every copy of a component is."""

    profile: Profile
    times: StepTimes
    limits: Limits

    def batch(self) -> Batch:
        """The requests of one copy, idle."""
        return Batch(self.profile, self.limits)


def copy_engine(component: ComponentPlan, instance: Instance) -> CopyEngine:
    """The engine of each copy of a planned component.

    Raises:
        LookupError: no speed is known of the instance's accelerators.

    """
    profile = profile_of(component.engine)
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
