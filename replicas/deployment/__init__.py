"""The deployments that a user declares, and `deployments.py`, the file that lists them."""
