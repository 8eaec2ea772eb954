"""What a user writes: a deployment and its components. Wishes only; `plan` resolves them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from replicas.deployment.options import (
    Adapter,
    InstanceScaling,
    Monitoring,
    Placement,
    Rollout,
    Routing,
    Scaling,
    Security,
    Traffic,
)
from replicas.deployment.patterns import ACCOUNT, IN_WORDS, NAME, REGION, RESERVATION_ARN, S3_PREFIX, SECRET_ID
from replicas.engines.default import DEFAULT_ENGINE

MAX_COPIES = 1000
MAX_INSTANCES = 100
"""More than an endpoint will have; up to here the search for a placement answers at once."""

_Name = Annotated[str, Field(pattern=NAME, max_length=63)]
_Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, kw_only=True)
class Component:
    """One inference component: a model, and how many copies of it.

    Everything but the model is a wish; what is left out is resolved by `plan`, which says why.
    """

    model: str
    """A model of the table: its Hugging Face repository (`TheBloke/Llama-2-13B-chat-AWQ`) or its short name
    (`llama-2-13b`). With `config`, the repository to serve, whatever its name."""
    config: str | Path | None = None
    """The model's `config.json`, where the table does not have the model. A relative path starts at the folder
    that `plan` runs in."""
    name: _Name | None = None
    """Identity of the component within its endpoint. Default: the deployment's name; with several components
    each needs its own. Another name is another component: the old one is deleted, not renamed."""
    engine: str = DEFAULT_ENGINE
    """Serving engine by name, with a version if you care (docs/engines.md)."""
    quantization: str | None = None
    """Default: what the checkpoint is stored in. `fp8`, `bitsandbytes` and others are made at start-up."""
    copies: Annotated[int, Field(ge=1, le=MAX_COPIES)] | None = None
    """Default: as many as fit the instances, with the other components in turn."""
    tensor_parallel: _Count | None = None
    """Accelerators that one copy is split over. Default: the smallest degree whose share of the model fits."""
    cpus: Annotated[float, Field(ge=0.25, allow_inf_nan=False)] | None = None
    """CPU cores reserved per copy. Default: an even part of what an instance is known to yield."""
    memory_mib: Annotated[int, Field(ge=128)] | None = None
    """Host memory reserved per copy, MiB. Default: an even part of what an instance is known to yield."""
    max_total_tokens: _Count | None = None
    """Longest request, prompt and answer together. Default: the model's context, at most 8,192."""
    max_input_tokens: _Count | None = None
    """Longest prompt. Default: one token less than `max_total_tokens`."""
    max_batch_prefill_tokens: _Count | None = None
    """Prompt tokens that one prefill step may take. Default: the engine's own."""
    min_kv_cache_tokens: _Count | None = None
    """Tokens that the KV cache of a copy must hold at least. Default: one request of `max_total_tokens`."""
    max_sequences: _Count | None = None
    """Requests that a copy batches at most, for engines that bound them. Default: the engine's own."""
    gpu_memory_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Part of each card that the engine may take. Default: the engine version's own."""
    revision: str | None = None
    """Commit of the Hub repository to serve. Default: its main branch, which can change under you."""
    weights: Annotated[str, Field(pattern=S3_PREFIX)] | None = None
    """Uncompressed weights in S3 instead of the Hub: `s3://bucket/prefix/`, with the slash."""
    token_secret: Annotated[str, Field(pattern=SECRET_ID)] | None = None
    """Name or ARN of the Secrets Manager secret that holds a Hugging Face token. Never the token itself."""
    startup_timeout_seconds: Annotated[int, Field(ge=60, le=3600)] | None = None
    """How long a copy may take until it answers. Default: by the size of the weights."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables of the container. They may not contradict what the plan sets."""
    traffic: Traffic | None = None
    """What it is expected to carry. Default: nothing is declared, and nothing forecast unless asked for."""
    scaling: Scaling | None = None
    """Copies follow the load. Default: so many copies, always."""
    rollout: Rollout | None = None
    """How updates replace copies. Default: as the service does it."""
    placement: Placement | None = None
    """Default: the service's own, spread over instances."""
    data_cache: bool | None = None
    """Keep image and weights on the instance for the next copy. Default: the service's own, on with large NVMe."""
    adapters: Sequence[Adapter] = ()
    """LoRA adapters that its copies serve beside the model itself, for engines that can."""

    __pydantic_config__ = ConfigDict(strict=True, revalidate_instances="always")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One endpoint: instances and the components that share them. It becomes one stack of the same name."""

    name: _Name
    """Name of the stack and of what the commands take."""
    instance_type: str
    components: Annotated[Sequence[Component], Field(min_length=1)]
    instances: Annotated[int, Field(ge=1, le=MAX_INSTANCES)] = 1
    """Instances that the endpoint starts with."""
    region: Annotated[str, Field(pattern=REGION)] | None = None
    """Default: wherever the stack is deployed. Named, it is checked: type, instance type and image must be there."""
    account: Annotated[str, Field(pattern=ACCOUNT)] | None = None
    endpoint_name: _Name | None = None
    """Fixed name of the endpoint. Default: CloudFormation makes one. Another name is another endpoint."""
    network_isolation: bool = False
    """No network for the containers: then all weights must lie in S3."""
    instance_scaling: InstanceScaling | None = None
    """Instances follow the copies. Default: so many instances, always."""
    fallback_instance_types: Annotated[Sequence[str], Field(max_length=4)] = ()
    """Types to take, in this order, where `instance_type` is not to be had (instance pools). The copies must fit on
    each type alone."""
    capacity_reservation: Annotated[str, Field(pattern=RESERVATION_ARN)] | None = None
    """ARN of the reservation that the instances come from, and from nowhere else."""
    routing: Routing = "least-outstanding-requests"
    """Which copy a request goes to."""
    security: Security = field(default_factory=Security)
    monitoring: Monitoring = field(default_factory=Monitoring)

    __pydantic_config__ = ConfigDict(strict=True, revalidate_instances="always")


@dataclass(frozen=True)
class Fault:
    """A field with a wrong type or value: where it is, and the sentence for the user."""

    place: tuple[str | int, ...]
    sentence: str


def faults(deployment: Deployment) -> list[Fault]:
    """Every field of a deployment that has a wrong type or value; empty where all is well."""
    try:
        _schema().validate_python(deployment)
    except ValidationError as error:
        return [Fault(fault["loc"], _sentence(fault)) for fault in error.errors(include_url=False)]
    return []


def without_faults(deployment: Deployment, found: Sequence[Fault]) -> Deployment:
    """The deployment without its faulty fields, and without components that name no model.

    So that one fault does not hide another: what can be judged without a field is judged.
    """
    spoilt = {fault.place[0] for fault in found if fault.place} - {"components"}
    parts = deployment.components if isinstance(deployment.components, Sequence) else []
    components = []
    for index, component in enumerate(parts):
        faulty = {fault.place[2] for fault in found if fault.place[:2] == ("components", index) and fault.place[2:]}
        if isinstance(component, Component) and "model" not in faulty:
            components.append(replace(component, **_defaults(Component, faulty)))
    return replace(deployment, components=components, **_defaults(Deployment, spoilt))


def _defaults(kind: type, names: Collection[str | int]) -> dict[str, Any]:
    """Defaults of some fields; None for those that have none."""
    return {
        known.name: known.default_factory() if known.default_factory is not MISSING else _or_none(known.default)
        for known in fields(kind)
        if known.name in names
    }


def _or_none(default: Any) -> Any:
    return None if default is MISSING else default


_ADAPTER: list[TypeAdapter[Deployment]] = []


def _schema() -> TypeAdapter[Deployment]:
    """Built when first needed: it costs more than reading this module."""
    if not _ADAPTER:
        _ADAPTER.append(TypeAdapter(Deployment))
    return _ADAPTER[0]


def _sentence(fault: ErrorDetails) -> str:
    place = ".".join(str(part) for part in fault["loc"]) or "deployment"
    given = repr(fault["input"])
    if fault["type"] == "too_short":
        return f"{place}={given}: at least one {str(fault['loc'][-1]).removesuffix('s').replace('_', ' ')}"
    allowed = IN_WORDS.get(fault.get("ctx", {}).get("pattern", ""), fault["msg"][:1].lower() + fault["msg"][1:])
    return f"{place}={given if len(given) < 100 else given[:97] + '...'}: {allowed}"
