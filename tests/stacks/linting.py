"""cfn-lint, whose rules are loaded once."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner


@cache
def _runner() -> Runner:
    return Runner(ConfigMixIn(**ManualArgs(regions=["us-east-1", "us-west-2"])))


def findings_of_cfn_lint(template: dict[str, Any]) -> list[str]:
    """Rule and message of each finding."""
    decoded, faults = decode_str(json.dumps(template))
    assert not faults
    assert decoded is not None
    return [f"{match.rule.id} {match.message}" for match in _runner().validate_template(decoded)]
