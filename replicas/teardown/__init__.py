"""Teardown: what belongs to a deployment, and its deletion in order. Calls AWS."""
