"""The YAML or JSON file that describes a fleet: models with their traffic and objectives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from replicas.deployment.bounds import MAX_INSTANCES
from replicas.deployment.patterns import NAME
from replicas.engines import DEFAULT_ENGINE
from replicas.errors import RecommendError
from replicas.forecast import Load
from replicas.recommend.objective import SERVICE_SECONDS, Objective
from replicas.recommend.requirements import Requirements

_Seconds = Annotated[float, Field(gt=0, le=3600)]
_STRICT = ConfigDict(extra="forbid", frozen=True)


class FleetModel(BaseModel):
    """One model and its traffic."""

    model_config = _STRICT

    name: Annotated[str, Field(pattern=NAME, max_length=63)]
    """Name of the model's component."""
    model: str
    """The model, as in `Component.model`."""
    users: Annotated[int, Field(ge=1)] | None = None
    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    input_tokens: Annotated[int, Field(ge=1)]
    output_tokens: Annotated[int, Field(ge=1)]
    latency_p90_seconds: _Seconds = SERVICE_SECONDS
    ttft_p90_seconds: _Seconds | None = None
    engine: str = DEFAULT_ENGINE
    quantizations: tuple[str, ...] = ()
    """Allowed quantizations (`none`, `awq`, ...). Default: only the quantization in which the model is stored."""
    max_total_tokens: Annotated[int, Field(ge=1)] | None = None
    token_secret: str | None = None

    @model_validator(mode="after")
    def _one_load(self) -> FleetModel:
        if (self.users is None) == (self.requests_per_second is None):
            raise ValueError("needs either users or requests_per_second, not both")
        return self


class FleetFile(BaseModel):
    """Content of the file: the models, and the limits for all instances together."""

    model_config = _STRICT

    models: Annotated[tuple[FleetModel, ...], Field(min_length=1, max_length=20)]
    region: str | None = None
    instance_types: tuple[str, ...] = ()
    """Allowed instance types. Default: every type with a known price."""
    max_instances: Annotated[int, Field(ge=1, le=MAX_INSTANCES)] = 20
    """Maximum instances of one type."""
    max_usd_per_hour: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Maximum price of all endpoints together."""
    duration_seconds: Annotated[float, Field(gt=0, le=3600)] = 90
    """Simulated duration of each full forecast."""

    @model_validator(mode="after")
    def _own_names(self) -> FleetFile:
        folded = Counter(model.name.replace("-", "").lower() for model in self.models)
        twice = [model.name for model in self.models if folded[model.name.replace("-", "").lower()] > 1]
        if twice:
            raise ValueError(f"model names must differ in more than hyphens and case: {', '.join(twice)}")
        return self

    def requirements(self) -> list[Requirements]:
        """Return the requirements of each model, as for a recommendation."""
        return [
            Requirements(
                model=model.model,
                load=Load(
                    users=model.users,
                    requests_per_second=model.requests_per_second,
                    input_tokens=model.input_tokens,
                    output_tokens=model.output_tokens,
                ),
                objective=Objective(
                    latency_p90_seconds=model.latency_p90_seconds, ttft_p90_seconds=model.ttft_p90_seconds
                ),
                engines=(model.engine,),
                quantizations=model.quantizations,
                instance_types=self.instance_types,
                region=self.region,
                max_instances=self.max_instances,
                max_total_tokens=model.max_total_tokens,
                token_secret=model.token_secret,
                duration_seconds=self.duration_seconds,
            )
            for model in self.models
        ]


def read_fleet(path: Path) -> FleetFile:
    """Read the file of a fleet.

    Raises:
        RecommendError: the file does not exist, is not YAML, or has invalid content. The error lists every fault.

    """
    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError as fault:
        raise RecommendError(f"{path} cannot be read", [fault.strerror or str(fault)]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        raise RecommendError(f"{path} is neither YAML nor JSON", [" ".join(str(fault).split())]) from None
    try:
        return FleetFile.model_validate(content)
    except ValidationError as fault:
        problems = [_sentence(error["loc"], error["msg"]) for error in fault.errors(include_url=False)]
        raise RecommendError(f"{path} does not describe a fleet", problems) from None


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    where = ".".join(map(str, place)) or "the file"
    return f"{where}: {message.removeprefix('Value error, ')[:200]}"
