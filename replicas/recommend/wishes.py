"""What is asked of a recommendation, and every fault of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from replicas.catalogue.instances import Instance, find_instance, instance_types
from replicas.catalogue.models import Model, find_model, read_model
from replicas.catalogue.regions import known_regions, offers_components
from replicas.deployment.deployment import MAX_INSTANCES
from replicas.deployment.options import Traffic
from replicas.engines import DEFAULT_ENGINE, find_engine
from replicas.errors import RecommendError, UsageError
from replicas.forecast import Load
from replicas.forecast.simulation import Routing
from replicas.planning.sizing_options import SizingOptions
from replicas.recommend.objective import SERVICE_SECONDS, Objective
from replicas.sizing.copies import DEFAULT_TOTAL_TOKENS, UNBOUNDED_TOTAL_TOKENS

DEFAULT_ENGINES = (DEFAULT_ENGINE,)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A model, its load, and what must hold. `resolve()` looks everything up."""

    model: str
    """A model of the table, as `Component.model` takes it."""
    config: Path | None = None
    """Its `config.json`, where the table does not have it."""
    load: Load
    objective: Objective = field(default_factory=Objective)
    engines: tuple[str, ...] = DEFAULT_ENGINES
    quantizations: tuple[str, ...] = ()
    """`none`, or methods; empty for all on offer."""
    instance_types: tuple[str, ...] = ()
    """Empty for every type."""
    region: str | None = None
    max_instances: int = 10
    max_total_tokens: int | None = None
    """Longest request. Default: as a component's, and at least one of the load."""
    token_secret: str | None = None
    duration_seconds: float = 90
    routing: Routing = "RANDOM"
    seed: int = 0

    @classmethod
    def of_options(
        cls,
        options: SizingOptions,
        load: Load,
        *,
        latency_p90_seconds: float | None = None,
        ttft_p90_seconds: float | None = None,
        max_usd_per_hour: float | None = None,
        region: str | None = None,
        max_instances: int = 10,
        token_secret: str | None = None,
        duration_seconds: float = 90,
        seed: int = 0,
    ) -> Wish:
        """Return the request that sizing options describe, with the defaults for what they leave open.

        Raises:
            UsageError: no model is named, or the load has not exactly one of users and rate.

        """
        if options.model is None:
            raise UsageError("a recommendation is for a MODEL")
        if (load.users is None) == (load.requests_per_second is None):
            raise UsageError("which load? --users N (a closed loop) or --rate R (arrivals a second), one of the two")
        return cls(
            model=options.model,
            config=options.config,
            load=load,
            objective=Objective(
                latency_p90_seconds=SERVICE_SECONDS if latency_p90_seconds is None else latency_p90_seconds,
                ttft_p90_seconds=ttft_p90_seconds,
                max_usd_per_hour=max_usd_per_hour,
            ),
            engines=options.engine or DEFAULT_ENGINES,
            quantizations=options.quantization,
            instance_types=options.instance,
            region=region,
            max_instances=max_instances,
            max_total_tokens=options.max_total_tokens,
            token_secret=token_secret,
            duration_seconds=duration_seconds,
            seed=seed,
        )

    @property
    def traffic(self) -> Traffic:
        """The load as a component declares it."""
        load = self.load
        return Traffic(
            users=load.users,
            requests_per_second=load.requests_per_second,
            input_tokens=load.input_tokens,
            output_tokens=load.output_tokens,
        )

    def resolved(self) -> Subject:
        """The model and the instance types to try.

        Raises:
            RecommendError: with every fault.

        """
        problems = [*self.load.problems(), *self.objective.problems()]
        if not 1 <= self.max_instances <= MAX_INSTANCES:
            problems.append(f"max_instances={self.max_instances}: 1 to {MAX_INSTANCES}")
        if not 0 < self.duration_seconds <= 3600:
            problems.append(f"duration_seconds={self.duration_seconds:g}: more than 0, at most 3600")
        model = None
        try:
            model = read_model(self.config, self.model) if self.config else find_model(self.model)
        except (LookupError, ValueError) as fault:
            problems.append(str(fault.args[0]))
        for engine in self.engines:
            try:
                if find_engine(engine).image is None:
                    problems.append(f"{engine} has no container image; `{engine.partition('-')[0]}` takes the newest")
            except LookupError as fault:
                problems.append(str(fault.args[0]))
        found = []
        for name in self.instance_types:
            try:
                found.append(find_instance(name))
            except LookupError as fault:
                problems.append(str(fault.args[0]))
        problems += self._region_problems()
        total = self.max_total_tokens
        if model and not problems:
            total = _total_tokens(self, model)
            problems += _context_problems(self, model, total)
        if problems or model is None:
            raise RecommendError(f"nothing can be recommended for {self.model}", problems)
        return Subject(model, tuple(found) or tuple(instance_types().values()), total)

    def _region_problems(self) -> Iterator[str]:
        if self.region is None:
            return
        if self.region not in known_regions():
            yield f"region {self.region!r} is not known; regions: {', '.join(known_regions())}"
        elif not offers_components(self.region):
            yield f"region {self.region}: CloudFormation does not know AWS::SageMaker::InferenceComponent there"


@dataclass(frozen=True)
class Subject:
    """A wish whose names are facts."""

    model: Model
    instances: tuple[Instance, ...]
    max_total_tokens: int | None
    """None where the default of a component holds a request of the load."""


def _total_tokens(wish: Wish, model: Model) -> int | None:
    if wish.max_total_tokens is not None:
        return wish.max_total_tokens
    asked = wish.load.input_tokens + wish.load.output_tokens
    context = model.architecture.context_tokens
    default = min(DEFAULT_TOTAL_TOKENS, context) if context else UNBOUNDED_TOTAL_TOKENS
    return asked if asked > default else None


def _context_problems(wish: Wish, model: Model, total: int | None) -> Iterator[str]:
    asked = wish.load.input_tokens + wish.load.output_tokens
    context = model.architecture.context_tokens
    if context and asked > context:
        yield (
            f"input_tokens={wish.load.input_tokens:,} and output_tokens={wish.load.output_tokens:,} are {asked:,}: "
            f"{model.id} was made for {context:,}"
        )
    elif total and asked > total:
        yield f"max_total_tokens={total:,}: a request of the load has {asked:,}"
    elif context and total and total > context:
        yield f"max_total_tokens={total:,}: {model.id} was made for {context:,}"
