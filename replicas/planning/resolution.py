"""First step of planning: looks up the names of a deployment and collects all its faults before sizing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from replicas.catalogue.declared import too_small, with_declared_sizes
from replicas.catalogue.instances import Instance, find_instance
from replicas.catalogue.models import Model, find_model, read_model
from replicas.catalogue.quantization import METHODS
from replicas.catalogue.regions import region_problems
from replicas.deployment.deployment import Component, Deployment, faults, without_faults
from replicas.engines import Engine, MemorySettings, find_engine, read_settings
from replicas.errors import looks_like_token
from replicas.planning import option_faults as option_rules
from replicas.planning.environment import environment_problems, start_problems, undecided_problems
from replicas.sizing.faults import faults_of, length_faults, quantization_of
from replicas.sizing.resolved import ResolvedComponent, for_task

Key = TypeVar("Key")
Fact = TypeVar("Fact")


_SIZES = ("weights_gib", "kv_bytes_per_token")


@dataclass
class Resolution:
    """The resolved names of a deployment, and its problems. If there are problems, do not use the result."""

    deployment: Deployment
    """The deployment as the user wrote it, without its faulty fields."""
    instance: Instance | None = None
    components: list[ResolvedComponent] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    declares_faulty_sizes: bool = False
    """True if a declared size is not valid. A model that cannot be sized without this size is then not reported as a
    second problem."""

    @property
    def is_complete(self) -> bool:
        """True if every component is resolved, so that the endpoint can be sized."""
        return 0 < len(self.components) == len(self.deployment.components)


def resolve(deployment: Deployment, *, to_deploy: bool) -> Resolution:
    """Look up the instance type, models and engines that a deployment names.

    A missing token, image or quantized checkpoint prevents a start but not sizing. With `to_deploy` it is a problem,
    without `to_deploy` a warning.
    """
    faulty = faults(deployment)
    if any(not fault.place for fault in faulty):  # the object as a whole is not a valid deployment
        return Resolution(deployment, problems=[fault.sentence for fault in faulty])
    sound = without_faults(deployment, faulty)
    resolution = Resolution(sound, problems=[fault.sentence for fault in faulty])
    resolution.declares_faulty_sizes = any(fault.place[-1] in _SIZES for fault in faulty)
    resolution.problems += _name_problems(sound)
    resolution.problems += option_rules.deployment_problems(sound)
    if sound.instance_type is not None:
        resolution.instance = _look_up(find_instance, sound.instance_type, resolution.problems)
    problems: dict[str, list[str]] = {}
    undeployable: dict[str, list[str]] = {}
    for component in sound.components:
        name = component.name or sound.name
        for by_sentence, sentences in zip(
            (problems, undeployable), _resolve_component(component, name, resolution), strict=True
        ):
            for sentence in sentences:
                by_sentence.setdefault(sentence, []).append(name)
    resolution.problems += _with_components(problems, len(sound.components))
    (resolution.problems if to_deploy else resolution.warnings).extend(
        _with_components(undeployable, len(sound.components))
    )
    if sound.region:
        resolution.problems += _region_problems(sound.region, [component.engine for component in resolution.components])
    return resolution


def _region_problems(region: str, engines: Sequence[Engine]) -> Iterator[str]:
    """Yield a problem for each image that cannot be pulled in a region, with the engine versions whose images can."""
    images = {engine.image: engine.kind for engine in engines if engine.image}
    for image, kind in images.items():
        for problem in region_problems(region, [image]):
            there = [f"{', '.join(versions)} (image_source={name!r})" for name, versions in kind.published_in(region)]
            yield f"{problem}; {kind.name} versions with an image there: {'; '.join(there)}" if there else problem


def _with_components(sentences: Mapping[str, Sequence[str]], components: int) -> Iterator[str]:
    """Yield each message once, with the names of its components. The names are left out if it applies to all."""
    for sentence, names in sentences.items():
        yield sentence if len(names) == components else f"{', '.join(names)}: {sentence}"


def _name_problems(deployment: Deployment) -> Iterator[str]:
    if len(deployment.components) == 1:
        return
    unnamed = [component.model for component in deployment.components if component.name is None]
    if unnamed:
        yield (
            f"each of several components needs a name=; missing for: {', '.join(unnamed)}. A component that was "
            f"deployed alone needs name={deployment.name!r}: under another name it would be deleted and created again"
        )
    names = [component.name for component in deployment.components if component.name]
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{times} components are named {name!r}: give each its own name"
    folded: dict[str, str] = {}
    for name in dict.fromkeys(names):
        other = folded.setdefault(name.replace("-", "").lower(), name)
        if other != name:
            yield (
                f"components {other!r} and {name!r} differ only in hyphens or case, so their stack outputs would have "
                "the same name: rename one"
            )


def _resolve_component(component: Component, name: str, resolution: Resolution) -> tuple[list[str], list[str]]:
    """Resolve one component. Return its faults that prevent sizing, and its faults that prevent only a start."""
    problems = [*_token_problems(component), *environment_problems(component.environment)]
    undeployable: list[str] = []
    unsized: list[str] = []
    model = _model(component, unsized, report_unsized=not resolution.declares_faulty_sizes)
    task = component.task or (model.task if model else "generate")
    problems += [fault.sentence for fault in length_faults(component, task)]
    problems += [*option_rules.component_problems(component, task), *unsized]
    engine = _look_up(lambda options: find_engine(options, component.image_source), component.engine, problems)
    is_known = component.quantization is None or component.quantization in METHODS
    if not is_known:
        problems.append(f"quantization={component.quantization!r} is not known; known: {', '.join(METHODS)}")
    if engine and engine.image is None:
        undeployable.append(_without_image(engine, component.image_source))
    if model is None or engine is None or not is_known:
        return problems, undeployable
    settings, not_followed = _variable_problems(component, engine)
    engine = engine.serving(model, task)
    resolved = ResolvedComponent(
        name=name,
        options=for_task(component, task),
        model=model,
        engine=engine,
        task=task,
        quantization=quantization_of(component, model),
        settings=settings,
    )
    resolution.components.append(resolved)
    if problems:
        return problems, undeployable
    for fault in faults_of(resolved, resolution.instance, has_token=component.token_secret is not None):
        (undeployable if fault.is_about_start else problems).append(fault.sentence)
    if resolution.instance and (reason := engine.open_cache_type(settings, resolution.instance)):
        undeployable.append(
            f"{reason}: leave the variable out, or use an instance type of compute capability 8.9 or newer"
        )
    undeployable += _source_problems(component)
    problems += not_followed
    if settings.changes_speed:
        resolution.warnings.append(
            "environment variables change the precision or the CUDA graphs: the computed memory takes them into "
            "account, forecasts of speed do not"
        )
    resolution.warnings += [*model.warnings, *engine.warnings(model)]
    return problems, undeployable


def _without_image(engine: Engine, publisher: str | None) -> str:
    versions = ", ".join(engine.kind.image_versions(publisher))
    of = f" of image_source={publisher!r}" if publisher else ""
    return (
        f"{engine} has no container image{of}: set engine={engine.name!r} for the newest version with an image, or "
        f"one of {versions}"
    )


def _source_problems(component: Component) -> Iterator[str]:
    if component.weights_account is not None and component.weights is None:
        yield "weights_account= names the owner of a bucket, but the weights come from the Hub: leave it out"
    if component.weights is not None and component.token_secret is not None:
        yield "token_secret= is not needed, because the weights come from S3: leave it out"
    if component.weights is not None and component.revision is not None:
        yield "revision= names a commit on the Hub, but the weights come from S3: leave one of the two out"


def _variable_problems(component: Component, engine: Engine) -> tuple[MemorySettings, list[str]]:
    """Return the settings that the component's variables change, and a problem for each variable that is refused."""
    settings = read_settings(
        engine.kind,
        component.environment,
        has_local_weights=component.weights is not None,
        version=engine.version,
    )
    problems = [
        f"environment[{key!r}]: {reason}"
        for key, reason in engine.refused_variables().items()
        if key in component.environment
    ]
    unsupported = [entry for entry in settings.not_followed if entry.name not in engine.refused_variables()]
    problems += start_problems(component.environment, engine, unsupported)
    return settings.memory, [*problems, *undecided_problems(component.environment, engine)]


