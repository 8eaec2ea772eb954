"""Rules about what an inference component itself says: claims, copies, names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from replicas.endpoint.values import ANYTHING, Unknown, at, number_of, text_of
from replicas.rules.demands import has_no_accelerators, instance_type_of
from replicas.rules.report import Finding
from replicas.template.endpoints import Component, Specification, View, variants_of

_LEAST_CPUS = Fraction(1, 4)
_LEAST_MEMORY_MIB = 128
_MOST_VARIABLES = 16
_GPU_SERVERS = ("tgi", "vllm", "djl-inference", "sglang")


def claims_missing(view: View) -> Iterator[Finding]:
    """A base component needs ComputeResourceRequirements, and in it the memory."""
    for component, specification in _base_specifications(view):
        if specification.compute is None:
            yield Finding(
                "claims-missing",
                component.logical_id,
                "no ComputeResourceRequirements",
                "a component without BaseInferenceComponentName hosts a model, and SageMaker must know what it needs",
                "ComputeResourceRequirements with MinMemoryRequiredInMb and NumberOfAcceleratorDevicesRequired",
            )
        elif at(specification.compute, "MinMemoryRequiredInMb") is None:
            yield Finding(
                "memory-missing",
                component.logical_id,
                "no MinMemoryRequiredInMb",
                "CloudFormation calls it optional, CreateInferenceComponent requires it",
                "MinMemoryRequiredInMb=1024 or more: it is a reservation, not a cap",
            )


def claims_invalid(view: View) -> Iterator[Finding]:
    """Accelerators are whole and at least 1, CPUs at least 0.25, memory whole and at least 128 MiB."""
    for component, specification in _base_specifications(view):
        accelerators = number_of(at(specification.compute, "NumberOfAcceleratorDevicesRequired"))
        if isinstance(accelerators, Fraction) and (accelerators < 1 or accelerators.denominator != 1):
            yield Finding(
                "accelerators-not-whole",
                component.logical_id,
                f"NumberOfAcceleratorDevicesRequired={float(accelerators):g}",
                "a copy holds whole accelerators, at least 1, for itself",
                "a whole number from 1 up, or leave it out on CPU instances",
            )
        cpus = number_of(at(specification.compute, "NumberOfCpuCoresRequired"))
        if isinstance(cpus, Fraction) and cpus < _LEAST_CPUS:
            yield Finding(
                "claim-too-small",
                component.logical_id,
                f"NumberOfCpuCoresRequired={float(cpus):g}",
                "SageMaker takes 0.25 cores or more",
                "NumberOfCpuCoresRequired=0.25 or more, or leave it out",
            )
        memory = number_of(at(specification.compute, "MinMemoryRequiredInMb"))
        if isinstance(memory, Fraction) and (memory < _LEAST_MEMORY_MIB or memory.denominator != 1):
            yield Finding(
                "claim-too-small",
                component.logical_id,
                f"MinMemoryRequiredInMb={float(memory):g}",
                "SageMaker takes whole MiB, 128 or more",
                "MinMemoryRequiredInMb=128 or more",
            )


def accelerators_on_cpu(view: View) -> Iterator[Finding]:
    """A CPU instance has no accelerator to claim."""
    for variant in view.variants:
        instance_type = instance_type_of(variant)
        if instance_type is None or not has_no_accelerators(instance_type):
            continue
        for component, specification in _specifications(variant.components):
            accelerators = number_of(at(specification.compute, "NumberOfAcceleratorDevicesRequired"))
            if isinstance(accelerators, Fraction) and accelerators > 0:
                yield Finding(
                    "accelerators-on-cpu",
                    component.logical_id,
                    f"NumberOfAcceleratorDevicesRequired={float(accelerators):g} on {instance_type}",
                    f"{instance_type} has no accelerators, so no copy can be placed",
                    "leave NumberOfAcceleratorDevicesRequired out, or take an instance type with accelerators",
                )


def accelerators_missing(view: View) -> Iterator[Finding]:
    """An LLM server made for GPUs gets none where none is claimed."""
    for component, specification in _base_specifications(view):
        repository, tag = specification.container.repository, specification.container.tag or ""
        if not repository or not any(name in repository for name in _GPU_SERVERS) or "cpu" in tag or "neuron" in tag:
            continue
        if specification.compute is None or isinstance(specification.compute, Unknown):
            continue
        if at(specification.compute, "NumberOfAcceleratorDevicesRequired") is None:
            yield Finding(
                "accelerators-missing",
                component.logical_id,
                f"no NumberOfAcceleratorDevicesRequired for the image {repository}",
                "the copy is given no GPU, and the server in this image ends without one",
                "NumberOfAcceleratorDevicesRequired=1 or more",
                certain=False,
            )


def copies_missing(view: View) -> Iterator[Finding]:
    """A base component is created with 1 copy or more."""
    for component in _base_components(view):
        given = component.resource.get("RuntimeConfig", "CopyCount")
        copies = number_of(given)
        if given is None:
            yield Finding(
                "copies-missing",
                component.logical_id,
                "no RuntimeConfig with a CopyCount",
                "SageMaker cannot tell how many copies to place",
                "RuntimeConfig with CopyCount=1 or more",
            )
        elif isinstance(copies, Fraction) and (copies < 1 or copies.denominator != 1):
            yield Finding(
                "copies-below-one",
                component.logical_id,
                f"CopyCount={float(copies):g}",
                "the schema lets 0 pass, but SageMaker creates no component with fewer than 1 copy",
                "CopyCount=1 or more; autoscaling can take it to 0 afterwards",
            )


def variant_named(view: View) -> Iterator[Finding]:
    """A base component names a variant, one that its endpoint has."""
    for component in _base_components(view):
        if component.variant_name is None:
            yield Finding(
                "variant-missing",
                component.logical_id,
                "no VariantName",
                "only an adapter takes the variant of its base component; a base component has to name it",
                "VariantName of the endpoint's production variant",
                certain=False,
            )
    for endpoint in view.of_type("Endpoint"):
        config = view.config_of(endpoint)
        names = [text_of(at(variant, "VariantName")) for variant in variants_of(config)]
        if not names or any("${" in name for name in names):
            continue
        for component in _base_components(view):
            wanted = component.variant_name
            if component.endpoint is endpoint and isinstance(wanted, str) and wanted not in names:
                yield Finding(
                    "variant-unknown",
                    component.logical_id,
                    f"VariantName={wanted!r}; the endpoint has {', '.join(map(repr, names))}",
                    "no instance belongs to that variant, so SageMaker refuses the component",
                    f"VariantName={names[0]!r}",
                )


def name_taken(view: View) -> Iterator[Finding]:
    """Two components cannot have one name."""
    owners: dict[str, str] = {}
    for component in view.components:
        given = component.resource.get("InferenceComponentName")
        name = text_of(given)
        # With conditions that are not known the two may never exist together.
        if given is None or ANYTHING in name or component.resource.condition is not None:
            continue
        if name in owners:
            yield Finding(
                "name-taken",
                component.logical_id,
                f"InferenceComponentName={name!r} is also the name of {owners[name]}",
                "a name belongs to one component of the account and region; the second is refused",
                "another name, or none",
            )
        owners.setdefault(name, component.logical_id)


def environment_entries(view: View) -> Iterator[Finding]:
    """A component's own container takes 16 variables."""
    for component, specification in _specifications(view.components):
        entries = specification.own_environment
        if isinstance(entries, Mapping) and len(entries) > _MOST_VARIABLES:
            yield Finding(
                "environment-too-large",
                component.logical_id,
                f"Container.Environment has {len(entries)} entries",
                f"a component's own container takes {_MOST_VARIABLES}",
                "the environment on an AWS::SageMaker::Model, which takes 100",
            )


def _base_components(view: View) -> list[Component]:
    return [component for component in view.components if not component.is_adapter]


def _base_specifications(view: View) -> Iterator[tuple[Component, Specification]]:
    return _specifications(_base_components(view))


def _specifications(components: Iterable[Component]) -> Iterator[tuple[Component, Specification]]:
    for component in components:
        for specification in component.specifications:
            yield component, specification
