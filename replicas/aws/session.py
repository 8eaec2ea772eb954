"""AWS session of a command: region, typed clients, and error messages for failed calls."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from replicas.aws.region import botocore_session, region_of_environment
from replicas.errors import OperationError

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_ec2 import EC2Client
    from types_boto3_ecr import ECRClient
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_service_quotas import ServiceQuotasClient
    from types_boto3_sns import SNSClient
    from types_boto3_ssm import SSMClient
    from types_boto3_sts import STSClient

THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded"}
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"})
_NO_REGION = "scoped to a valid region"
"""Part of AWS's error message for a request signed for a region that does not exist."""
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

_RENEW = "renew them (aws sso login, or new keys) and run the command again"


class Aws:
    """One account and region, with one cached client per service."""

    def __init__(self, region: str | None = None) -> None:
        """Select region and profile as the CDK CLI does (`replicas.aws.region`). `region` overrides the environment.

        Raises:
            OperationError: no region is set, or the profile does not exist.

        """
        try:
            chosen = region or region_of_environment()
            self._session = boto3.Session(region_name=chosen, botocore_session=botocore_session())
        except ProfileNotFound as fault:
            raise explain(fault) from None
        if not chosen:
            raise explain(NoRegionError())
        self.region = chosen
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def in_region(self, region: str) -> Aws:
        """Return an object for the same account in another region."""
        return self if region == self.region else Aws(region)

    @overload
    def client(self, service: Literal["application-autoscaling"]) -> ApplicationAutoScalingClient: ...
    @overload
    def client(self, service: Literal["cloudformation"]) -> CloudFormationClient: ...
    @overload
    def client(self, service: Literal["cloudwatch"]) -> CloudWatchClient: ...
    @overload
    def client(self, service: Literal["ec2"]) -> EC2Client: ...
    @overload
    def client(self, service: Literal["ecr"]) -> ECRClient: ...
    @overload
    def client(self, service: Literal["iam"]) -> IAMClient: ...
    @overload
    def client(self, service: Literal["kms"]) -> KMSClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["sagemaker"]) -> SageMakerClient: ...
    @overload
    def client(self, service: Literal["secretsmanager"]) -> SecretsManagerClient: ...
    @overload
    def client(self, service: Literal["service-quotas"]) -> ServiceQuotasClient: ...
    @overload
    def client(self, service: Literal["sns"]) -> SNSClient: ...
    @overload
    def client(self, service: Literal["ssm"]) -> SSMClient: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    def client(self, service: str) -> Any:
        """Return the client of a service. It is created once, and several threads can use it."""
        with self._lock:  # a boto3 session creates one client at a time
            if service not in self._clients:
                self._clients[service] = self._client(service)
            return self._clients[service]

    def _client(self, service: Any) -> Any:
        """Create a client that retries a throttled call up to five times, with growing pauses."""
        return self._session.client(service, config=Config(retries={"mode": "standard", "max_attempts": 5}))

    def runtime(self, *, connections: int = 10, read_timeout_seconds: float = 70) -> SageMakerRuntimeClient:
        """Create a client of SageMaker Runtime that never retries.

        A retried generation costs accelerator time, and hides 429 and 5xx errors. The service ends a response after 60
        s, so the client's timeout is longer.
        """
        # Validation costs CPU time on every benchmark request, and this package builds the parameters itself.
        config = Config(
            retries={"total_max_attempts": 1},
            parameter_validation=False,
            max_pool_connections=connections,
            connect_timeout=10,
            read_timeout=read_timeout_seconds,
        )
        return self._session.client("sagemaker-runtime", config=config)


def error_code(fault: ClientError) -> str:
    """Return AWS's error code, such as `ValidationException`."""
    return str(fault.response.get("Error", {}).get("Code", ""))


def error_message(fault: ClientError) -> str:
    """Return AWS's error message."""
    return str(fault.response.get("Error", {}).get("Message") or fault)


def explain(fault: BotoCoreError | ClientError) -> OperationError:
    """Convert a failed AWS call to an error with a cause and a next step."""
    if isinstance(fault, ClientError):
        return OperationError(_explain_refusal(fault))
    match fault:
        case NoRegionError():
            text = "no region is set: use --region us-west-2, AWS_REGION, or `aws configure set region us-west-2`; "
            text += "the CDK CLI would use us-east-1"
        case NoCredentialsError() | PartialCredentialsError():
            text = (
                "no AWS credentials found: run `aws configure`, set AWS_PROFILE, or run `replicas doctor` to "
                "see what is missing"
            )
        case ProfileNotFound():
            text = f"{fault}: `aws configure list-profiles` shows the existing ones"
        case TokenRetrievalError():
            text = f"the credentials have expired: {_RENEW}"
        case ConnectionError() | HTTPClientError():
            text = f"AWS does not answer: {fault}; check the network, the region and AWS_ENDPOINT_URL"
        case _:
            text = str(fault)
    return OperationError(text)


def _explain_refusal(fault: ClientError) -> str:
    code, words = error_code(fault), error_message(fault)
    if code in _EXPIRED:
        return f"the AWS credentials have expired ({fault.operation_name}: {code}): {_RENEW}"
    if _NO_REGION in words:
        return (
            f"AWS has no such region ({fault.operation_name}: {words}): set another region with --region or AWS_REGION"
        )
    if code in _UNKNOWN:
        return f"AWS does not accept these credentials ({fault.operation_name}: {code}): check AWS_PROFILE and the keys"
    if code in _DENIED:
        return f"{fault.operation_name} is not allowed: {words}"
    if code in THROTTLED:
        return f"{fault.operation_name} was throttled several times: wait and run the command again"
    return f"{fault.operation_name} was refused ({code}): {words}"
