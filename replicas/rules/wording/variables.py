"""Converts messages about options of a deployment to messages about container variables and template properties."""

from __future__ import annotations

import re
from collections.abc import Collection

from replicas.engines import EngineKind
from replicas.rules.wording.sentences import Sentence

_SETTING = re.compile(
    r"(?P<drop>leave out )?\b(?P<option>model|quantization|tensor_parallel|max_input_tokens|max_total_tokens|"
    r"max_batch_prefill_tokens|max_sequences|gpu_memory_share|instance_type|engine|adapters)"
    r"(?:=(?P<value>'[^']*'|\d+(?: or \d+)+|[\w.]*)|(?=[\s:,;]|$))"
)
_SEPARATOR = re.compile(r": |; (?=leave it out)")


def in_variables(sentence: str, kind: EngineKind, given: Collection[str]) -> Sentence:
    """Return a message about the options of a component, rewritten for the variables of a container.

    Args:
        sentence: the fault and, after the last colon, the change that fixes it.
        kind: engine of the container.
        given: names of the variables that the container sets.

    """
    ends = [match.span() for match in _SEPARATOR.finditer(sentence)]
    start, end = ends[-1] if ends else (len(sentence), len(sentence))
    what = _SETTING.sub(lambda match: _setting(match, kind, given) + _by_default(match, kind, given), sentence[:start])
    fix = _SETTING.sub(lambda match: _setting(match, kind, given) + _with(match), sentence[end:])
    if fix.startswith(("at most ", "at least ")):
        fix = f"{what.partition('=')[0]} of {fix}"
    return Sentence(what=what, fix=fix)


def _setting(match: re.Match[str], kind: EngineKind, given: Collection[str]) -> str:
    option, value = match["option"], (match["value"] or "").strip("'")
    if match["value"] is None and not match["drop"]:
        return match[0]  # an ordinary word of the sentence, not a setting
    if option == "instance_type":
        return f"InstanceType={value}"
    if option == "engine":
        return f"an image of {value}"
    names = kind.variables.of_option(option)
    name = next((name for name in names if name in given), names[0] if names else option)
    if match["drop"]:
        return f"leave out {name}" if name in given else f"a smaller {name}"
    return f"{name}={value}"


def _by_default(match: re.Match[str], kind: EngineKind, given: Collection[str]) -> str:
    """Return a note that a value is the engine's default, if no variable sets it; else an empty string."""
    names = kind.variables.of_option(match["option"])
    return " (its default)" if match["value"] and names and not set(names) & set(given) else ""


def _with(match: re.Match[str]) -> str:
    """Return the resource property that must change together with a setting; empty if there is no such property."""
    if match["option"] != "tensor_parallel" or match["value"] is None:
        return ""
    return " with the same NumberOfAcceleratorDevicesRequired"
