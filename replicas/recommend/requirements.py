"""Requirements of a recommendation, and their validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from replicas.catalogue.instances import Instance, find_instance, instance_types
from replicas.catalogue.models import Model, find_model, read_model
from replicas.catalogue.regions import known_regions, offers_components
from replicas.deployment.bounds import MAX_FALLBACKS, MAX_INSTANCES, REASONS
from replicas.deployment.options import Traffic
from replicas.engines import DEFAULT_ENGINE, find_engine
from replicas.errors import RecommendError
from replicas.forecast import Load
from replicas.forecast.simulation import Routing
from replicas.load.arrivals import duration_problems
from replicas.recommend.objective import Objective
from replicas.sizing.copies import DEFAULT_TOTAL_TOKENS, UNBOUNDED_TOTAL_TOKENS

DEFAULT_ENGINES = (DEFAULT_ENGINE,)


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """Requirements of a recommendation: a model, its load, and its objective. `resolved()` looks up the names."""

    model: str
    """A model of the catalogue, as in `Component.model`."""
    config: Path | None = None
    """Path of the model's `config.json`, for a model that is not in the catalogue."""
    quant_config: Path | None = None
    """Path of the model's `hf_quant_config.json`. Default: the file in the folder of `config`, if it exists."""
    load: Load
    objective: Objective = field(default_factory=Objective)
    engines: tuple[str, ...] = DEFAULT_ENGINES
    quantizations: tuple[str, ...] = ()
    """Allowed quantizations, `none` or the name of a method. Empty means all quantizations that are available."""
    instance_types: tuple[str, ...] = ()
    """Allowed instance types; empty for all."""
    fallback_instance_types: tuple[str, ...] = ()
    """Instance types of the pools after the first type, as in `Deployment.fallback_instance_types`. Each layout must
    then meet the objective on every type of its pool."""
    region: str | None = None
    max_instances: int = 10
    max_total_tokens: int | None = None
    """Longest request, in tokens. Default: the larger of a component's default and the longest request of the load."""
    token_secret: str | None = None
    duration_seconds: float = 90
    routing: Routing = "RANDOM"
    seed: int = 0

    @property
    def traffic(self) -> Traffic:
        """The load as declared traffic. A trace becomes its mean rate, and a burst becomes the same number of users."""
        load = self.load
        return Traffic(
            users=load.at_once,
            requests_per_second=load.offered,
            input_tokens=load.input_tokens,
            output_tokens=load.output_tokens,
        )

    def resolved(self) -> Subject:
        """Look up the model and the instance types to try.

        Raises:
            RecommendError: the requirements have faults. The error lists all of them.

        """
        problems = [*self.load.problems(), *self.objective.problems()]
        if not 1 <= self.max_instances <= MAX_INSTANCES:
            problems.append(f"max_instances={self.max_instances}: 1 to {MAX_INSTANCES}")
        if not 0 < self.duration_seconds <= 3600:
            problems.append(f"duration_seconds={self.duration_seconds:g}: more than 0, at most 3600")
        problems += duration_problems(self.load, self.duration_seconds)
        if self.quant_config is not None and self.config is None:
            problems.append(f"quant_config={str(self.quant_config)!r} belongs to a config: give both, or neither")
        model = None
        try:
            model = read_model(self.config, self.model, self.quant_config) if self.config else find_model(self.model)
        except (LookupError, ValueError) as fault:
            problems.append(str(fault.args[0]))
        for engine in self.engines:
            try:
                if find_engine(engine).image is None:
                    problems.append(f"{engine} has no container image: use {engine.partition('-')[0]} for the newest")
            except LookupError as fault:
                problems.append(str(fault.args[0]))
        instances = _found(self.instance_types, problems)
        fallbacks = _found(self.fallback_instance_types, problems)
        problems += self._pool_problems()
        problems += self._region_problems()
        if model and model.task != "generate":
            problems.append(
                f"{model.id} is for task={model.task!r}, but layouts are ranked by the price of generated tokens: "
                "compare instance types with `replicas forecast --model` and --instance"
            )
        elif not self.load.output_tokens:
            problems.append("output_tokens=0: at least 1")
        total = self.max_total_tokens
        if model and not any(self.load.length_problems()):
            total = _total_tokens(self, model)
            problems += _context_problems(self, model, total)
        if problems or model is None:
            raise RecommendError(f"nothing can be recommended for {self.model}", problems)
        if not instances:
            instances = [each for each in instance_types().values() if each not in fallbacks]
        return Subject(model, tuple(instances), tuple(fallbacks), total)

    def _pool_problems(self) -> Iterator[str]:
        fallbacks = self.fallback_instance_types
        if len(fallbacks) > MAX_FALLBACKS:
            yield (
                f"fallback_instance_types: {len(fallbacks)} types, at most {MAX_FALLBACKS}, because "
                f"{REASONS['fallback_instance_types']}"
            )
        for name, times in Counter(fallbacks).items():
            if times > 1 or name in self.instance_types:
                where = "instance_types and in fallback_instance_types" if times == 1 else "fallback_instance_types"
                yield f"instance type {name!r} is listed twice, in {where}: list it once"

    def _region_problems(self) -> Iterator[str]:
        if self.region is None:
            return
        if self.region not in known_regions():
            yield f"region {self.region!r} is not known; regions: {', '.join(known_regions())}"
        elif not offers_components(self.region):
            yield f"region {self.region}: CloudFormation does not know AWS::SageMaker::InferenceComponent there"


