"""CloudFormation's pseudo parameters, read once.

They are the same tokens in every stack; reading one is a round trip to the CDK's own process, and a template of an
endpoint would read them a dozen times.
"""

from aws_cdk import Aws

ACCOUNT_ID: str = Aws.ACCOUNT_ID
PARTITION: str = Aws.PARTITION
REGION: str = Aws.REGION
URL_SUFFIX: str = Aws.URL_SUFFIX
