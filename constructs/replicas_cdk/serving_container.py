"""The container of a copy: image, environment and weights, as a Model wants them."""

from __future__ import annotations

from urllib.parse import urlparse

from aws_cdk import Aws, CfnMapping, SecretValue, Stack, Token
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from replicas.sizing import ComponentPlan
from replicas.sizing.images import Image
from replicas.sizing.resolution import TOKEN_VARIABLES


class ServingContainer:
    """A Deep Learning Container that serves what a component's plan says."""

    def __init__(self, plan: ComponentPlan) -> None:
        """Take everything from the plan.

        Raises:
            ValueError: the plan's engine version has no container image (it was only sized).

        """
        if plan.engine.image is None:
            raise ValueError(f"{plan.engine} has no container image: the plan was made with to_deploy=False")
        self._plan = plan
        self._image: Image = plan.engine.image

    def image_uri(self, scope: Construct) -> str:
        """URI of the image for the scope's stack: one registry account, or a mapping of all regions known."""
        return (
            f"{self._account(scope)}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}/{self._image.repository}:{self._image.tag}"
        )

    def repository_arn(self, scope: Construct) -> str:
        """ARN of the one registry repository that the image is pulled from."""
        return f"arn:{Aws.PARTITION}:ecr:{Aws.REGION}:{self._account(scope)}:repository/{self._image.repository}"

    @property
    def weights_bucket_and_prefix(self) -> tuple[str, str] | None:
        """Bucket and prefix of weights that lie in S3; None for weights from the Hub."""
        if self._plan.weights is None:
            return None
        address = urlparse(self._plan.weights)
        return address.netloc, address.path.removeprefix("/")

    @property
    def environment(self) -> dict[str, str]:
        """The plan's variables, and the token as a reference that CloudFormation resolves: never a value."""
        variables = dict(self._plan.environment)
        if self._plan.token_secret:
            # Only the reference enters the template; "unsafe" is what it would be for a literal secret.
            reference = SecretValue.secrets_manager(self._plan.token_secret).unsafe_unwrap()
            variables.update(dict.fromkeys(TOKEN_VARIABLES, reference))
        return variables

    def definition(self, scope: Construct) -> sagemaker.CfnModel.ContainerDefinitionProperty:
        """The primary container of a Model. Weights in S3 are mounted uncompressed."""
        source = None
        if self._plan.weights is not None:
            source = sagemaker.CfnModel.ModelDataSourceProperty(
                s3_data_source=sagemaker.CfnModel.S3DataSourceProperty(
                    s3_uri=self._plan.weights, s3_data_type="S3Prefix", compression_type="None"
                )
            )
        return sagemaker.CfnModel.ContainerDefinitionProperty(
            image=self.image_uri(scope), environment=self.environment, model_data_source=source
        )

    def _account(self, scope: Construct) -> str:
        stack = Stack.of(scope)
        if not Token.is_unresolved(stack.region):
            if stack.region not in self._image.accounts:
                raise ValueError(
                    f"no registry account is known for {self._image.repository} in {stack.region}; "
                    f"regions: {', '.join(self._image.accounts)}"
                )
            return self._image.accounts[stack.region]
        name = "".join(part.capitalize() for part in self._image.repository.split("-")) + "Accounts"
        mapping = stack.node.try_find_child(name)
        if mapping is None:
            accounts = {region: {"account": account} for region, account in self._image.accounts.items()}
            mapping = CfnMapping(stack, name, mapping=accounts)
        assert isinstance(mapping, CfnMapping)  # noqa: S101 (the name is ours)
        return mapping.find_in_map(Aws.REGION, "account")
