"""No test reaches an account, and none finds what the shell that started it had set."""

from __future__ import annotations

from embedded_aws_tests.isolation import isolate
from embedded_aws_tests.support import embedded, running_aws

__all__ = ["embedded", "running_aws"]

isolate()
