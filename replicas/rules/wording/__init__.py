"""Turns findings into messages, in CloudFormation terms or in the terms of a `Deployment`."""
