"""Evaluation of a template's expressions over known and unknown values.

The result is plain data with two kinds of leaves that are not: a `Reference` to a resource of the same template, and an
`Unknown`, which says why the value is not known before the deployment and which parameters would tell it. Faults of
the template are collected as data; the value of a faulty expression is `Unknown`.
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
"""`AWS::NoValue`: the property or item that holds it is left out."""
LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"

_DEEPEST = 100
"""Levels of nesting that are evaluated, through conditions too; texts are read as deep."""
_MOST_CHARACTERS = 10_000_000
"""Characters that the functions of a template may make in all; a template has at most a million."""


class Evaluator:
    """Evaluates the expressions of one template, each container once.

    `parameters` are the values of the template's parameters, `world` is what lies outside of the template. Raises
    nothing by itself; `faults` holds the faults met so far.
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
        """Conditions that were evaluated; None while one is."""
        self._values: dict[int, tuple[Any, Value]] = {}
        """Containers that were evaluated by their ids, kept so that an id stays theirs."""
        self._open: set[int] = set()
        self._characters = 0
        self._faults: dict[Fault, None] = {}

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The distinct faults that evaluation has met, in order."""
        return tuple(self._faults)

    def resolve(self, expression: Any) -> Value:
        """The value of an expression; a property or item with `AWS::NoValue` is left out, alone it becomes None."""
        value = self.value(expression)
        return None if value is NO_VALUE else value

    def condition(self, name: Any) -> bool | Unknown:
        """Whether a condition of the template holds."""
        if not isinstance(name, str) or name not in self._conditions:
            return self.fault(
                f"there is no condition {name!r}",
                f"Template format error: Unresolved condition dependency {name} in the Conditions block of the "
                "template",
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
        """Whether an expression of the section `Rules` holds."""
        return holds(self, expression, in_rule=True)

    def present(self) -> dict[str, Mapping[str, Any]]:
        """The definitions of the resources whose condition is not false."""
        return {
            str(logical_id): definition
            for logical_id, definition in self._resources.items()
            if isinstance(definition, Mapping)
            and ("Condition" not in definition or self.condition(definition["Condition"]) is not False)
        }

    def value(self, expression: Any) -> Value:
        """The value of an expression; `NO_VALUE` for `AWS::NoValue`."""
        if isinstance(expression, str) and "{{resolve:" in expression:
            return self.world.dynamic_reference(expression)
        if not isinstance(expression, Mapping | list | tuple):
            return expression
        known = self._values.get(id(expression))
        if known is not None:
            return known[1]
        value = self.guarded(expression, self._container)
        self._values[id(expression)] = (expression, value)
        return value

    def guarded(self, expression: Any, work: Callable[[Any], Value]) -> Value:
        """Work on a container, unless it lies in itself or too deep."""
        if id(expression) in self._open or len(self._open) > _DEEPEST:
            return self.fault(
                "it is nested too deeply, or in itself",
                f"Template format error: expressions are nested deeper than {_DEEPEST} levels",
            )
        self._open.add(id(expression))
        try:
            return work(expression)
        finally:
            self._open.discard(id(expression))

    def reference(self, name: str) -> Value:
        """The value of a `Ref`."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._parameters:
            return self._parameters[name]
        if name in self._resources:
            return self.resource(name, None)
        if name.startswith("AWS::"):
            return self.world.pseudo_parameter(name)
        return self._unresolved(name, f"{name} is known at the deployment", f"${{{name}}}")

    def resource(self, logical_id: str, attribute: str | None) -> Value:
        """The `Ref` or an attribute of a resource."""
        if logical_id not in self._resources:
            return self._unresolved(logical_id, "Fn::GetAtt names no resource of the template", ANYTHING)
        if self.in_condition:
            return self.fault(
                f"a condition cannot use the resource {logical_id}",
                f"Template format error: Unresolved dependencies [{logical_id}]. Cannot reference resources in the "
                "Conditions block of the template",
            )
        return self.world.resource(logical_id, attribute)

    def has_extensions(self) -> bool:
        """Whether the template declares the transform AWS::LanguageExtensions."""
        return LANGUAGE_EXTENSIONS in self._transforms

    def fault(self, why: str, message: str, rule: Evidence = Evidence.ASSUMED, text: str = ANYTHING) -> Unknown:
        """Note a fault of the template; the value that stands for the faulty expression."""
        self._faults[Fault(message, rule)] = None
        return Unknown(why, text=text)

    def made(self, text: str) -> Value:
        """A text that a function has made, within the budget of the template."""
        self._characters += len(text)
        if self._characters <= _MOST_CHARACTERS:
            return text
        return self.fault(
            "the functions of the template make too long texts",
            f"Template error: functions make more than {_MOST_CHARACTERS} characters",
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
        if len(expression) > 1:
            return self.fault(
                f"{name} has other keys beside it",
                f"Template format error: {name} must be the only key of its object",
            )
        function = FUNCTIONS.get(name)
        return self.world.other_function(name) if function is None else function(self, expression[name])


class Resolver(Evaluator):
    """An evaluator of what a template alone tells, for a region and values of parameters in place of defaults."""

    def __init__(self, template: Mapping[str, Any], *, region: str | None, parameters: Mapping[str, Any]) -> None:
        values = {
            name: parameter_rules.value_without_account(name, declaration, parameters)
            for name, declaration in parameter_rules.declarations(template).items()
        }
        super().__init__(template, parameters=values, world=World(region))

    def reference(self, name: str) -> Value:
        """The value of a `Ref`; a default that is no scalar is a fault."""
        value = super().reference(name)
        return self.fault(f"the default of {name} is no text", value.message) if isinstance(value, Fault) else value


def section(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section of a template; empty where it is absent or no object."""
    content = template.get(name)
    return content if isinstance(content, Mapping) else {}


def transforms_of(template: Mapping[str, Any]) -> list[str]:
    """The transforms that a template declares."""
    declared = template.get("Transform") or []
    return [str(each) for each in declared] if isinstance(declared, list) else [str(declared)]
