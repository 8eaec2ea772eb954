"""cfn-lint, whose rules are loaded once."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfnlint.runner import Runner


@cache
def _runner() -> Runner:
    from cfnlint.config import ConfigMixIn, ManualArgs
    from cfnlint.runner import Runner

    return Runner(ConfigMixIn(**ManualArgs(regions=["us-east-1", "us-west-2"])))


def findings_of_cfn_lint(template: dict[str, Any]) -> list[str]:
    """Rule and message of each finding. cfn-lint is imported here, not by every worker that collects the tests."""
    from cfnlint.decode.decode import decode_str

    decoded, faults = decode_str(json.dumps(template))
    assert not faults
    assert decoded is not None
    return [f"{match.rule.id} {match.message}" for match in _runner().validate_template(decoded)]
