"""`ServingContainer`: builds the container definition of a Model from image, environment and weights."""

from __future__ import annotations

from aws_cdk import CfnMapping, SecretValue, Stack
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IConstruct

from replicas import ComponentPlan
from replicas.catalogue.images import Image
from replicas.deployment.unresolved import is_unresolved
from replicas.engines import hub_token_variables
from replicas_cdk.container_image import ContainerImage
from replicas_cdk.pseudo import REGION


class RegistryAccounts:
    """Cache of the AWS accounts whose ECR registries contain a stack's images."""

    def __init__(self, stack: Stack, region: str | None = None) -> None:
        """Create an empty cache. `region` is the stack's region. Default: it is read from the stack."""
        self._stack = stack
        self._region = stack.region if region is None else region
        self._accounts: dict[str, str] = {}

    def account_of(self, image: Image) -> str:
        """Return the account: a literal if the stack's region is known, else a lookup in a CloudFormation mapping.

        Raises:
            ValueError: no account is known in the stack's region.

        """
        if image.repository not in self._accounts:
            self._accounts[image.repository] = self._look_up(image)
        return self._accounts[image.repository]

    def _look_up(self, image: Image) -> str:
        region = self._region
        if not is_unresolved(region):
            if region not in image.accounts:
                regions = ", ".join(image.accounts)
                raise ValueError(f"{image.repository} has no known registry in {region}: deploy in one of {regions}")
            return image.accounts[region]
        name = "".join(part.capitalize() for part in image.repository.split("-")) + "Accounts"
        accounts = {region: {"account": account} for region, account in image.accounts.items()}
        try:
            mapping: IConstruct | None = CfnMapping(self._stack, name, mapping=accounts)
        except RuntimeError:  # another endpoint of the stack has created it; checking first would cost two more calls
            mapping = self._stack.node.try_find_child(name)
            if mapping is None:
                raise
        assert isinstance(mapping, CfnMapping)  # noqa: S101 (only this class uses the name)
        return mapping.find_in_map(REGION, "account")


class ServingContainer:
    """Container definition of a component: the image, environment and weights of its plan."""

    def __init__(
        self,
        scope: Construct,
        plan: ComponentPlan,
        *,
        accounts: RegistryAccounts | None = None,
        image: ContainerImage | None = None,
    ) -> None:
        """Create the container of a plan, with the registry account for the stack's region.

        Args:
            scope: any construct of the stack.
            plan: plan of the component.
            accounts: shared cache of registry accounts for the stack. Default: a new one.
            image: source of the image. Default: the image of the plan's engine.

        Raises:
            ValueError: the plan's engine version has no container image (the plan is for sizing only), or the
                publisher has no registry in the stack's region.

        """
        if plan.engine.image is None:
            raise ValueError(f"{plan.engine} has no container image: create the plan without to_deploy=False")
        self._plan = plan
        self._image = plan.engine.image
        self._source = image or ContainerImage.from_catalogue()
        self._account = ""
        if self._source.is_published:
            self._account = (accounts or RegistryAccounts(Stack.of(scope))).account_of(plan.engine.image)

    @property
    def image_uri(self) -> str:
        """URI of the image. The registry account in the URI is a literal or a lookup in a CloudFormation mapping."""
        return self._source.uri(self._image, self._account)

    @property
    def repository_arn(self) -> str:
        """ARN of the ECR repository that the image is pulled from."""
        return self._source.repository_arn(self._image, self._account)

    @property
    def repository_name(self) -> str:
        """Name of the repository, for messages."""
        return self._source.repository_name(self._image)

    @property
    def weights(self) -> str | None:
        """S3 prefix of the weights; None for weights from the Hub."""
        return self._plan.weights

    @property
    def weights_account(self) -> str | None:
        """Account that owns the bucket of the weights; None for the account of the stack."""
        return self._plan.weights_account

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the plan, and the Hub token as a dynamic reference. The template never contains the token."""
        variables = dict(self._plan.environment)
        if self._plan.token_secret:
            # unsafe_unwrap is safe here: the template contains the dynamic reference, not the secret.
            reference = SecretValue.secrets_manager(self._plan.token_secret).unsafe_unwrap()
            variables.update(dict.fromkeys(hub_token_variables(), reference))
        return variables

    @property
    def definition(self) -> sagemaker.CfnModel.ContainerDefinitionProperty:
        """Return the Model's primary container. Weights in S3 are uncompressed."""
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
    """Split `s3://bucket/prefix/` into bucket and prefix. The bucket may be a CDK token."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return bucket, prefix
