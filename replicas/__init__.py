"""Open LLMs on Amazon SageMaker, many copies on one instance: everything that needs no CDK."""
