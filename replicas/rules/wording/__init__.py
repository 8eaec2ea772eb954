"""Turns findings into sentences, in CloudFormation terms or in the terms of a `Deployment`."""
