"""Expands `Fn::ForEach` loops (transform AWS::LanguageExtensions) whose collection is known.

    Fn::ForEach::Copies:
      - Name
      - [A, B]
      - Component${Name}: {Type: AWS::SageMaker::InferenceComponent}

The CloudFormation guide allows loops in Conditions, Outputs and Resources, in properties and in other loops. `${Name}`,
`&{Name}` and a `Ref` of the name are replaced by an item; for `&{Name}`, the item without characters other than letters
and digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from replicas.endpoint.values import Unknown, text_of, unknown_from
from replicas.errors import ProofError
from replicas.template.evaluation import Evaluator

LOOP = "Fn::ForEach::"
"""Prefix of the key of a loop."""
MOST_CHARACTERS = 1_000_000
"""Maximum number of characters that all loops of a template may produce. The size quota "applies to the resultant
template" (CloudFormation guide, Fn::ForEach), and each value has at least one character."""
_SECTIONS = ("Conditions", "Resources", "Outputs")
_PLACEHOLDER = re.compile(r"(?P<mark>[$&])\{(?P<name>[^{}]+)\}")
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]")


def without_loops(template: Mapping[str, Any], evaluator: Evaluator) -> Mapping[str, Any]:
    """Return the template with its loops expanded. A loop over an unknown collection is not changed.

    Returns the template itself if it does not declare the transform. Raises `ProofError` if the loops produce more than
    `MOST_CHARACTERS` characters.
    """
    if not evaluator.has_extensions():
        return template
    writer = _Writer(evaluator)
    return {name: writer.write(content, {}) if name in _SECTIONS else content for name, content in template.items()}


def collection_of(loop: Any, evaluator: Evaluator) -> list[str] | Unknown:
    """Return the items of a loop; `Unknown` if they are unknown or the loop is malformed."""
    if not isinstance(loop, list) or len(loop) != 3 or not isinstance(loop[0], str) or not isinstance(loop[2], Mapping):
        return Unknown("a loop needs an identifier, a collection and an object")
    items = evaluator.resolve(loop[1])
    if isinstance(items, list) and all(isinstance(item, str | int | float) for item in items):
        return [text_of(item) for item in items]
    open_items = [item for item in (items if isinstance(items, list) else [items]) if isinstance(item, Unknown)]
    return unknown_from(open_items) if open_items else Unknown("the collection of the loop is not a list of texts")


class _Writer:
    """Expands the loops of one template."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._characters = 0

    def write(self, value: Any, items: Mapping[str, str]) -> Any:
        """Return a value with its loops expanded. `items` are the current items of the enclosing loops,
        by identifier.
        """
        if isinstance(value, str):
            return self._made(value, items)
        if isinstance(value, list):
            return [self.write(item, items) for item in value]
        if not isinstance(value, Mapping):
            self._made("", items)
            return value
        if len(value) == 1 and isinstance(name := value.get("Ref"), str) and name in items:
            return items[name]
        written: dict[Any, Any] = {}
        for key, inner in value.items():
            if isinstance(key, str) and key.startswith(LOOP):
                written.update(self._loop(key, inner, items))
            else:
                written[self._made(key, items) if isinstance(key, str) else key] = self.write(inner, items)
        return written

    def _loop(self, key: str, loop: Any, items: Mapping[str, str]) -> dict[Any, Any]:
        collection = (
            [loop[0], self.write(loop[1], items), loop[2]] if isinstance(loop, list) and len(loop) == 3 else loop
        )
        values = collection_of(collection, self._evaluator)
        if isinstance(values, Unknown):
            return {self._made(key, items): loop}
        written: dict[Any, Any] = {}
        for item in values:
            self._made("", {loop[0]: item})
            written.update(self.write(loop[2], {**items, loop[0]: item}))
        return written

    def _made(self, text: str, items: Mapping[str, str]) -> str:
        """Replace the identifiers of the enclosing loops in a text by their current items."""
        if not items:
            return text
        made = _PLACEHOLDER.sub(lambda match: _item(match, items), text)
        self._characters += max(1, len(made))
        if self._characters > MOST_CHARACTERS:
            raise ProofError(f"the template's loops expand to more than {MOST_CHARACTERS} characters")
        return made


def _item(match: re.Match[str], items: Mapping[str, str]) -> str:
    item = items.get(match["name"])
    if item is None:
        return match[0]
    return item if match["mark"] == "$" else _NOT_ALPHANUMERIC.sub("", item)
