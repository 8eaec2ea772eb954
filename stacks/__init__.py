"""What deploys together."""
