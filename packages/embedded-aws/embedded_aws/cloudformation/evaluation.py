"""Evaluation of a template for a stack: the evaluator of `replicas.template`, whose faults are refusals here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.cloudformation.errors import invalid, refuse
from embedded_aws.cloudformation.template import Template
from embedded_aws.evidence import ASSUMED, LIMIT
from replicas.endpoint.values import Unknown
from replicas.template.evaluation import Evaluator
from replicas.template.world import World

Lookup = Callable[[str, str | None], Any]


class StackWorld(World):
    """What is known while a stack is deployed: every pseudo parameter, its resources and the exports of others.

    `lookup` gives a resource's Ref (no attribute) or attribute, `imported` an export's value by its name.
    """

    def __init__(self, pseudo: Mapping[str, Any], *, lookup: Lookup, imported: Callable[[str], str]) -> None:
        super().__init__(str(pseudo["AWS::Region"]))
        self._pseudo = pseudo
        self._lookup = lookup
        self._imported = imported

    def pseudo_parameter(self, name: str) -> Any:
        """The value of a pseudo parameter."""
        return self._pseudo[name] if name in self._pseudo else self._lookup(name, None)

    def resource(self, logical_id: str, attribute: str | None) -> Any:
        """The Ref or an attribute of a resource."""
        return self._lookup(logical_id, attribute)

    def export(self, name: Any) -> Any:
        """The value of another stack's export."""
        return self._imported(name)

    def zones(self, region: Any) -> list[str]:
        """Three zones in each region."""
        return [f"{region}{letter}" for letter in "abc"]

    def dynamic_reference(self, text: str) -> str:
        """The reference as written: it is looked up when a resource is made."""
        return text

    def other_function(self, name: str) -> Any:
        """Refuse a function that is not evaluated."""
        raise invalid(f"Template error: the embedded AWS does not know the function {name}", LIMIT)


class Evaluation:
    """Values of a template's expressions; the first fault that is met refuses the request."""

    def __init__(self, template: Template, parameters: Mapping[str, Any], world: StackWorld) -> None:
        self._evaluator = Evaluator(template.content, parameters=parameters, world=world)

    def value(self, expression: Any) -> Any:
        """The value of an expression; a part with `AWS::NoValue` is left out."""
        value = self._evaluator.resolve(expression)
        refuse(self._evaluator.faults)
        return value

    def present(self) -> dict[str, Mapping[str, Any]]:
        """The resources whose condition holds."""
        definitions = self._evaluator.present()
        refuse(self._evaluator.faults)
        return definitions

    def condition(self, name: Any) -> bool:
        """Whether a condition of the template holds."""
        return self._decided(self._evaluator.condition(name))

    def rule(self, expression: Any) -> bool:
        """Whether an expression of a rule holds."""
        return self._decided(self._evaluator.rule(expression))

    def _decided(self, answer: bool | Unknown) -> bool:
        refuse(self._evaluator.faults)
        if isinstance(answer, Unknown):
            raise invalid(f"Template error: a condition cannot be evaluated: {answer.why}", ASSUMED)
        return answer
