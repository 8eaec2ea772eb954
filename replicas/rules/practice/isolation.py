"""What a container can reach, and who reaches its host."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.values import Unknown, at, text_of
from replicas.rules.practice.findings import broken
from replicas.rules.report import Finding
from replicas.rules.weights_rules import is_true
from replicas.template.endpoints import Resource, View, variants_of


def not_isolated(view: View) -> Iterator[Finding]:
    """A model is isolated or in a VPC: itself, or the endpoint config of every endpoint that it serves on."""
    configs: dict[str, list[Resource]] = {}
    for variant in view.variants:
        for component in variant.components:
            for specification in component.specifications:
                if specification.model:
                    configs.setdefault(specification.model.logical_id, []).append(variant.config)
    for model in view.of_type("Model"):
        used_by = configs.get(model.logical_id, [])
        if _is_closed(model) or (used_by and all(map(_is_closed, used_by))):
            continue
        yield broken(
            "not-isolated",
            model.logical_id,
            "no EnableNetworkIsolation and no VpcConfig, on the model or on the endpoint config",
            "EnableNetworkIsolation with weights in S3, or VpcConfig with subnets whose only ways out are endpoints",
        )


def _is_closed(resource: Resource) -> bool:
    isolated = resource.get("EnableNetworkIsolation")
    return is_true(isolated) or isinstance(isolated, Unknown) or resource.get("VpcConfig") is not None


def shell_access(view: View) -> Iterator[Finding]:
    """Nobody has a shell on the host."""
    for config in view.of_type("EndpointConfig"):
        for variant in variants_of(config):
            if is_true(at(variant, "EnableSSMAccess")):
                name = text_of(at(variant, "VariantName"))
                yield broken(
                    "shell-access", config.logical_id, f"EnableSSMAccess on variant {name}", "leave EnableSSMAccess out"
                )
