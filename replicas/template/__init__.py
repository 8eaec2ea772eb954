"""CloudFormation templates: loading, evaluating, the endpoints that they declare, and what a change does."""
