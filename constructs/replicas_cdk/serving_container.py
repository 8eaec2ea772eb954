"""The container of a copy: image, environment and weights, as a Model wants them."""

from __future__ import annotations

from urllib.parse import urlparse

from aws_cdk import CfnMapping, SecretValue, Stack, Token
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from replicas import ComponentPlan
from replicas.catalogue.images import Image
from replicas.engines import hub_token_variables
from replicas_cdk.pseudo import PARTITION, REGION, URL_SUFFIX


class RegistryAccounts:
    """The registry accounts that a stack's images are pulled from, each looked up once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._region = stack.region
        self._found: dict[str, str] = {}

    def account_of(self, image: Image) -> str:
        """The account as a literal where the stack's region is known, else looked up in a mapping of all regions.

        Raises:
            ValueError: no account is known in the stack's region.

        """
        if image.repository not in self._found:
            self._found[image.repository] = self._look_up(image)
        return self._found[image.repository]

    def _look_up(self, image: Image) -> str:
        region = self._region
        if not Token.is_unresolved(region):
            if region not in image.accounts:
                regions = ", ".join(image.accounts)
                raise ValueError(f"no registry account is known for {image.repository} in {region}; regions: {regions}")
            return image.accounts[region]
        name = "".join(part.capitalize() for part in image.repository.split("-")) + "Accounts"
        mapping = self._stack.node.try_find_child(name)
        if mapping is None:
            accounts = {region: {"account": account} for region, account in image.accounts.items()}
            mapping = CfnMapping(self._stack, name, mapping=accounts)
        assert isinstance(mapping, CfnMapping)  # noqa: S101 (the name is ours)
        return mapping.find_in_map(REGION, "account")


class ServingContainer:
    """A Deep Learning Container that serves what a component's plan says."""

    def __init__(self, scope: Construct, plan: ComponentPlan, *, accounts: RegistryAccounts | None = None) -> None:
        """Take everything from the plan, and the registry account for the scope's stack.

        Args:
            scope: any construct of the stack.
            plan: of the component.
            accounts: those of the scope's stack, where others have looked some up already. Default: looked up.

        Raises:
            ValueError: the plan's engine version has no container image (it was only sized), or the stack's region
                has no registry account for it.

        """
        if plan.engine.image is None:
            raise ValueError(f"{plan.engine} has no container image: the plan was made with to_deploy=False")
        self._plan = plan
        self._image = plan.engine.image
        self._account = (accounts or RegistryAccounts(Stack.of(scope))).account_of(plan.engine.image)

    @property
    def image_uri(self) -> str:
        """URI of the image: of one registry account, or by a mapping of all regions known."""
        return f"{self._account}.dkr.ecr.{REGION}.{URL_SUFFIX}/{self._image.repository}:{self._image.tag}"

    @property
    def repository_arn(self) -> str:
        """ARN of the one registry repository that the image is pulled from."""
        return f"arn:{PARTITION}:ecr:{REGION}:{self._account}:repository/{self._image.repository}"

    @property
    def weights_bucket_and_prefix(self) -> tuple[str, str] | None:
        """Bucket and prefix of weights that lie in S3; None for weights from the Hub."""
        return bucket_and_prefix(self._plan.weights) if self._plan.weights else None

    @property
    def environment(self) -> dict[str, str]:
        """The plan's variables, and the token as a reference that CloudFormation resolves: never a value."""
        variables = dict(self._plan.environment)
        if self._plan.token_secret:
            # Only the reference enters the template; "unsafe" is what it would be for a literal secret.
            reference = SecretValue.secrets_manager(self._plan.token_secret).unsafe_unwrap()
            variables.update(dict.fromkeys(hub_token_variables(), reference))
        return variables

    @property
    def definition(self) -> sagemaker.CfnModel.ContainerDefinitionProperty:
        """The primary container of a Model. Weights in S3 are mounted uncompressed."""
        source = None
        if self._plan.weights is not None:
            source = sagemaker.CfnModel.ModelDataSourceProperty(
                s3_data_source=sagemaker.CfnModel.S3DataSourceProperty(
                    s3_uri=self._plan.weights, s3_data_type="S3Prefix", compression_type="None"
                )
            )
        return sagemaker.CfnModel.ContainerDefinitionProperty(
            image=self.image_uri, environment=self.environment, model_data_source=source
        )


def bucket_and_prefix(url: str) -> tuple[str, str]:
    """The parts of `s3://bucket/prefix/`."""
    address = urlparse(url)
    return address.netloc, address.path.removeprefix("/")
