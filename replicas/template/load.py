"""A CloudFormation template from a file: JSON, or YAML with short forms (`!Ref`) turned into long ones."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from replicas.errors import ProofError

_WITHOUT_PREFIX = ("Ref", "Condition")
"""Short forms whose long form has no `Fn::` before it."""

_DEEPEST = 100
"""Levels of nesting that are read; templates have about 15."""


def load(path: str | Path) -> dict[str, Any]:
    """The template in a file. Raises `ProofError` where there is none."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as fault:
        raise ProofError(f"{path}: cannot be read: {getattr(fault, 'strerror', None) or fault}") from fault
    return parse(text, str(path))


def parse(text: str, source: str = "template") -> dict[str, Any]:
    """The template in a text; `source` names it in errors. Raises `ProofError` where there is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as fault:
        content = _parse_yaml(text, source, fault)
    if not isinstance(content, dict) or not isinstance(content.get("Resources"), dict):
        raise ProofError(f"{source}: not a CloudFormation template: it has no section `Resources`")
    return content


def _parse_yaml(text: str, source: str, json_fault: Exception) -> Any:
    import yaml  # only here: a synth, whose templates are JSON, does not wait for it

    try:
        # The fast loader recurses in C: what is nested absurdly deep would end the process, not the reading.
        depth = 0
        for event in yaml.parse(text, Loader=_loader()):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise RecursionError(f"nested deeper than {_DEEPEST} levels")
        return yaml.load(text, Loader=_loader())  # noqa: S506, a safe loader with tags of its own
    # PyYAML lets the errors of its converters through: `!!bool maybe` is a KeyError, `!!int x` a ValueError.
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as fault:
        form, shown = ("JSON", json_fault) if text.lstrip().startswith("{") else ("YAML", fault)
        sentence = " ".join(str(shown).split()) or type(shown).__name__
        raise ProofError(f"{source}: not readable as {form}: {sentence}") from fault


@cache
def _loader() -> Any:
    import yaml

    loader: Any = type("TemplateLoader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    loader.add_multi_constructor("!", _long_form)
    # `AWSTemplateFormatVersion: 2010-09-09` is a text to CloudFormation, not a date.
    loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))
    return loader


def _long_form(loader: Any, tag: str, node: Any) -> dict[str, Any]:
    if node.id == "scalar":
        value = loader.construct_scalar(node)
    elif node.id == "sequence":
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in _WITHOUT_PREFIX else f"Fn::{tag}": value}
