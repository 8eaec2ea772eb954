"""`plan(deployment)`: resolves every number with its reason, or raises one error with all problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from replicas.catalogue.images import inference_ami_version
from replicas.catalogue.instances import Instance
from replicas.deployment.deployment import Deployment
from replicas.deployment.sentences import title_of
from replicas.endpoint.packing import NotJudged
from replicas.engines import Settings
from replicas.errors import SizingError
from replicas.planning import option_faults as option_rules
from replicas.planning.counts import CopyCounts, copy_counts, most_scheduled
from replicas.planning.environment import contradictions_of
from replicas.planning.judgement import OPTION_RULES, PLAN_RULES, problems_of, rule_results, warnings_of
from replicas.planning.layouts import Choice
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.planning.resolution import Resolution, resolve
from replicas.planning.scaling import rollout_plan, scaling_plan
from replicas.planning.service import service_warnings
from replicas.planning.starts import start_warnings
from replicas.rules.wording.deployment import instances_in_words
from replicas.sizing.copies import SizedCopy, Unfit, size_copies
from replicas.sizing.resolved import ResolvedComponent


def plan(deployment: Deployment, *, to_deploy: bool = True) -> EndpointPlan:
    """Resolve every number of a deployment and prove that all copies fit their instances.

    With `to_deploy=False` the deployment is only sized: a fault that would keep the endpoint from starting (a gated
    model without a token, an engine version without an image, weights not stored in the requested quantization) becomes
    a warning.

    Raises:
        SizingError: the deployment is faulty or does not fit. The error lists every problem, with the missing amount
            and the nearest change that fits.

    """
    draft = draft_of(deployment, to_deploy=to_deploy)
    if draft.plan is None:
        raise SizingError(f"{title_of(deployment.name)} cannot be planned", draft.problems, draft.components)
    # If there are other problems, only the options are checked, not whether the copies fit.
    results = rule_results(draft.plan, OPTION_RULES if draft.problems else PLAN_RULES, to_deploy=to_deploy)
    problems = [*draft.problems, *problems_of(draft.plan, results)]
    if problems:
        verdict = "cannot be planned" if draft.is_faulty else "does not fit"
        raise SizingError(f"{title_of(deployment.name)} {verdict}", problems, draft.components)
    warnings = [
        *draft.plan.warnings,
        *warnings_of(draft.plan, results),
        *service_warnings(draft.plan),
        *start_warnings(draft.plan),
    ]
    return replace(draft.plan, warnings=tuple(warnings))


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A plan before the rules check it, and the problems that are already known."""

    plan: EndpointPlan | None
    """The plan; None if a name in the deployment is unknown, or a copy cannot be sized."""
    problems: tuple[str, ...]
    is_faulty: bool = False
    """True if names or options are wrong. Whether the copies fit is then not checked."""
    components: tuple[ComponentPlan, ...] = ()


