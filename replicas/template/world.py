"""Values from outside of a template: pseudo parameters, deployed resources, exports of other stacks."""

from __future__ import annotations

from replicas.endpoint.values import Reference, Unknown, Value

PSEUDO_PARAMETERS = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)


class World:
    """Values that are known before the deployment of a template: at most the region.

    A subclass that knows more values (for a deployed stack) overrides the methods. They may raise an error to refuse a
    template.
    """

    def __init__(self, region: str | None = None) -> None:
        self.region = region

    def pseudo_parameter(self, name: str) -> Value:
        """Return the value of a pseudo parameter such as `AWS::Region`."""
        known = _pseudo_parameters(self.region)
        if name in known:
            return known[name]
        if name == "AWS::Region" or (name in ("AWS::Partition", "AWS::URLSuffix") and self.region is None):
            return Unknown("it depends on the region", ("AWS::Region",), f"${{{name}}}")
        return Unknown(f"{name} is known only at deployment", text=f"${{{name}}}")

    def resource(self, logical_id: str, attribute: str | None) -> Value:
        """Return the value of an attribute of a declared resource, or of its `Ref` if `attribute` is None."""
        return Reference(logical_id, attribute)

    def export(self, name: Value) -> Value:  # noqa: ARG002, a subclass looks it up
        """Return the value of an export of another stack."""
        return Unknown("an export of another stack is known only at deployment")

    def zones(self, region: Value) -> Value:  # noqa: ARG002, a subclass looks it up
        """Return the availability zones of a region."""
        return Unknown("the availability zones are known only at deployment")

    def dynamic_reference(self, text: str) -> Value:
        """Return the value of a text that contains `{{resolve:...}}`."""
        return Unknown("a dynamic reference is resolved at deployment", text=text)

    def other_function(self, name: str) -> Value:
        """Return the result of a function that the evaluator does not evaluate itself, such as `Fn::Transform`."""
        return Unknown(f"{name} is computed at deployment")


def _pseudo_parameters(region: str | None) -> dict[str, str]:
    if region is None:
        return {}
    if "iso" in region or region.startswith("eusc-"):
        return {"AWS::Region": region}  # other partitions, whose pseudo parameters are not covered here
    china, government = region.startswith("cn-"), region.startswith("us-gov-")
    return {
        "AWS::Region": region,
        "AWS::Partition": "aws-cn" if china else "aws-us-gov" if government else "aws",
        "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
    }
