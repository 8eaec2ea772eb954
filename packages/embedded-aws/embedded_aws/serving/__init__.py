"""SageMaker Runtime: routes requests to copies, in whose containers a serving engine answers."""
