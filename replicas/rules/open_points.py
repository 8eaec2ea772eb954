"""What a template does not tell and that is therefore not judged, beyond the values of single properties."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.values import Unknown, text_of
from replicas.rules.report import Unresolved
from replicas.template.endpoints import View, variants_of


def open_points(view: View) -> Iterator[Unresolved]:
    """Components whose endpoint, config or variant cannot be found, and resources made by a macro."""
    for logical_id, body in view.template["Resources"].items():
        if str(logical_id).startswith("Fn::"):
            yield Unresolved(str(logical_id), "not judged: its resources are made by a macro at the deployment")
        elif not isinstance(body, dict):
            yield Unresolved(str(logical_id), "not judged: it is no resource")
    placed = {component.logical_id for variant in view.variants for component in variant.components}
    for component in view.components:
        if component.is_adapter or component.logical_id in placed:
            continue
        wanted = component.resource.get("EndpointName") or component.resource.get("EndpointArn")
        if component.endpoint is None:
            yield _open(component.logical_id, "endpoint", wanted)
        elif not variants_of(config := view.config_of(component.endpoint)):
            variants = config.get("ProductionVariants") if config else None
            given = variants if config else component.endpoint.get("EndpointConfigName")
            yield _open(component.endpoint.logical_id, "endpoint config with variants", given)
        elif not isinstance(component.variant_name, str):
            yield _open(component.logical_id, "variant", component.variant_name)


def _open(logical_id: str, name: str, given: object) -> Unresolved:
    why = "it is not in the template"
    parameters: tuple[str, ...] = ()
    if isinstance(given, Unknown):
        why, parameters = given.why, given.parameters
    elif given is None:
        why = "it is not given"
    shown = f" {text_of(given)}" if isinstance(given, str) else ""
    return Unresolved(
        logical_id, f"the {name}{shown} is not known ({why}): whether all copies fit is not judged", parameters
    )