@dataclass(frozen=True)
class Subject:
    """The model and instance types of requirements, looked up in the catalogue."""

    model: Model
    instances: tuple[Instance, ...]
    """Instance types to try, as the first type of a pool if there are fallbacks."""
    fallbacks: tuple[Instance, ...]
    """Further instance types of every pool."""
    max_total_tokens: int | None
    """Longest request; None if the default of a component is long enough for a request of the load."""


def _found(names: Sequence[str], problems: list[str]) -> list[Instance]:
    """Return the instance types of these names. A name that is not known is added to the problems."""
    instances = []
    for name in names:
        try:
            instances.append(find_instance(name))
        except LookupError as fault:
            problems.append(str(fault.args[0]))
    return instances


def _total_tokens(requirements: Requirements, model: Model) -> int | None:
    if requirements.max_total_tokens is not None:
        return requirements.max_total_tokens
    load, context = requirements.load, model.architecture.context_tokens
    request_tokens = load.longest_tokens
    if context and load.trace is None and load.input_tokens + load.output_tokens <= context:
        request_tokens = min(request_tokens, context)  # longer drawn requests are cut
    default = min(DEFAULT_TOTAL_TOKENS, context) if context else UNBOUNDED_TOTAL_TOKENS
    return request_tokens if request_tokens > default else None


def _context_problems(requirements: Requirements, model: Model, total: int | None) -> Iterator[str]:
    load = requirements.load
    request_tokens = load.input_tokens + load.output_tokens
    context = model.architecture.context_tokens
    if load.trace is not None:
        yield from _trace_problems(load, model, total)
    elif context and request_tokens > context:
        yield (
            f"input_tokens={load.input_tokens:,} and output_tokens={load.output_tokens:,} are {request_tokens:,}: "
            f"{model.id} has a context of {context:,}"
        )
    elif total and request_tokens > total:
        yield f"max_total_tokens={total:,}: a request of the load has {request_tokens:,}"
    elif context and total and total > context:
        yield f"max_total_tokens={total:,}: {model.id} has a context of {context:,}"


def _trace_problems(load: Load, model: Model, total: int | None) -> Iterator[str]:
    longest, context = load.longest_tokens, model.architecture.context_tokens
    if context and longest > context:
        yield f"the longest request of the trace has {longest:,} tokens: {model.id} has a context of {context:,}"
    elif total and longest > total:
        yield f"max_total_tokens={total:,}: the longest request of the trace has {longest:,}"
