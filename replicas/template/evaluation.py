"""Evaluates the expressions of a template over known and unknown values.

The result is plain data with two additional kinds of leaves. A `Reference` represents a value of a resource in the same
template. An `Unknown` contains the reason why a value is unknown before the deployment, and the parameters on which it
depends. Faults of the template are collected. A faulty expression evaluates to `Unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from replicas.endpoint.values import ANYTHING, Unknown, Value
from replicas.template import parameters as parameter_rules
from replicas.template.conditions import holds
from replicas.template.faults import Evidence, Fault
from replicas.template.functions import FUNCTIONS
from replicas.template.world import World

NO_VALUE = object()
"""Value of `AWS::NoValue`. A property or item with this value is removed."""
LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"

_DEEPEST = 100
"""Maximum nesting of expressions, including references to conditions. `load.DEEPEST` limits template texts to the same
depth.
"""
_MOST_CHARACTERS = 4_000_000
"""Maximum number of characters that all functions of a template may produce together. A template has at most a
million."""


class Evaluator:
    """Evaluates the expressions of one template. The value of each JSON object and list is computed once and cached.

    `parameters` are the values of the template's parameters. `world` supplies values from outside the template. The
    evaluator raises no errors. `faults` contains the faults found so far.
    """

    def __init__(self, template: Mapping[str, Any], *, parameters: Mapping[str, Value], world: World) -> None:
        self.world = world
        self.mappings = section(template, "Mappings")
        self.in_condition = False
        self._parameters = parameters
        self._conditions = section(template, "Conditions")
        self._resources = section(template, "Resources")
        self._transforms = transforms_of(template)
        self._truths: dict[str, bool | Unknown | None] = {}
        """Results of conditions by name. None while a condition is being evaluated, to detect cycles."""
        self._values: dict[int, tuple[Any, Value]] = {}
        """Values of JSON objects and lists, by `id()`. The object is stored with its value, so that Python does not
        reuse the id."""
        self._entries: dict[int, dict[str, Any]] = {}
        """Maps of the section Mappings with string keys, by the `id()` of the original map."""
        self._open: set[int] = set()
        self._characters = 0
        self._faults: dict[Fault, None] = {}

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The distinct faults that were found so far, in order."""
        return tuple(self._faults)

    def resolve(self, expression: Any) -> Value:
        """Evaluate an expression; None for `AWS::NoValue`. Properties and items with this value are removed."""
        value = self.value(expression)
        return None if value is NO_VALUE else value

    def condition(self, name: Any) -> bool | Unknown:
        """Return whether a condition of the template is true; `Unknown` if that depends on unknown values."""
        if not isinstance(name, str) or name not in self._conditions:
            return self.fault(
                f"there is no condition {name!r}",
                f"Template format error: Unresolved condition dependency {name} in the Conditions block of the "
                "template",
                Evidence.DOCUMENTED,
            )
        if name in self._truths:
            known = self._truths[name]
            if known is not None:
                return known
            return self.fault(
                f"condition {name} depends on itself",
                f"Template format error: Circular condition dependency: {name}",
            )
        self._truths[name] = None
        outer, self.in_condition = self.in_condition, True
        try:
            answer = holds(self, self._conditions[name])
        finally:
            self.in_condition = outer
            del self._truths[name]
        self._truths[name] = answer
        return answer

    def rule(self, expression: Any) -> bool | Unknown:
        """Return whether an expression of the section `Rules` is true; `Unknown` if that depends on unknown values."""
        return holds(self, expression, in_rule=True)

    def present(self) -> dict[str, Mapping[str, Any]]:
        """Return the definitions of the resources whose condition is not false."""
        return {
            str(logical_id): definition
            for logical_id, definition in self._resources.items()
            if isinstance(definition, Mapping)
            and ("Condition" not in definition or self.condition(definition["Condition"]) is not False)
        }

    def value(self, expression: Any) -> Value:
        """Evaluate an expression; `NO_VALUE` for `AWS::NoValue`."""
        if isinstance(expression, str):
            return self.world.dynamic_reference(expression) if "{{resolve:" in expression else expression
        if isinstance(expression, int) or not isinstance(expression, Mapping | list | tuple):
            return expression
        known = self._values.get(id(expression))
        if known is not None:
            return known[1]
        value = self.guarded(expression, self._container)
        self._values[id(expression)] = (expression, value)
        return value

    def guarded(self, expression: Any, work: Callable[[Any], Value]) -> Value:
        """Apply `work` to an object or a list. Record a fault if the value contains itself or is nested too deeply."""
        if id(expression) in self._open or len(self._open) > _DEEPEST:
            return self.fault(
                "it is nested too deeply, or contains itself",
                f"Template format error: expressions are nested deeper than {_DEEPEST} levels",
            )
        self._open.add(id(expression))
        try:
            return work(expression)
        finally:
            self._open.discard(id(expression))

    def reference(self, name: str) -> Value:
        """Return the value of a `Ref`."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._parameters:
            return self._parameters[name]
        if name in self._resources:
            return self.resource(name, None)
        if name.startswith("AWS::"):
            return self.world.pseudo_parameter(name)
        return self._unresolved(name, f"{name} is known only at deployment", f"${{{name}}}")

    def resource(self, logical_id: str, attribute: str | None) -> Value:
        """Return the value of an attribute of a resource, or of its `Ref` if `attribute` is None."""
        if logical_id not in self._resources:
            return self._unresolved(logical_id, "Fn::GetAtt does not name a resource of the template", ANYTHING)
        if self.in_condition:
            return self.fault(
                f"a condition cannot use the resource {logical_id}",
                f"Template format error: Unresolved dependencies [{logical_id}]. Cannot reference resources in the "
                "Conditions block of the template",
            )
        return self.world.resource(logical_id, attribute)

    def entries(self, mapping: Mapping[Any, Any]) -> Mapping[str, Any]:
        """Return a map with string keys. YAML reads the key 123456789012 as a number, but CloudFormation does not."""
        known = self._entries.get(id(mapping))
        if known is None:
            known = self._entries[id(mapping)] = {str(key): value for key, value in mapping.items()}
        return known

    def has_extensions(self) -> bool:
        """Return whether the template declares the transform AWS::LanguageExtensions."""
        return LANGUAGE_EXTENSIONS in self._transforms

    def fault(self, why: str, message: str, rule: Evidence = Evidence.ASSUMED, text: str = ANYTHING) -> Unknown:
        """Record a fault of the template. Return `Unknown`, which is the value of the faulty expression."""
        self._faults[Fault(message, rule)] = None
        return Unknown(why, text=text)

    def made(self, text: str) -> Value:
        """Return a text that a function has produced; `Unknown` and a fault if all texts together exceed the limit."""
        return self.charged(len(text)) or text

    def charged(self, characters: int) -> Unknown | None:
        """Count characters before a function produces them; `Unknown` if the total exceeds the limit, else None."""
        self._characters += characters
        if self._characters <= _MOST_CHARACTERS:
            return None
        return self.fault(
            "the functions of the template produce too much text",
            f"Template error: functions produce more than {_MOST_CHARACTERS} characters",
        )

    def _unresolved(self, name: str, why: str, text: str) -> Unknown:
        return self.fault(
            why,
            f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template",
            text=text,
        )

    def _container(self, expression: Any) -> Value:
        if not isinstance(expression, Mapping):
            return [item for item in map(self.value, expression) if item is not NO_VALUE]
        functions = [key for key in expression if isinstance(key, str) and (key == "Ref" or key.startswith("Fn::"))]
        if not functions:
            pairs = ((str(key), self.value(item)) for key, item in expression.items())
            return {key: item for key, item in pairs if item is not NO_VALUE}
        name = functions[0]
        merged = [key for key in functions if key == "Fn::Transform" or key.startswith("Fn::ForEach::")]
        if merged:  # its result is merged into the sibling keys
            return self.world.other_function(merged[0])
        if len(expression) > 1:
            return self.fault(
                f"{name} is not the only key of its object",
                f"Template format error: {name} must be the only key of its object",
            )
        function = FUNCTIONS.get(name)
        return self.world.other_function(name) if function is None else function(self, expression[name])


class Resolver(Evaluator):
    """Evaluates a template for an optional region and parameter values. Missing parameters have their defaults."""

    def __init__(self, template: Mapping[str, Any], *, region: str | None, parameters: Mapping[str, Any]) -> None:
        values = {
            name: parameter_rules.value_without_account(name, declaration, parameters)
            for name, declaration in parameter_rules.declarations(template).items()
        }
        super().__init__(template, parameters=values, world=World(region))

    def reference(self, name: str) -> Value:
        """Return the value of a `Ref`. Record a fault if the default of the parameter is not a scalar."""
        value = super().reference(name)
        return self.fault(f"the default of {name} is not a text", value.message) if isinstance(value, Fault) else value


def section(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a section of a template; empty if it is absent or not an object."""
    content = template.get(name)
    return content if isinstance(content, Mapping) else {}


def transforms_of(template: Mapping[str, Any]) -> list[str]:
    """Return the names of the transforms that a template declares."""
    declared = template.get("Transform") or []
    return [str(transform) for transform in declared] if isinstance(declared, list) else [str(declared)]
