"""Finds the lines in which a template file declares its resources, parameters and outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SECTIONS = ("Resources", "Parameters", "Outputs")
_TOKEN = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"(?P<key>\s*:)?|(?P<open>[{\[])|(?P<close>[}\]])', re.DOTALL)
_MEMBER, _SECTION = 2, 1
"""Levels of nesting of a member and of a section."""


def lines_of(text: str) -> Mapping[str, int]:
    """Return the line (from 1) of each resource, parameter and output, by name.

    If a resource and a parameter or output have the same name, the line is the line of the resource. Names with escapes
    are omitted. Any text is accepted; unreadable members have no line.
    """
    by_section = _of_json(text) if text.lstrip().startswith("{") else _of_yaml(text)
    return {name: line for section in reversed(_SECTIONS) for name, line in by_section.get(section, {}).items()}


def _of_json(text: str) -> dict[str, dict[str, int]]:
    lines: dict[str, dict[str, int]] = {}
    depth, line, counted, section = 0, 1, 0, ""
    for token in _TOKEN.finditer(text):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
        elif token["key"] and depth == _SECTION:
            section = token["text"]
        elif token["key"] and depth == _MEMBER and section in _SECTIONS:
            line += text.count("\n", counted, token.start())
            counted = token.start()
            lines.setdefault(section, {})[token["text"]] = line
    return lines


def _of_yaml(text: str) -> dict[str, dict[str, int]]:
    import yaml  # imported late, because a synth reads only JSON templates

    from replicas.template.yaml_reader import TemplateLoader

    lines: dict[str, dict[str, int]] = {}
    section, is_key, depths = "", True, [""]
    """`depths` holds the kind of each open collection; `is_key` says whether the next value of a mapping is a key."""
    try:
        for event in yaml.parse(text, Loader=TemplateLoader):
            inside_mapping = depths[-1] == "mapping"
            if isinstance(event, yaml.CollectionEndEvent):
                depths.pop()
                is_key = True
                continue
            if isinstance(event, yaml.ScalarEvent) and inside_mapping and is_key:
                depth = len(depths) - 1
                if depth == _SECTION:
                    section = event.value
                elif depth == _MEMBER and section in _SECTIONS and event.start_mark:
                    lines.setdefault(section, {})[event.value] = event.start_mark.line + 1
            if isinstance(event, yaml.CollectionStartEvent):
                depths.append("mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence")
                is_key = True
            elif isinstance(event, yaml.NodeEvent) and inside_mapping:
                is_key = not is_key
    except yaml.YAMLError:
        return lines
    return lines
