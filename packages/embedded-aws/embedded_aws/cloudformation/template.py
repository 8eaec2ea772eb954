"""CloudFormation templates: the submitted text, and its content as `replicas.template` parses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from embedded_aws.cloudformation.errors import invalid, refusal_of, refuse
from embedded_aws.evidence import ASSUMED, LIMIT
from replicas.errors import TemplateTextError
from replicas.template.evaluation import LANGUAGE_EXTENSIONS, transforms_of
from replicas.template.load import fault_of, read_text
from replicas.template.structure import format_faults


@dataclass(frozen=True)
class Template:
    """A parsed template."""

    body: str
    content: dict[str, Any] = field(default_factory=dict)

    def section(self, name: str) -> dict[str, Any]:
        """Return a top-level section by name; empty if the template does not have it."""
        return cast("dict[str, Any]", self.content.get(name) or {})

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Definitions of all resources by logical id, including those whose condition is false."""
        return self.section("Resources")

    @property
    def description(self) -> str | None:
        """The Description of the template."""
        return self.content.get("Description")

    @property
    def transforms(self) -> list[str]:
        """Names of the transforms that the template declares."""
        return transforms_of(self.content)

    @property
    def types(self) -> list[str]:
        """The resource types without duplicates, in order of appearance."""
        return list(dict.fromkeys(str(definition["Type"]) for definition in self.resources.values()))


def read(body: str) -> Template:
    """Parse a template. Refuses format errors and unsupported transforms."""
    try:
        content = read_text(body, aliases=False)
    except TemplateTextError as error:
        raise refusal_of(fault_of(error)) from None
    if not isinstance(content, dict):
        raise invalid("Template format error: unsupported structure.", ASSUMED)
    template = Template(body, content)
    refuse(format_faults(content))
    foreign = [name for name in template.transforms if name != LANGUAGE_EXTENSIONS]
    if foreign:
        raise invalid(f"The embedded AWS has no transform {', '.join(foreign)}; it has {LANGUAGE_EXTENSIONS}.", LIMIT)
    return template
