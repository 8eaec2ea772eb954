"""The table of LMI's variables: vLLM's arguments with the prefix `OPTION_`, and LMI's own variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OF_VLLM, _OF_LMI = "SM_VLLM_", "OPTION_"


def with_arguments(engine: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return LMI's table of variables.

    Args:
        engine: the table of vLLM. LMI passes vLLM's arguments on.
        own: LMI's own entries; they replace entries of the same name.

    """
    taken = {*own["followed"], *own["no_effect"], *(entry["name"] for entry in own["not_followed"])}

    def passed_on(names: list[str]) -> list[str]:
        renamed = [name.replace(_OF_VLLM, _OF_LMI, 1) for name in names]
        return [name for name in renamed if name not in taken]

    not_followed = [{**entry, "name": name} for entry in engine["not_followed"] for name in passed_on([entry["name"]])]
    return {
        **engine,
        **own,
        "not_followed": [*own["not_followed"], *not_followed],
        "choices": {own: choices for name, choices in engine["choices"].items() for own in passed_on([name])},
        "needs": [],
        "with_unit": passed_on(engine["with_unit"]),
        "followed": [*own["followed"], *passed_on(engine["followed"])],
        "no_effect": [*own["no_effect"], *passed_on(engine["no_effect"])],
    }
