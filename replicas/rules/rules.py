"""All rules: what each is called, and the functions that find them broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from replicas.rules import (
    access_rules,
    adapter_rules,
    component_rules,
    config_rules,
    rolls,
    scaling_rules,
    serving_rules,
    weights_rules,
)
from replicas.rules.report import Finding, Unresolved
from replicas.template.endpoints import View

Rule = Callable[[View], Iterator[Finding] | Iterator[Unresolved] | Iterator[Finding | Unresolved]]

RULES: Mapping[str, str] = MappingProxyType(
    {
        "accelerators-missing": "The image serves LLMs on GPUs, and its component claims none (warning).",
        "accelerators-not-whole": "Accelerators are claimed whole, and at least 1.",
        "accelerators-on-cpu": "Accelerators are claimed on an instance type without any.",
        "adapter-base": "The base of an adapter is no component that hosts a model on its endpoint.",
        "adapter-claims": "An adapter claims resources of its own.",
        "adapter-prefix": "The files of an adapter are named by a prefix without a slash at its end.",
        "ami-too-old": "An image with CUDA 13 runs on a driver too old for it.",
        "batch-size": "A batch of a rolling update is not 5 to 50 % of the copies (warning where there is 1 copy).",
        "capacity-range": "MinCapacity of a scalable target is above its MaxCapacity.",
        "ceiling-over-claimed": "At the ceiling copies claim more CPU or memory than has been seen accepted (warning).",
        "ceiling-over-committed": "The ceiling of copies does not fit the instances (warning where room is shared).",
        "claim-too-small": "CPU or memory is claimed below what SageMaker takes.",
        "claims-missing": "A component that hosts a model has no ComputeResourceRequirements.",
        "copies-below-one": "A component is created with fewer than 1 copy.",
        "copies-missing": "A component that hosts a model has no CopyCount.",
        "copies-outside-range": "CopyCount lies outside the range of autoscaling (warning).",
        "environment-too-large": "A component's own container has more than 16 variables.",
        "environment-value-too-long": "A variable has more than 1,024 characters.",
        "fixed-name": "A model or endpoint config has a fixed name, and so cannot be replaced.",
        "input-limit-twice": "TGI is told the longest input by both of its names.",
        "isolated-from-weights": "An isolated container is to fetch its weights from the Hub.",
        "lmcache-per-copy": "Copies that share a host take half of its memory each.",
        "memory-missing": "A component has no MinMemoryRequiredInMb.",
        "model-on-variant": "A variant with inference components names a model.",
        "name-taken": "Two inference components have the same name.",
        "over-claimed": "Copies claim more CPU or memory than has been seen accepted (warning up to 90 %).",
        "over-committed": "Copies do not fit the instances of their endpoint.",
        "pool-too-small": "One type of the instance pools alone does not hold all copies (warning).",
        "pool-without-specification": "A component has no specification for a type of its instance pools.",
        "region-without-components": "CloudFormation does not know inference components in the region.",
        "region-without-instance": "An instance type cannot be rented in the region.",
        "role-missing": "The config of an endpoint with inference components has no ExecutionRoleArn.",
        "role-too-wide": "An execution role may do nearly everything in the account.",
        "roll-without-room": "A batch of a rolling update has no room beside the copies that serve (warning).",
        "scaling-range": "MaxInstanceCount is below the instances at the start, or the fewest.",
        "startup-timeout": "A timeout of download or start is outside 60 to 3,600 seconds.",
        "target-mismatch": "ResourceId, dimension and namespace of a scalable target do not belong together.",
        "tensor-parallel-mismatch": "The engine's tensor-parallel degree is not the copy's accelerators.",
        "tensor-parallel-missing": "vLLM has several accelerators and is not told to use them.",
        "token-in-template": "A Hugging Face token stands in the template.",
        "variant-missing": "A component that hosts a model names no variant (warning).",
        "variant-unknown": "A component names a variant that its endpoint does not have.",
        "zero-instances-refused": "MinInstanceCount=0 in a region that has refused it (warning).",
        "zero-keeps-instances": "Copies go to zero, and their instances stay (warning).",
        "zero-without-wake": "Copies go to zero, and no alarm wakes them (warning where a schedule does).",
    }
)
"""Id of each rule, and what is wrong where it is broken."""

CHECKS: tuple[Rule, ...] = (
    access_rules.role_too_wide,
    access_rules.token_in_template,
    adapter_rules.adapter_base,
    adapter_rules.adapter_claims,
    adapter_rules.adapter_prefix,
    component_rules.accelerators_missing,
    component_rules.accelerators_on_cpu,
    component_rules.claims_invalid,
    component_rules.claims_missing,
    component_rules.copies_missing,
    component_rules.environment_entries,
    component_rules.name_taken,
    component_rules.variant_named,
    config_rules.fixed_name,
    config_rules.model_on_variant,
    config_rules.role_missing,
    config_rules.scaling_range,
    config_rules.startup_timeout,
    rolls.batch_size,
    scaling_rules.capacity_range,
    scaling_rules.open_targets,
    scaling_rules.target_mismatch,
    scaling_rules.zero_copies,
    serving_rules.driver,
    serving_rules.environment_values,
    serving_rules.lmcache,
    serving_rules.tensor_parallel,
    weights_rules.input_limit_twice,
    weights_rules.isolated_from_weights,
)
"""Everything but whether the copies fit, at the start, at the ceiling and in a roll, and what a region lacks."""
