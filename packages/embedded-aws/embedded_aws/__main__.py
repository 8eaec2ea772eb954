"""`python -m embedded_aws` is the command `embedded-aws`."""

from embedded_aws.cli import main

main()
