"""Evaluation of a template for a stack: uses the evaluator of `replicas.template` and raises its faults as errors."""

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
    """The values available during a deployment: pseudo parameters, the stack's resources and other stacks' exports.

    `lookup` returns a resource's Ref (no attribute) or an attribute; `imported` returns an export's value by its name.
    """

    def __init__(self, pseudo: Mapping[str, Any], *, lookup: Lookup, imported: Callable[[str], str]) -> None:
        super().__init__(str(pseudo["AWS::Region"]))
        self._pseudo = pseudo
        self._lookup = lookup
        self._imported = imported

    def pseudo_parameter(self, name: str) -> Any:
        """Return the value of a pseudo parameter."""
        return self._pseudo[name] if name in self._pseudo else self._lookup(name, None)

    def resource(self, logical_id: str, attribute: str | None) -> Any:
        """Return the Ref or an attribute of a resource."""
        return self._lookup(logical_id, attribute)

    def export(self, name: Any) -> Any:
        """Return the value of another stack's export."""
        return self._imported(name)

    def zones(self, region: Any) -> list[str]:
        """Return three availability zones for every region."""
        return [f"{region}{letter}" for letter in "abc"]

    def dynamic_reference(self, text: str) -> str:
        """Return the dynamic reference as written: it is resolved when a resource is created."""
        return text

    def other_function(self, name: str) -> Any:
        """Refuse an intrinsic function that the embedded AWS does not support."""
        raise invalid(f"Template error: the embedded AWS does not know the function {name}", LIMIT)


class Evaluation:
    """Evaluates a template's expressions. The first fault is raised as a refusal of the request."""

    def __init__(self, template: Template, parameters: Mapping[str, Any], world: StackWorld) -> None:
        self._evaluator = Evaluator(template.content, parameters=parameters, world=world)

    def value(self, expression: Any) -> Any:
        """Return the value of an expression, without the parts that are `AWS::NoValue`."""
        value = self._evaluator.resolve(expression)
        refuse(self._evaluator.faults)
        return value

    def present(self) -> dict[str, Mapping[str, Any]]:
        """Return, by logical id, the definitions of the resources that have no condition or whose condition is true."""
        definitions = self._evaluator.present()
        refuse(self._evaluator.faults)
        return definitions

    def condition(self, name: Any) -> bool:
        """Return whether a condition of the template is true."""
        return self._require_known(self._evaluator.condition(name))

    def rule(self, expression: Any) -> bool:
        """Return whether an expression of a template rule is true."""
        return self._require_known(self._evaluator.rule(expression))

    def _require_known(self, answer: bool | Unknown) -> bool:
        refuse(self._evaluator.faults)
        if isinstance(answer, Unknown):
            raise invalid(f"Template error: a condition cannot be evaluated: {answer.why}", ASSUMED)
        return answer
