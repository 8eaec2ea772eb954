"""Translates Terraform plans (`terraform show -json`) to templates, so that the same rules check them."""
