"""Deployments as a user declares them, and the file deployments.py that lists them."""