def _model(component: Component, problems: list[str], *, report_unsized: bool) -> Model | None:
    """Return the model of a component with its declared sizes. If it cannot be sized, add a problem and return None."""
    unsized: list[str] = []
    if component.config is not None:
        files = (component.config, component.model, component.quant_config)
        model = _look_up(lambda given: read_model(*given), files, unsized)
    else:
        model = _look_up(find_model, component.model, unsized)
    if component.quant_config is not None and component.config is None:
        problems.append(f"quant_config={str(component.quant_config)!r} belongs to a config=: give both, or neither")
    weights, cache = component.weights_gib, component.kv_bytes_per_token
    if model is None and (weights is None or cache is None):
        if report_unsized and (weights or cache):
            missing = "weights_gib" if weights is None else "kv_bytes_per_token"
            unsized = [f"{'; '.join(unsized)}: to declare its sizes, set {missing}= too"]
        problems += unsized if report_unsized else []
        return None
    if weights is None and cache is None:
        return model
    if model is not None and component.config is None:
        problems += too_small(model, weights, cache)
    return with_declared_sizes(model, component.model, weights, cache)


def _token_problems(component: Component) -> Iterator[str]:
    """Yield a problem for each field that contains a token: the values of all fields reach the template."""
    for name, value in vars(component).items():
        if isinstance(value, str) and looks_like_token(value):
            yield (
                f"{name}= looks like a Hugging Face token: store it in Secrets Manager and set token_secret= to the "
                "name of the secret"
            )


def _look_up(find: Callable[[Key], Fact], key: Key, problems: list[str]) -> Fact | None:
    try:
        return find(key)
    except (LookupError, ValueError) as fault:
        problems.append(str(fault.args[0]))
        return None
