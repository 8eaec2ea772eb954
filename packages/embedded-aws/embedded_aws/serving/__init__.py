"""SageMaker Runtime: requests go to copies, and a serving engine answers as each copy's container would."""
