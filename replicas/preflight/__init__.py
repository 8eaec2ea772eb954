"""Checks of tools, account, region and template before a deployment. Calls AWS.

`run_doctor()` checks the local tools, and the account for all deployments of deployments.py.
`run_preflight("llama-2-13b")` checks cdk.out/llama-2-13b.template.json against the account and the live deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.preflight.checks import Checked, State
    from replicas.preflight.doctor import Examination, run_doctor
    from replicas.preflight.preflight import Preflight, run_preflight

__all__ = ["Checked", "Examination", "Preflight", "State", "run_doctor", "run_preflight"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "checks": ("Checked", "State"),
        "doctor": ("Examination", "run_doctor"),
        "preflight": ("Preflight", "run_preflight"),
    },
)
