"""What lies outside a template: pseudo parameters, resources, exports of other stacks."""

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
    """What is known outside a template before its deployment: at most the region.

    A subclass that knows more (a deployed stack) overrides the methods; they may raise to refuse the template.
    """

    def __init__(self, region: str | None = None) -> None:
        self.region = region

    def pseudo_parameter(self, name: str) -> Value:
        """The value of a pseudo parameter such as `AWS::Region`."""
        known = _pseudo_parameters(self.region)
        if name in known:
            return known[name]
        if name == "AWS::Region" or (name in ("AWS::Partition", "AWS::URLSuffix") and self.region is None):
            return Unknown("it depends on the region", ("AWS::Region",), f"${{{name}}}")
        return Unknown(f"{name} is known at the deployment", text=f"${{{name}}}")

    def resource(self, logical_id: str, attribute: str | None) -> Value:
        """The `Ref` (no attribute) or an attribute of a resource that the template declares."""
        return Reference(logical_id, attribute)

    def export(self, name: Value) -> Value:  # noqa: ARG002, a subclass looks it up
        """The value of an export of another stack."""
        return Unknown("an export of another stack is known at the deployment")

    def zones(self, region: Value) -> Value:  # noqa: ARG002, a subclass looks it up
        """The availability zones of a region."""
        return Unknown("the availability zones are known at the deployment")

    def dynamic_reference(self, text: str) -> Value:
        """A text with `{{resolve:...}}` in it."""
        return Unknown("a dynamic reference is read at the deployment", text=text)

    def other_function(self, name: str) -> Value:
        """A function that is not evaluated here, such as `Fn::Transform`."""
        return Unknown(f"{name} is worked out at the deployment")


def _pseudo_parameters(region: str | None) -> dict[str, str]:
    if region is None:
        return {}
    if "iso" in region or region.startswith("eusc-"):
        return {"AWS::Region": region}  # partitions of their own, with names that no template here is proven for
    china, government = region.startswith("cn-"), region.startswith("us-gov-")
    return {
        "AWS::Region": region,
        "AWS::Partition": "aws-cn" if china else "aws-us-gov" if government else "aws",
        "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
    }
