"""Declaration of a deployment and its components. `plan` resolves every field to a value."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from replicas.catalogue.tasks import Task
from replicas.deployment.bounds import (
    MAX_CACHE_TOKENS,
    MAX_COPIES,
    MAX_FALLBACKS,
    MAX_INSTANCES,
    MAX_KV_BYTES_PER_TOKEN,
    MAX_REQUEST_TOKENS,
    MAX_WEIGHTS_GIB,
)
from replicas.deployment.options import (
    Adapter,
    DataCapture,
    InstanceScaling,
    Monitoring,
    Placement,
    Rollout,
    Routing,
    Scaling,
    Security,
    Traffic,
)
from replicas.deployment.patterns import ACCOUNT, IDENTIFIER, NAME, REGION, RESERVATION_ARN, S3_PREFIX, SECRET_ID
from replicas.deployment.sentences import GIVE, NAME_LENGTH, near_name, place_of, sentence_of
from replicas.engines.default import DEFAULT_ENGINE

DEFAULT_VARIANT = "AllTraffic"
"""Name that SageMaker's SDK gives to the only variant of an endpoint."""

_Name = Annotated[str, Field(pattern=NAME, max_length=NAME_LENGTH)]
_Count = Annotated[int, Field(ge=1)]
_Tokens = Annotated[int, Field(ge=1, le=MAX_REQUEST_TOKENS)]


