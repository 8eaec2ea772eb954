"""CloudFormation's pseudo parameters, cached as strings.

They are the same CDK tokens in every stack. Reading a pseudo parameter is a round trip to the jsii process, and the
stack of an endpoint uses them about twelve times.
"""

from aws_cdk import Aws

ACCOUNT_ID: str = Aws.ACCOUNT_ID
PARTITION: str = Aws.PARTITION
REGION: str = Aws.REGION
URL_SUFFIX: str = Aws.URL_SUFFIX
