"""Regular expressions for the text fields of a deployment, each with a description in words."""

from __future__ import annotations

FROM_PROPS = "<from props>"
"""Marks `weights` or `token_secret` as a construct that a CDK app passes to `MultiReplicaEndpoint`.

The plan assumes that the bucket or secret exists, and `MultiReplicaEndpoint` requires it.
"""

NAME = r"^[a-zA-Z](-*[a-zA-Z0-9])*$"
IDENTIFIER = r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
S3_PREFIX = rf"^(s3://[a-z0-9.\-]+/.+/|{FROM_PROPS})$"
S3_DESTINATION = r"^s3://[a-z0-9.\-]+/.+/$"
S3_ARTIFACT = rf"^(s3://[a-z0-9.\-]+/.+(/|\.tar\.gz)|{FROM_PROPS})$"
REGION = r"^[a-z]{2,6}(-[a-z]+)+-\d$"
ACCOUNT = r"^\d{12}$"
SECRET_ID = rf"^((arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{{12}}:secret:)?[A-Za-z0-9/_+=.@-]+|{FROM_PROPS})$"
SCHEDULE = r"^(cron\([^()]+\)|rate\(\d+ (minute|minutes|hour|hours|day|days)\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\))$"
SUBNET = r"^subnet-[0-9a-f]{8,17}$"
SECURITY_GROUP = r"^sg-[0-9a-f]{8,17}$"
KMS_KEY = r"^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[a-zA-Z0-9:/_-]+|[0-9a-f-]{36}|mrk-[0-9a-f]{32})$"
KMS_KEY_ARN = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[a-zA-Z0-9-]+$"
ROLE_ARN = r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$"
POLICY_ARN = r"^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$"
TOPIC_ARN = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$"
RESERVATION_ARN = r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:[a-z0-9-]{1,14}/[a-zA-Z0-9-]+$"
TAG = r"^[\w .:/=+\-@]*$"

IN_WORDS = {
    NAME: "letters (a to z, A to Z), digits and inner hyphens, starting with a letter",
    IDENTIFIER: "letters (a to z, A to Z), digits and hyphens between them",
    S3_PREFIX: "s3://bucket/prefix/, with the slash at the end",
    S3_DESTINATION: "s3://bucket/prefix/, with the slash at the end",
    S3_ARTIFACT: "s3://bucket/prefix/, with the slash at the end, or s3://bucket/name.tar.gz",
    REGION: "a region such as us-west-2",
    ACCOUNT: "an account of twelve digits",
    SECRET_ID: "the name or ARN of a Secrets Manager secret whose string is the token",
    SCHEDULE: "cron(...), rate(1 hour) or at(yyyy-mm-ddThh:mm:ss)",
    SUBNET: "the id of a subnet, subnet-0123456789abcdef0",
    SECURITY_GROUP: "the id of a security group, sg-0123456789abcdef0",
    KMS_KEY: "the ARN or the id of a KMS key",
    KMS_KEY_ARN: "the ARN of a KMS key (not of an alias: IAM grants rights on keys)",
    ROLE_ARN: "the ARN of an IAM role",
    POLICY_ARN: "the ARN of an IAM policy",
    TOPIC_ARN: "the ARN of an SNS topic",
    RESERVATION_ARN: "the ARN of a SageMaker capacity reservation (training plan)",
    TAG: "1 to 256 letters, digits, spaces and _ . : / = + - @",
}
