"""The sizing options that `plan`, `forecast`, `cost` and `recommend` share, and the deployment that they describe.

The command line derives the flag, limits and help of each option from a field of `SizingOptions`.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from replicas.catalogue.models import config_name, find_model, quantized_sibling
from replicas.deployment import file as catalogue
from replicas.deployment.deployment import Component, Deployment
from replicas.engines import EXAMPLE, engine_names
from replicas.errors import SizingError, UsageError
from replicas.planning.plans import EndpointPlan

_FLAG = "flag"
_ENGINES = ", ".join(engine_names())


@dataclass(frozen=True)
class Flag:
    """Help and limits of a command-line option. The name of the option is the name of the field, with hyphens."""

    help: str
    least: float | None = None
    most: float | None = None
    help_of_several: str = ""
    """Help for commands that allow the option several times; empty if no command does."""


def flag_of(declared: Field[Any]) -> Flag:
    """Return the command-line option of a field of `SizingOptions`."""
    flag: Flag = declared.metadata[_FLAG]
    return flag


def _flag(text: str, *, least: float | None = None, most: float | None = None, several: str = "") -> dict[str, Flag]:
    return {_FLAG: Flag(text, least, most, several)}


@dataclass(frozen=True, kw_only=True)
class SizingOptions:
    """Options that name a model to size, or override settings of a deployment of deployments.py.

    `plan`, `forecast` and `cost` accept one value of `instance`, `engine` and `quantization`; `recommend` compares any
    number of values. None or an empty tuple keeps the value of the named deployment or the default.
    """

    model: str | None = field(
        default=None, metadata=_flag("Model to size instead of a deployment (see `replicas models`).")
    )
    config: Path | None = field(default=None, metadata=_flag("Hugging Face config.json of the model to size."))
    quant_config: Path | None = field(
        default=None,
        metadata=_flag("hf_quant_config.json of the model of --config. Default: the file next to the config.json."),
    )
    weights_gib: float | None = field(
        default=None,
        metadata=_flag("GiB of weights that the engine loads for a copy, for a model that is not known.", least=0.001),
    )
    kv_bytes_per_token: int | None = field(
        default=None,
        metadata=_flag("Bytes of KV cache per token over all accelerators, for a model that is not known.", least=1),
    )
    instance: tuple[str, ...] = field(
        default=(),
        metadata=_flag(
            "Instance type, for example ml.p4d.24xlarge.",
            several="Only this instance type; may be repeated. Default: every type.",
        ),
    )
    fallback_instance_types: tuple[str, ...] = field(
        default=(),
        metadata=_flag(
            "Instance types that SageMaker takes, in this order, if it has none of the first type; separated by commas."
        ),
    )
    instances: int | None = field(default=None, metadata=_flag("Number of instances.", least=1))
    engine: tuple[str, ...] = field(
        default=(),
        metadata=_flag(
            f"Serving engine: {_ENGINES}, with or without a version ({EXAMPLE}).",
            several=f"Only this serving engine ({_ENGINES}), with or without a version; may be repeated.",
        ),
    )
    image_source: str | None = field(
        default=None, metadata=_flag("Publisher of the engine's image: aws or huggingface. Default: docs/engines.md.")
    )
    quantization: tuple[str, ...] = field(
        default=(),
        metadata=_flag(
            "Quantization: gptq, awq, fp8, bitsandbytes, ...",
            several="Only this quantization (none, awq, fp8, ...); may be repeated. Default: all.",
        ),
    )
    task: str | None = field(default=None, metadata=_flag("generate, embed or score. Default: the task of the model."))
    copies: int | None = field(default=None, metadata=_flag("Copies. Default: as many as fit.", least=1))
    tensor_parallel: int | None = field(default=None, metadata=_flag("Accelerators per copy.", least=1))
    max_input_tokens: int | None = field(default=None, metadata=_flag("Longest prompt.", least=1))
    max_total_tokens: int | None = field(default=None, metadata=_flag("Longest request, prompt and answer.", least=1))
    max_sequences: int | None = field(
        default=None, metadata=_flag("Requests that the engine computes at once in a copy.", least=1)
    )
    max_prefill_tokens: int | None = field(
        default=None, metadata=_flag("Prompt tokens of one step of the engine.", least=1)
    )
    gpu_memory_share: float | None = field(
        default=None, metadata=_flag("Share of each card's memory that the engine takes.", least=0.01, most=1)
    )

    @property
    def is_empty(self) -> bool:
        """True if no option is given."""
        return all(getattr(self, declared.name) in (None, ()) for declared in fields(self))

    @property
    def component_options(self) -> dict[str, Any]:
        """The given options that belong to a component, by the names of its fields."""
        names = (
            *("weights_gib", "kv_bytes_per_token", "task", "copies", "tensor_parallel"),
            *("max_input_tokens", "max_total_tokens", "max_sequences", "gpu_memory_share", "image_source"),
        )
        single = {name: self._single(name) for name in ("engine", "quantization")}
        given = {**single, **{name: getattr(self, name) for name in names}}
        given["max_batch_prefill_tokens"] = self.max_prefill_tokens
        return {name: value for name, value in given.items() if value is not None}

    @property
    def deployment_options(self) -> dict[str, Any]:
        """The given options that belong to a deployment, by the names of its fields."""
        given = {
            "instance_type": self._single("instance"),
            "fallback_instance_types": self.fallback_instance_types or None,
            "instances": self.instances,
        }
        return {name: value for name, value in given.items() if value is not None}

    def _single(self, name: str) -> str | None:
        values: tuple[str, ...] = getattr(self, name)
        if len(values) > 1:
            raise UsageError(f"--{name} {' '.join(values)}: a deployment has one {name}; give one value")
        return values[0] if values else None


@dataclass(frozen=True)
class DescribedDeployment:
    """The deployment that a name and sizing options describe."""

    deployment: Deployment
    is_named: bool
    """True for a deployment of deployments.py: a missing token, image or checkpoint is then a problem, because the
    endpoint could not start. False for a model without a deployment: the same fault is then a warning."""
    notes: tuple[str, ...] = ()
    """Notes that explain how the options were interpreted."""

    def plan(self) -> EndpointPlan:
        """Plan the deployment. Raises `SizingError` if it does not fit."""
        from replicas.planning.planner import plan  # brings all rules, which a command's flags do not need

        try:
            return plan(self.deployment, to_deploy=self.is_named)
        except SizingError as refusal:
            raise (catalogue.with_lines(refusal, self.deployment) if self.is_named else refusal) from None


def describe(name: str | None, options: SizingOptions) -> DescribedDeployment:
    """Return the deployment NAME changed by the options, or a deployment of `options.model` or `options.config` alone.

    Raises:
        UsageError: neither a deployment nor a model is named, or the options contradict each other.
        CatalogueError: deployments.py has no deployment of that name.

    """
    if options.quant_config is not None and options.config is None:
        raise UsageError(f"--quant-config {options.quant_config} belongs to a --config FILE: give both")
    if name is not None and (options.model or options.config):
        raise UsageError("give one of NAME, --model and --config")
    if name is not None:
        return _changed(catalogue.find_deployment(name), options)
    if options.model is None and options.config is None:
        if options.is_empty:
            raise UsageError("give NAME, --model or --config")
        raise UsageError("these options need NAME, --model or --config")
    if not options.instance:
        raise UsageError("--model and --config need --instance")
    component, notes = _component(options)
    deployment = Deployment(name="plan", components=[component], **options.deployment_options)
    return DescribedDeployment(deployment, is_named=False, notes=notes)


def _changed(deployment: Deployment, options: SizingOptions) -> DescribedDeployment:
    changes = options.component_options
    if changes and len(deployment.components) > 1:
        flags = ", ".join(f"--{option.replace('_', '-')}" for option in changes)
        count = len(deployment.components)
        raise UsageError(
            f"{deployment.name} has {count} components; {flags} can be used only with a deployment of one component"
        )
    components = [replace(component, **changes) for component in deployment.components]
    notes: tuple[str, ...] = ()
    if "quantization" in changes:
        model, notes = _stored_model(components[0].model, changes["quantization"])
        components = [replace(components[0], model=model)]
    changed = replace(deployment, components=components, **options.deployment_options)
    return DescribedDeployment(changed, is_named=True, notes=notes)


def _component(options: SizingOptions) -> tuple[Component, tuple[str, ...]]:
    changes = options.component_options
    if options.config is not None:
        model = options.model or config_name(options.config)
        return Component(model=model, config=options.config, quant_config=options.quant_config, **changes), ()
    assert options.model is not None  # noqa: S101 (`describe` requires one of the two)
    model, notes = _stored_model(options.model, changes.get("quantization"))
    return Component(model=model, **changes), notes


def _stored_model(model: str, quantization: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the repository with the model's weights in a quantization, and a note if it is another repository.

    An unknown model is returned unchanged: the plan reports the fault.
    """
    try:
        facts = find_model(model)
    except LookupError:
        return model, ()
    if quantization is None or (facts.quantization and facts.quantization.method == quantization):
        return model, ()
    sibling = quantized_sibling(facts, quantization)
    if sibling is None:
        return model, ()
    return sibling, (f"{quantization} weights of {facts.id}: {sibling}",)
