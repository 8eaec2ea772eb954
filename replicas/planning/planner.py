"""`plan(deployment)`: every number resolved with its reason, or one error with every problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from replicas.catalogue.images import inference_ami_version
from replicas.deployment.deployment import Deployment
from replicas.engines import Settings
from replicas.errors import SizingError
from replicas.planning import option_faults as option_rules
from replicas.planning.bounds import bounds_of, rollout_plan, scaling_plan, start_of
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.planning.resolution import ResolvedComponent, resolve
from replicas.sizing.copies import SizedCopy, Unfit, size_copy


def plan(deployment: Deployment, *, to_deploy: bool = True) -> EndpointPlan:
    """Resolve every number of a deployment and prove that all copies fit their instances.

    With `to_deploy=False` the deployment is only sized: what would keep it from starting (a gated model without a
    token, an engine version without an image, weights not stored in the wished quantization) becomes a warning.

    Raises:
        SizingError: with every problem, each with the shortfall in numbers and the nearest change that fits.

    """
    found = resolve(deployment, to_deploy=to_deploy)
    if found.problems or found.instance is None:
        raise SizingError(f"{deployment.name} cannot be planned", found.problems)
    instance = found.instance
    sized: list[tuple[ResolvedComponent, SizedCopy]] = []
    problems: list[str] = []
    for component in found.components:
        try:
            sized.append((component, size_copy(component, instance)))
        except Unfit as unfit:
            where = f"{component.name}: " if len(found.components) > 1 else ""
            problems.append(f"{where}{unfit}")
            sized += [(component, unfit.sized)] if unfit.sized else []
    fitted = start_of(deployment, sized, instance)
    if not problems:  # where a copy is too large already, how many of them fit is not the question
        problems += fitted.problems
    bounds = bounds_of(deployment, sized, fitted.copies, instance)
    if not problems:
        problems += bounds.problems
    components, contradictions = [], []
    for index, (component, copy) in enumerate(sized):
        counts = _Counts(fitted.copies[index], bounds.ceilings[index], bounds.batches[index])
        planned, contradiction = _component_plan(component, copy, counts)
        components.append(planned)
        contradictions += contradiction
    problems += contradictions
    fallbacks: tuple[EndpointPlan, ...] = ()
    if not problems:
        fallbacks, problems = _fallbacks(deployment, components, to_deploy=to_deploy)
    images = [component.engine.image for component in components if component.engine.image]
    ami = inference_ami_version(instance, images) if images else None
    problems += [
        f"the pool's instances start with one driver: {instance.name} needs {ami or 'the default'}, "
        f"{other.instance.name} {other.inference_ami_version or 'the default'}: types that need the same"
        for other in fallbacks
        if other.inference_ami_version != ami
    ]
    if problems:
        raise SizingError(f"{deployment.name} does not fit", problems, components)
    return EndpointPlan(
        name=deployment.name,
        instance=instance,
        instances=deployment.instances,
        components=tuple(components),
        placement=fitted.placement,
        inference_ami_version=ami,
        region=deployment.region,
        account=deployment.account,
        endpoint_name=deployment.endpoint_name,
        network_isolation=deployment.network_isolation,
        instance_scaling=deployment.instance_scaling,
        min_instances=bounds.min_instances,
        max_instances=bounds.max_instances,
        fallbacks=fallbacks,
        capacity_reservation=deployment.capacity_reservation,
        routing=deployment.routing,
        security=deployment.security,
        monitoring=deployment.monitoring,
        warnings=tuple(found.warnings),
        notes=tuple(option_rules.notes(deployment)),
    )


def _fallbacks(
    deployment: Deployment, components: Sequence[ComponentPlan], *, to_deploy: bool
) -> tuple[tuple[EndpointPlan, ...], list[str]]:
    """The same copies on each of the other instance types of the pool, and why they are none where they do not fit."""
    pinned = [
        replace(
            wish,
            copies=part.copies,
            scaling=replace(wish.scaling, max_copies=part.most_copies) if wish.scaling else None,
        )
        for wish, part in zip(deployment.components, components, strict=True)
    ]
    plans, problems = [], []
    for name in deployment.fallback_instance_types:
        other = replace(deployment, instance_type=name, fallback_instance_types=(), components=pinned)
        try:
            plans.append(plan(other, to_deploy=to_deploy))
        except SizingError as refused:
            problems += [f"on {name}: {problem}" for problem in refused.problems]
    return tuple(plans), problems


@dataclass(frozen=True)
class _Counts:
    """Copies of a component at the start and at the ceiling, and of a batch of its roll (0 without)."""

    start: int
    ceiling: int
    batch: int


def _component_plan(component: ResolvedComponent, copy: SizedCopy, counts: _Counts) -> tuple[ComponentPlan, list[str]]:
    """The plan of a component, and where the user's environment contradicts it."""
    wish, engine = component.wish, component.engine
    decided = engine.environment(
        Settings(
            model=component.model,
            from_s3=wish.weights is not None,
            revision=wish.revision,
            quantization=component.quantization,
            tensor_parallel=copy.tensor_parallel,
            max_input_tokens=copy.max_input_tokens,
            max_total_tokens=copy.max_total_tokens,
            prefill_tokens=copy.prefill_tokens,
            prefill_is_default=wish.max_batch_prefill_tokens is None,
            sequences=copy.sequences,
            share_wish=wish.gpu_memory_share,
            share=copy.memory.share,
            kv_cache_tokens=copy.memory.kv_cache_tokens,
            adapters=len(wish.adapters),
            adapter_rank=engine.adapter_slot_rank(max((adapter.rank for adapter in wish.adapters), default=1)) or 0,
        )
    )
    scaling, scaling_reasons = scaling_plan(component, copy, counts.start, counts.ceiling)
    rollout, rollout_reasons = rollout_plan(component, copy, counts.ceiling, counts.batch)
    contradictions = [
        f"environment[{key!r}]={value!r} contradicts the plan, which sets {decided[key]!r}: leave it out"
        for key, value in wish.environment.items()
        if decided.get(key, value) != value
    ]
    unwished = "the floor of its scaling" if wish.scaling else "as many as fit the instances"
    return (
        ComponentPlan(
            name=component.name,
            model=component.model,
            engine=engine,
            quantization=component.quantization,
            copies=counts.start,
            accelerators=copy.tensor_parallel,
            cpus=float(copy.claim.cpus),
            memory_mib=copy.claim.memory_mib,
            memory=copy.memory,
            max_input_tokens=copy.max_input_tokens,
            max_total_tokens=copy.max_total_tokens,
            prefill_tokens=copy.prefill_tokens,
            startup_timeout_seconds=copy.startup_timeout_seconds,
            environment={**decided, **wish.environment},
            token_secret=wish.token_secret,
            weights=wish.weights,
            revision=wish.revision,
            accepts_chat=engine.accepts_chat(component.model),
            scaling=scaling,
            rollout=rollout,
            placement=wish.placement,
            data_cache=wish.data_cache,
            adapters=tuple(wish.adapters),
            traffic=wish.traffic,
            reasons={
                "engine": f"{'as wished' if '-' in wish.engine else 'the newest with an image'}; {engine.outlook}",
                "copies": unwished if wish.copies is None else "as wished",
                **scaling_reasons,
                **rollout_reasons,
                **copy.reasons,
            },
        ),
        contradictions,
    )
