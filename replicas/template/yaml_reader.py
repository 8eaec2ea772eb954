"""Reader of CloudFormation's YAML: no timestamps, short forms of functions, limited aliases and merge keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from replicas.errors import TemplateTextError

MOST_MERGED_PAIRS = 100_000
"""Maximum number of keys that merges (`<<`) may copy in a template."""

_WITHOUT_PREFIX = ("Ref", "Condition")
"""Short forms whose long form has no prefix `Fn::`."""
_MERGE = "tag:yaml.org,2002:merge"
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def construct(text: str, *, deepest: int) -> Any:
    """Return the content of a YAML text.

    Raises the errors of PyYAML and of its converters, and `TemplateTextError` if a limit is exceeded.
    """
    # The C loader recurses: content that is nested too deeply would crash the process, so it is checked first.
    for _ in _events(text, deepest):
        pass
    return yaml.load(text, Loader=TemplateLoader)  # noqa: S506, a safe loader with tags of its own


def has_aliases(text: str, *, deepest: int) -> bool:
    """Return whether a YAML text uses an alias. Raises the same errors as `construct`."""
    return any(isinstance(event, yaml.AliasEvent) for event in _events(text, deepest))


def _events(text: str, deepest: int) -> Iterator[yaml.Event]:
    depth = 0
    for event in yaml.parse(text, Loader=TemplateLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > deepest:
            raise TemplateTextError(f"not readable as YAML: nested deeper than {deepest} levels", form="YAML")
        yield event


class TemplateLoader(_BASE):  # type: ignore[misc]
    """A safe loader with CloudFormation's short forms."""

    merged_pairs = 0

    def flatten_mapping(self, node: Any) -> None:
        """Resolve the merge keys of a mapping: its own keys win, then the first merged mapping that has a key."""
        merged = [value for key, value in node.value if key.tag == _MERGE]
        if merged:
            own = [pair for pair in node.value if pair[0].tag != _MERGE]
            sources = [source for value in merged for source in (value.value if value.id == "sequence" else [value])]
            pairs: dict[Any, Any] = {}
            for source in reversed(sources):
                if source.id != "mapping":
                    raise yaml.constructor.ConstructorError(None, None, "a merge needs a mapping", source.start_mark)
                self.flatten_mapping(source)
                self.merged_pairs += len(source.value)
                if self.merged_pairs > MOST_MERGED_PAIRS:
                    raise TemplateTextError(f"its merge keys copy more than {MOST_MERGED_PAIRS} keys", form="YAML")
                pairs.update(_by_key(source.value))
            node.value = list({**pairs, **_by_key(own)}.values())
        super().flatten_mapping(node)


def _by_key(pairs: Any) -> dict[Any, Any]:
    return {(key.tag, key.value) if isinstance(key.value, str) else id(key): (key, value) for key, value in pairs}


def _long_form(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    if node.id == "scalar":
        value = loader.construct_scalar(node)
    elif node.id == "sequence":
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in _WITHOUT_PREFIX else f"Fn::{suffix}": value}


TemplateLoader.add_multi_constructor("!", _long_form)
# `AWSTemplateFormatVersion: 2010-09-09` is a text to CloudFormation, not a date.
TemplateLoader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))
