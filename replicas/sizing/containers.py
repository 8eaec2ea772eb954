"""Converts a container's image and variables to the input of sizing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model, model_ids
from replicas.deployment.deployment import Component
from replicas.deployment.options import Adapter
from replicas.engines import ContainerSettings, Engine, engine_kinds, find_engine, read_settings
from replicas.sizing.faults import quantization_of
from replicas.sizing.resolved import ResolvedComponent, for_task


@dataclass(frozen=True, kw_only=True)
class ContainerRequest:
    """The image and variables of a container of a known engine, as input of sizing."""

    kind: str
    """Name of the engine."""
    version: str
    environment: tuple[tuple[str, str], ...]
    """Variables with known values."""
    has_local_weights: bool
    """True if SageMaker puts weights from S3 into the container."""
    has_token: bool
    """True if the container has a Hugging Face token."""
    accelerators: int
    """Accelerators of one copy."""
    model: Model | None
    """The model that the container serves; None until it is known."""

    @property
    def settings(self) -> ContainerSettings:
        """The settings that the variables give."""
        return _settings(self.kind, self.version, self.environment, self.has_local_weights)

    def with_model(self, model: Model) -> ContainerRequest:
        """Return the same request for a model."""
        return replace(self, model=model)

    @property
    def is_from_hub(self) -> bool:
        """True if the container downloads its weights from the Hub."""
        named = self.settings.model
        return not self.has_local_weights and named is not None and not named.startswith(("/", ".", "s3://"))


@lru_cache(maxsize=1024)
def _settings(
    kind: str, version: str, environment: tuple[tuple[str, str], ...], has_local_weights: bool
) -> ContainerSettings:
    return read_settings(engine_kinds()[kind], dict(environment), has_local_weights=has_local_weights, version=version)


def requested(request: ContainerRequest, instance: Instance | None) -> ResolvedComponent:
    """Convert a request to a component. The model must be known; missing settings get the engine's defaults."""
    assert request.model is not None  # noqa: S101 (the caller has looked it up)
    kind, settings, model = engine_kinds()[request.kind], request.settings, request.model
    task = kind.task(dict(request.environment), model.task)
    engine = find_engine(f"{request.kind}-{request.version}").serving(model, task)
    lengths = engine.default_lengths(model)
    longest = settings.max_input_tokens or lengths.max_input_tokens
    default_degree = kind.variables.tensor_parallel_default
    adapters = settings.adapters
    options = Component(
        model=model.id,
        config=None if model.id in model_ids() else model.source,
        engine=str(engine),
        quantization=settings.quantization,
        tensor_parallel=settings.tensor_parallel or default_degree or request.accelerators,
        max_input_tokens=longest,
        max_total_tokens=settings.max_total_tokens or lengths.max_total_tokens or (longest or 1) + 1,
        max_batch_prefill_tokens=settings.prefill_tokens,
        max_sequences=settings.sequences or (_default_sequences(engine, instance, settings) if instance else None),
        gpu_memory_share=settings.memory_share,
        weights=None if request.is_from_hub else "s3://",
        adapters=(Adapter(name="adapter", weights="s3://", rank=adapters.rank),) * adapters.slots if adapters else (),
    )
    return ResolvedComponent(
        name=model.id,
        options=for_task(options, task),
        model=model,
        engine=engine,
        task=task,
        quantization=quantization_of(options, model),
        settings=settings.memory,
    )


def _default_sequences(engine: Engine, instance: Instance, settings: ContainerSettings) -> int | None:
    """Return the maximum number of requests in a batch, for a container that does not set it; None if only tokens limit
    the batch.
    """
    default = engine.default_sequences(instance)
    return engine.sequences_within(default, settings.prefill_tokens) if settings.prefill_tokens else default
