"""CDK stacks. One deployment is one stack."""