def draft_of(deployment: Deployment, *, to_deploy: bool = True) -> Draft:
    """Resolve every number of a deployment, without checking the rules about the endpoint."""
    resolution = resolve(deployment, to_deploy=to_deploy)
    if resolution.instance is None or not resolution.is_complete:
        return Draft(plan=None, problems=tuple(resolution.problems))
    sizes: list[tuple[ResolvedComponent, tuple[SizedCopy, ...]]] = []
    problems: list[str] = []
    for component in resolution.components:
        try:
            sizes.append((component, size_copies(component, resolution.instance)))
        except Unfit as unfit:
            where = f"{component.name}: " if len(resolution.components) > 1 else ""
            problems.append(f"{where}{unfit}")
            sizes += [(component, (unfit.sized,))] if unfit.sized else []
    choices = _choices(resolution, sizes)
    sized = [(component, choice.copy) for (component, _), choice in zip(sizes, choices, strict=True)]
    counts = copy_counts(resolution.deployment, sized, resolution.instance)
    if counts.unjudged and not problems:
        problems.append(_how_many(counts.unjudged, resolution.instance))
    components = []
    for index, (component, copy) in enumerate(sized):
        component_counts = _Counts(counts.start[index], counts.ceilings[index], counts.batches[index])
        planned, contradictions = _component_plan(component, copy, component_counts)
        components.append(replace(planned, layouts=choices[index].layouts))
        problems += contradictions
    # Faults of names and options hide problems of sizes, because the sizes depend on them.
    problems, is_faulty = list(resolution.problems) or problems, bool(resolution.problems)
    if len(sized) < len(resolution.components):
        return Draft(plan=None, problems=tuple(problems), is_faulty=is_faulty, components=tuple(components))
    fallbacks, refused = (
        _fallbacks(resolution.deployment, components, to_deploy=to_deploy) if not problems else ((), [])
    )
    images = [component.engine.image for component in components if component.engine.image]
    ami = inference_ami_version(resolution.instance, images) if images else None
    problems += refused
    problems += [
        f"all instances of a pool start with the same AMI, but {resolution.instance.name} needs {ami or 'the default'} "
        f"and {other.instance.name} needs {other.inference_ami_version or 'the default'}: use types that need the "
        "same AMI"
        for other in fallbacks
        if other.inference_ami_version != ami
    ]
    planned_endpoint = _endpoint_plan(resolution, counts, components, fallbacks, ami)
    return Draft(plan=planned_endpoint, problems=tuple(problems), is_faulty=is_faulty, components=tuple(components))


def _choices(resolution: Resolution, sizes: Sequence[tuple[ResolvedComponent, tuple[SizedCopy, ...]]]) -> list[Choice]:
    """Choose the degree of each component, and add a warning for each degree that was not chosen by cost.

    If every degree is fixed, nothing is compared, and the speed tables are not loaded.
    """
    if resolution.problems or all(len(copies) == 1 for _, copies in sizes):
        return [Choice(copy=copies[0]) for _, copies in sizes]
    from replicas.planning.choosing import choose

    assert resolution.instance  # noqa: S101 (the caller checks it)
    choices = choose(resolution.deployment, sizes, resolution.instance)
    several = len(sizes) > 1
    for (component, _), choice in zip(sizes, choices, strict=True):
        if choice.warning:
            resolution.warnings.append(f"{component.name}: {choice.warning}" if several else choice.warning)
    return choices


def _endpoint_plan(
    resolution: Resolution,
    counts: CopyCounts,
    components: Sequence[ComponentPlan],
    fallbacks: tuple[EndpointPlan, ...],
    ami: str | None,
) -> EndpointPlan:
    deployment = resolution.deployment
    assert resolution.instance  # noqa: S101 (the caller checks it)
    return EndpointPlan(
        name=deployment.name,
        instance=resolution.instance,
        instances=deployment.instances,
        components=tuple(components),
        placement=counts.placement,
        inference_ami_version=ami,
        region=deployment.region,
        account=deployment.account,
        endpoint_name=deployment.endpoint_name,
        variant_name=deployment.variant_name,
        network_isolation=deployment.network_isolation,
        instance_scaling=deployment.instance_scaling,
        min_instances=counts.min_instances,
        max_instances=counts.max_instances,
        fallbacks=fallbacks,
        capacity_reservation=deployment.capacity_reservation,
        routing=deployment.routing,
        security=deployment.security,
        monitoring=deployment.monitoring,
        data_capture=deployment.data_capture,
        warnings=(*resolution.warnings, *option_rules.open_questions(deployment)),
        notes=tuple(option_rules.notes(deployment)),
    )


