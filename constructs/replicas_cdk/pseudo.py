"""CloudFormation's pseudo parameters, read once.

They are the same tokens in every stack. Reading one is a round trip to the jsii process, and the stack of an endpoint
uses them a dozen times.
"""

from aws_cdk import Aws

ACCOUNT_ID: str = Aws.ACCOUNT_ID
PARTITION: str = Aws.PARTITION
REGION: str = Aws.REGION
URL_SUFFIX: str = Aws.URL_SUFFIX
