"""Templates as stacks hold them: the text, and its content as `replicas.template` reads it."""

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
    """A template that was read."""

    body: str
    content: dict[str, Any] = field(default_factory=dict)

    def section(self, name: str) -> dict[str, Any]:
        """A section by name, empty where the template has none."""
        return cast("dict[str, Any]", self.content.get(name) or {})

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources' definitions by logical id, also those whose condition is false."""
        return self.section("Resources")

    @property
    def description(self) -> str | None:
        """The template's own description."""
        return self.content.get("Description")

    @property
    def transforms(self) -> list[str]:
        """The transforms that it declares."""
        return transforms_of(self.content)

    @property
    def types(self) -> list[str]:
        """Each type of resource once, in the order of appearance."""
        return list(dict.fromkeys(str(definition["Type"]) for definition in self.resources.values()))


def read(body: str) -> Template:
    """Read a template and refuse one with faults of format."""
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