def _fallbacks(
    deployment: Deployment, components: Sequence[ComponentPlan], *, to_deploy: bool
) -> tuple[tuple[EndpointPlan, ...], list[str]]:
    """Return the plans of the same copies on each fallback instance type, and the problems of copies that do not
    fit.
    """
    pinned = [
        replace(
            component,
            copies=planned.copies,
            scaling=replace(component.scaling, max_copies=most_scheduled(component.scaling, planned.most_copies))
            if component.scaling
            else None,
        )
        for component, planned in zip(deployment.components, components, strict=True)
    ]
    plans, problems = [], []
    for name in deployment.fallback_instance_types:
        other = replace(deployment, instance_type=name, fallback_instance_types=(), components=pinned)
        draft = draft_of(other, to_deploy=to_deploy)
        problems += [f"on {name}: {problem}" for problem in draft.problems]
        plans += [draft.plan] if draft.plan and not draft.problems else []
    return tuple(plans), problems


def _how_many(packing: NotJudged, instance: Instance) -> str:
    """Return a problem which says that the search could not decide how many copies fit."""
    where = instances_in_words(packing.instances, instance.name)
    fix = "set copies=, or let all components reserve the same resources per copy"
    return f"how many copies fit {where} is not judged: {packing.why}: {fix}"


@dataclass(frozen=True)
class _Counts:
    """Copies of a component at the start, at the ceiling, and in a batch of its rolling update (0 if it has none)."""

    start: int
    ceiling: int
    batch: int


def _component_plan(component: ResolvedComponent, copy: SizedCopy, counts: _Counts) -> tuple[ComponentPlan, list[str]]:
    """Return the plan of a component, and a problem for each environment variable of the user that contradicts it."""
    options, engine = component.options, component.engine
    engine_reason = "as requested" if "-" in options.engine else "the newest version with an image"
    decided = engine.environment(
        Settings(
            model=component.model,
            from_s3=options.weights is not None,
            revision=options.revision,
            quantization=component.quantization,
            tensor_parallel=copy.tensor_parallel,
            max_input_tokens=copy.max_input_tokens,
            max_total_tokens=copy.max_total_tokens,
            prefill_tokens=copy.prefill_tokens,
            prefill_is_default=options.max_batch_prefill_tokens is None,
            sequences=copy.sequences,
            requested_share=options.gpu_memory_share,
            share=copy.memory.share,
            kv_cache_tokens=copy.memory.kv_cache_tokens,
            adapters=len(options.adapters),
            adapter_rank=engine.adapter_slot_rank(max((adapter.rank for adapter in options.adapters), default=1)) or 0,
        )
    )
    scaling, scaling_reasons = scaling_plan(component, copy, counts.start, counts.ceiling)
    rollout, rollout_reasons = rollout_plan(component, copy, counts.ceiling, counts.batch)
    contradictions = list(contradictions_of(options.environment, decided, engine.kind))
    default_copies = "the floor of its scaling" if options.scaling else "as many as fit the instances"
    return (
        ComponentPlan(
            name=component.name,
            model=component.model,
            engine=engine,
            task=component.task,
            quantization=component.quantization,
            copies=counts.start,
            accelerators=copy.tensor_parallel,
            cpus=float(copy.claim.cpus),
            memory_mib=copy.claim.memory_mib,
            memory=copy.memory,
            max_input_tokens=copy.max_input_tokens,
            max_total_tokens=copy.max_total_tokens,
            prefill_tokens=copy.prefill_tokens,
            sequences=copy.sequences,
            start=copy.start,
            startup_timeout_seconds=copy.startup_timeout_seconds,
            download_timeout_seconds=copy.download_timeout_seconds,
            environment={**decided, **options.environment},
            token_secret=options.token_secret,
            weights=options.weights,
            weights_account=options.weights_account,
            revision=options.revision,
            accepts_chat=engine.accepts_chat(component.model),
            scaling=scaling,
            rollout=rollout,
            placement=options.placement,
            data_cache=options.data_cache,
            adapters=tuple(options.adapters),
            traffic=options.traffic,
            reasons={
                "engine": f"{engine_reason}; {engine.outlook}",
                "copies": default_copies if options.copies is None else "as requested",
                **scaling_reasons,
                **rollout_reasons,
                **copy.reasons,
            },
        ),
        contradictions,
    )