@dataclass(frozen=True, kw_only=True)
class Component:
    """One inference component: a model and its copies.

    Only the model is required. `plan` chooses the value of every omitted field, and gives the reason.
    """

    model: str
    """A model of the catalogue: its Hugging Face repository (`TheBloke/Llama-2-13B-chat-AWQ`) or its short name
    (`llama-2-13b`). With `config`, any Hugging Face repository."""
    config: str | Path | None = None
    """Path of the model's `config.json`, for a model that is not in the catalogue. A relative path is resolved against
    the working directory of the process that calls `plan`."""
    quant_config: str | Path | None = None
    """Path of the `hf_quant_config.json` of NVIDIA's modelopt that belongs to `config`. Default: the file of this name
    in the folder of `config`, if it exists."""
    weights_gib: Annotated[float, Field(gt=0, le=MAX_WEIGHTS_GIB, allow_inf_nan=False)] | None = None
    """Declared size of the weights of a copy in memory, over all accelerators, GiB, for a model whose size cannot be
    computed. Every output marks the size as declared. Default: computed."""
    kv_bytes_per_token: Annotated[int, Field(ge=1, le=MAX_KV_BYTES_PER_TOKEN)] | None = None
    """Declared size of the KV cache of one token, over all accelerators, bytes. A model that is not in the catalogue
    and whose `config.json` cannot be read needs this and `weights_gib`. Default: computed."""
    name: _Name | None = None
    """Name of the component within its endpoint. Default: the name of the deployment. With several components, each
    needs a name. If the name changes, a new component is created and the old one is deleted."""
    engine: str = DEFAULT_ENGINE
    """Name of the serving engine, optionally with its version (docs/engines.md)."""
    image_source: str | None = None
    """Publisher of the engine's image, `aws` or `huggingface`. Default: the publisher of the version. If both publish
    the version, it is the publisher that docs/engines.md lists first."""
    task: Task | None = None
    """What the component answers with: `generate` (text), `embed` (a vector for each text) or `score` (a number for
    each pair of texts). Default: the task of the model. A `config.json` does not always state the task: Qwen3-Embedding
    has the `config.json` of a language model."""
    quantization: str | None = None
    """Quantization method. Default: the method of the checkpoint. Methods such as `fp8` and `bitsandbytes` are applied
    when the engine loads the weights."""
    copies: Annotated[int, Field(ge=1, le=MAX_COPIES)] | None = None
    """Number of copies. Default: as many as fit; components without a number get copies in turn."""
    tensor_parallel: _Count | None = None
    """Accelerators that one copy is split over. Default: the number with the lowest cost per token at the declared
    traffic, among the numbers that meet a minimum service level (docs/sizing.md)."""
    cpus: Annotated[float, Field(ge=0.25, allow_inf_nan=False)] | None = None
    """CPU cores reserved per copy. Default: an equal share of the instance's cores that copies can reserve."""
    memory_mib: Annotated[int, Field(ge=128)] | None = None
    """Host memory reserved per copy, MiB. Default: an equal share of the instance's memory that copies can reserve."""
    max_total_tokens: _Tokens | None = None
    """Longest request, prompt and answer together, tokens. Default: the model's context, at most 8,192."""
    max_input_tokens: _Tokens | None = None
    """Longest prompt, tokens. Default: one token less than `max_total_tokens`."""
    max_batch_prefill_tokens: _Tokens | None = None
    """Maximum prompt tokens of one prefill step. Default: the default of the engine."""
    min_kv_cache_tokens: Annotated[int, Field(ge=1, le=MAX_CACHE_TOKENS)] | None = None
    """Minimum size of a copy's KV cache, tokens. Default: one request of `max_total_tokens`."""
    max_sequences: _Tokens | None = None
    """Maximum requests in the batch of a copy, for engines with such a limit. Default: the default of the engine."""
    gpu_memory_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    """Share of each accelerator's memory that the engine may use. Default: the default of the engine version."""
    revision: str | None = None
    """Commit of the Hub repository to serve. Default: its main branch, which can change at any time."""
    weights: Annotated[str, Field(pattern=S3_PREFIX)] | None = None
    """Uncompressed weights in S3 instead of the Hub: `s3://bucket/prefix/`, with the slash."""
    weights_account: Annotated[str, Field(pattern=ACCOUNT)] | None = None
    """Account that owns the bucket of `weights`. Default: the account of the deployment. The execution role can read
    the bucket only if this account owns it."""
    token_secret: Annotated[str, Field(pattern=SECRET_ID)] | None = None
    """Name or ARN of the Secrets Manager secret that holds a Hugging Face token. Never the token itself."""
    startup_timeout_seconds: Annotated[int, Field(ge=60, le=3600)] | None = None
    """Maximum time from the start of a copy to its first answer. Default: derived from the size of the weights."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Additional environment variables of the container. They must not contradict the variables that the plan sets."""
    traffic: Traffic | None = None
    """Expected load of the component. Default: none; a forecast then needs a load on the command line."""
    scaling: Scaling | None = None
    """Auto scaling of the copies. Default: none, the number of copies is fixed."""
    rollout: Rollout | None = None
    """How updates replace copies. Default: decided by SageMaker."""
    placement: Placement | None = None
    """Placement of copies on instances. Default: SageMaker's default, which spreads copies over the instances."""
    data_cache: bool | None = None
    """Whether image and weights are cached on the instance for later copies. Default: decided by SageMaker, which
    caches on instances with large NVMe."""
    adapters: Sequence[Adapter] = ()
    """LoRA adapters that the copies serve in addition to the model, for engines that support adapters."""

    __pydantic_config__ = ConfigDict(strict=True, revalidate_instances="always")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One endpoint: instances and the components that share them. It is deployed as one stack of the same name."""

    name: _Name
    """Name of the stack, and the NAME argument of the commands."""
    instance_type: str
    components: Annotated[Sequence[Component], Field(min_length=1)]
    instances: Annotated[int, Field(ge=1, le=MAX_INSTANCES)] = 1
    """Initial number of instances."""
    region: Annotated[str, Field(pattern=REGION)] | None = None
    """Region of the stack. Default: the region in which the stack is deployed. If a region is given, `plan` checks that
    inference components, the instance type and the image are available there."""
    account: Annotated[str, Field(pattern=ACCOUNT)] | None = None
    endpoint_name: _Name | None = None
    """Fixed name of the endpoint. Default: CloudFormation generates a name. If the name changes, a new endpoint is
    created."""
    variant_name: Annotated[str, Field(pattern=IDENTIFIER, max_length=63)] = DEFAULT_VARIANT
    """Name of the endpoint's production variant. If the name changes, the endpoint configuration and all components are
    replaced, because SageMaker cannot move a component to another variant."""
    network_isolation: bool = False
    """Whether the containers run without network. All weights must then be in S3."""
    instance_scaling: InstanceScaling | None = None
    """Managed instance scaling. Default: none, the number of instances is fixed."""
    fallback_instance_types: Annotated[Sequence[str], Field(max_length=MAX_FALLBACKS)] = ()
    """Instance types to use, in this order, if `instance_type` has no capacity (instance pools). The copies must fit on
    each type alone."""
    capacity_reservation: Annotated[str, Field(pattern=RESERVATION_ARN)] | None = None
    """ARN of the only capacity reservation from which instances are launched."""
    routing: Routing = "least-outstanding-requests"
    """Routing strategy: how SageMaker selects the copy for a request."""
    security: Security = field(default_factory=Security)
    monitoring: Monitoring = field(default_factory=Monitoring)
    data_capture: DataCapture | None = None
    """Capture of requests and answers in S3. Default: none."""

    __pydantic_config__ = ConfigDict(strict=True, revalidate_instances="always")


@dataclass(frozen=True)
class Fault:
    """A field with a wrong type or value: its path, and the message for the user."""

    place: tuple[str | int, ...]
    sentence: str


def faults(deployment: Deployment) -> list[Fault]:
    """Return every field of a deployment that has a wrong type or value; empty if there are none."""
    try:
        _schema().validate_python(deployment)
    except ValidationError as error:
        problems = [Fault(place_of(fault), sentence_of(fault)) for fault in error.errors(include_url=False)]
        return _without_alternatives(problems)
    return []


def _without_alternatives(faults: list[Fault]) -> list[Fault]:
    """Merge the faults that pydantic reports for each type of a union into one fault per field."""
    inner = [fault.place[:-1] for fault in faults if len(fault.place) > 1 and fault.place[0] == "routing"]
    merged: dict[tuple[str | int, ...], Fault] = {}
    for fault in faults:
        if fault.place in inner:
            continue
        first = merged.get(fault.place)
        allowed = fault.sentence.rpartition(": ")[2].removeprefix(GIVE)
        merged[fault.place] = Fault(fault.place, f"{first.sentence}, or {allowed}") if first else fault
    return list(merged.values())


def without_faults(deployment: Deployment, faults: Sequence[Fault]) -> Deployment:
    """Return the deployment without its faulty fields and without components that have no model.

    The rules that do not need a faulty field can then still be checked. A faulty name is replaced by the most similar
    valid name.
    """
    faulty_fields = {fault.place[0] for fault in faults if fault.place} - {"components"}
    declared = deployment.components if isinstance(deployment.components, Sequence) else []
    components = []
    for index, component in enumerate(declared):
        faulty = {fault.place[2] for fault in faults if fault.place[:2] == ("components", index) and fault.place[2:]}
        if isinstance(component, Component) and "model" not in faulty:
            components.append(replace(component, **_defaults(Component, faulty)))
    changes = _defaults(Deployment, faulty_fields)
    if "name" in changes:
        changes["name"] = (near_name(deployment.name) if isinstance(deployment.name, str) else None) or "unnamed"
    return replace(deployment, components=components, **changes)


def _defaults(kind: type, names: Collection[str | int]) -> dict[str, Any]:
    """Return the defaults of the named fields; None for a field that has no default."""
    return {
        known.name: known.default_factory() if known.default_factory is not MISSING else _or_none(known.default)
        for known in fields(kind)
        if known.name in names
    }


def _or_none(default: Any) -> Any:
    return None if default is MISSING else default


_ADAPTER: list[TypeAdapter[Deployment]] = []


def _schema() -> TypeAdapter[Deployment]:
    """Return the pydantic schema. It is built on first use, because building it takes longer than importing this
    module.
    """
    if not _ADAPTER:
        with _without_plugins():
            _ADAPTER.append(TypeAdapter(Deployment))
    return _ADAPTER[0]


@contextmanager
def _without_plugins() -> Iterator[None]:
    """Keep pydantic from looking for plugins: it would read the entry points of every installed distribution."""
    switch = "PYDANTIC_DISABLE_PLUGINS"
    before = os.environ.get(switch)
    os.environ[switch] = "__all__"
    try:
        yield
    finally:
        if before is None:
            del os.environ[switch]
        else:
            os.environ[switch] = before
