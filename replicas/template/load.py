"""Reads CloudFormation templates: JSON, or YAML, in which short forms of functions (`!Ref`) become long forms.

Limits prevent exponential time or memory: a template has at most `LARGEST_BYTES` bytes, `DEEPEST` levels of nesting,
and `MOST_VALUES` values after its YAML aliases are expanded. Aliases and merge keys are accepted, because `aws
cloudformation package` resolves them before CloudFormation receives the template.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from replicas.errors import ProofError, TemplateTextError, unreadable
from replicas.template.faults import Fault
from replicas.template.terraform.plans import is_plan
from replicas.template.terraform.templates import TerraformTemplate

LARGEST_BYTES = 1_000_000
"""CloudFormation: "Template may not exceed 1000000 bytes in size." """
LARGEST_PLAN_BYTES = 20_000_000
"""Maximum size of a Terraform plan in bytes."""
PLAN_START = b'{"format_version":'
"""Start of the output of `terraform show -json`."""
_ARCHIVE = b"PK"
TOO_LARGE = f"larger than {LARGEST_BYTES} bytes"
ALIASES_REFUSED = "YAML aliases are not allowed in CloudFormation templates"
DEEPEST = 100
"""Maximum levels of nesting. Real templates have about 15."""
MOST_VALUES = 250_000
"""Maximum number of values after expansion, five times the number in the largest template that can be deployed.
cfn-lint has the same limit."""


def load(path: str | Path) -> dict[str, Any]:
    """Return the template in a file. Raises `ProofError` if the file cannot be read or is not a template."""
    return parse(read(path), str(path))


def read(path: str | Path) -> str:
    """Return the text of a file. Raises `ProofError` if the file cannot be read or is too large to be a template."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_BYTES + len(codecs.BOM_UTF8) + 1)
            if content.startswith(PLAN_START):
                content += file.read(LARGEST_PLAN_BYTES + 1 - len(content))
        if content.startswith(_ARCHIVE):
            raise ProofError(
                f"{path}: a binary file; convert a Terraform plan with terraform show -json {path} > plan.json"
            )
        if content.startswith(PLAN_START):
            if len(content) > LARGEST_PLAN_BYTES:
                raise ProofError(f"{path}: a Terraform plan larger than {LARGEST_PLAN_BYTES} bytes")
        elif len(content.removeprefix(codecs.BOM_UTF8)) > LARGEST_BYTES:
            raise ProofError(f"{path}: {TOO_LARGE}")
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as fault:
        if isinstance(fault, ProofError):
            raise
        raise ProofError(f"{path}: cannot be read: {unreadable(fault)}") from fault


def parse(text: str, source: str = "template", *, needs_resources: bool = True) -> dict[str, Any]:
    """Return the template in a text. `source` is the name of the text in error messages.

    Raises `ProofError` if the text is not a template. The CDK omits `Resources` in a stack without resources. Such a
    template is accepted if `needs_resources` is False.
    """
    try:
        content = _plan(text) if text.startswith(PLAN_START.decode()) else read_text(text)
        if is_plan(content):
            return TerraformTemplate(content)
    except (TemplateTextError, ProofError) as fault:
        raise ProofError(f"{source}: {fault}") from fault
    resources = content.get("Resources", None if needs_resources else {}) if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(resources, dict):
        raise ProofError(f"{source}: not a CloudFormation template: it has no section `Resources`")
    return content


def deployed(body: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the template in a GetTemplate response. boto3 returns a JSON template as data and a YAML
    template as text.
    """
    return parse(body, "the deployed template") if isinstance(body, str) else dict(body)


def read_text(text: str, *, aliases: bool = True) -> Any:
    """Return the content of a text: JSON if it starts with a brace, otherwise YAML.

    YAML aliases, which CloudFormation itself refuses, are accepted if `aliases` is True. Raises `TemplateTextError`.
    """
    if len(text.encode(errors="replace")) > LARGEST_BYTES:
        raise TemplateTextError(TOO_LARGE)
    content = _json(text) if text.lstrip().startswith("{") else _yaml(text, aliases=aliases)
    _check_size(content)
    return content


def fault_of(error: TemplateTextError) -> Fault:
    """Convert the error of an unreadable text to a fault with CloudFormation's message."""
    if error.line is not None:
        where = f" (line {error.line}, column {error.column})"
        return Fault(f"Template format error: {error.form} not well-formed.{where}")
    if str(error) == TOO_LARGE:
        return Fault(f"Template may not exceed {LARGEST_BYTES} bytes in size.")
    if str(error) == ALIASES_REFUSED:
        return Fault(f"Template error: {ALIASES_REFUSED}")
    if error.form:
        return Fault(f"Template format error: {error.form} not well-formed.")
    return Fault(f"Template format error: the template is {error}")


def _plan(text: str) -> Any:
    """Return the content of a Terraform plan, which may be larger than a template and has no aliases."""
    content = _json(text)
    _check_size(content, LARGEST_PLAN_BYTES)
    return content


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as fault:
        raise TemplateTextError(
            f"not readable as JSON: {fault}", form="JSON", line=fault.lineno, column=fault.colno
        ) from None
    except (ValueError, RecursionError) as fault:
        raise TemplateTextError(f"not readable as JSON: {_sentence(fault)}", form="JSON") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _yaml(text: str, *, aliases: bool) -> Any:
    import yaml  # imported late, because a synth reads only JSON templates

    from replicas.template.yaml_reader import construct, has_aliases

    try:
        if not aliases and has_aliases(text, deepest=DEEPEST):
            raise TemplateTextError(ALIASES_REFUSED, form="YAML")
        return construct(text, deepest=DEEPEST)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise TemplateTextError(
            f"not readable as YAML: {_sentence(fault)}", form="YAML", line=line, column=column
        ) from None
    # PyYAML does not wrap the errors of its converters: `!!bool maybe` is a KeyError, `!!int x` a ValueError.
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as fault:
        if isinstance(fault, TemplateTextError):
            raise
        raise TemplateTextError(f"not readable as YAML: {_sentence(fault)}", form="YAML") from None


def _sentence(fault: Exception) -> str:
    return " ".join(str(fault).split()) or type(fault).__name__


def _check_size(content: Any, most_values: int = MOST_VALUES) -> None:
    """Refuse content that is nested too deeply, contains itself or expands to too many values. Runs in linear time."""
    sizes: dict[int, tuple[int, int] | None] = {}
    """Number of values and levels of each object or list, by `id()`; None while it is being counted."""
    pending: list[tuple[Any, bool]] = [(content, False)] if isinstance(content, Mapping | list) else []
    while pending:
        value, counted = pending.pop()
        inner = list(value.values()) if isinstance(value, Mapping) else value
        containers = [item for item in inner if isinstance(item, Mapping | list)]
        if counted:
            measured = [size for container in containers if (size := sizes[id(container)])]
            sizes[id(value)] = _checked(
                1 + len(inner) + sum(values for values, _ in measured),
                1 + max((depth for _, depth in measured), default=0),
                most_values,
            )
        elif id(value) not in sizes:
            sizes[id(value)] = None
            pending += [(value, True), *((container, False) for container in containers)]
        elif sizes[id(value)] is None:
            raise TemplateTextError("a YAML alias is inside the value that it refers to", form="YAML")


def _checked(values: int, depth: int, most_values: int) -> tuple[int, int]:
    if depth > DEEPEST:
        raise TemplateTextError(f"nested deeper than {DEEPEST} levels")
    if values > most_values:
        raise TemplateTextError(f"expands to more than {most_values} values")
    return values, depth
