"""Finds the cheapest instances that several models can share."""
