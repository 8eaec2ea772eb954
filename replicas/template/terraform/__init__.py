"""Reads Terraform plans (`terraform show -json`) as templates, so that the same rules judge them."""
