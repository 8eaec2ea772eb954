"""`plan(deployment)`: every number resolved with its reason, or one error with every problem."""

from __future__ import annotations

from replicas.sizing.copies import SizedCopy, Unfit, size_copy
from replicas.sizing.deployment import Deployment
from replicas.sizing.engines import Settings
from replicas.sizing.errors import SizingError
from replicas.sizing.fitting import Demand, fit
from replicas.sizing.images import inference_ami_version
from replicas.sizing.plans import ComponentPlan, EndpointPlan
from replicas.sizing.resolution import ResolvedComponent, resolve


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
    demands = [Demand(component.name, copy.claim, component.wish.copies) for component, copy in sized]
    fitted = fit(demands, instance, deployment.instances)
    if not problems:  # where a copy is too large already, how many of them fit is not the question
        problems += fitted.problems
    components, contradictions = [], []
    for (component, copy), copies in zip(sized, fitted.copies, strict=True):
        planned, contradiction = _component_plan(component, copy, copies)
        components.append(planned)
        contradictions += contradiction
    problems += contradictions
    if problems:
        raise SizingError(f"{deployment.name} does not fit", problems, components)
    images = [component.engine.image for component in components if component.engine.image]
    return EndpointPlan(
        name=deployment.name,
        instance=instance,
        instances=deployment.instances,
        components=tuple(components),
        placement=fitted.placement,
        inference_ami_version=inference_ami_version(instance, images) if images else None,
        region=deployment.region,
        account=deployment.account,
        endpoint_name=deployment.endpoint_name,
        network_isolation=deployment.network_isolation,
        warnings=tuple(found.warnings),
    )


def _component_plan(component: ResolvedComponent, copy: SizedCopy, copies: int) -> tuple[ComponentPlan, list[str]]:
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
        )
    )
    contradictions = [
        f"environment[{key!r}]={value!r} contradicts the plan, which sets {decided[key]!r}: leave it out"
        for key, value in wish.environment.items()
        if decided.get(key, value) != value
    ]
    wished_copies = "as wished" if wish.copies is not None else "as many as fit the instances"
    return (
        ComponentPlan(
            name=component.name,
            model=component.model,
            engine=engine,
            quantization=component.quantization,
            copies=copies,
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
            reasons={"copies": wished_copies, **copy.reasons},
        ),
        contradictions,
    )
