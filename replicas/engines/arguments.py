"""Arguments of an engine's server that variables set, by version: values and names that its argument parser refuses.

`arguments.json` in the engine's folder has each argument with what it takes, from the version on that changed it:
`choices` (with `open`: the parser also takes other names, which the engine looks up later), or `form`: `switch`,
`integer`, `number`, `object` (JSON) or `text` (anything). `none` adds the values for "unset". `absent` marks an
argument that the version does not have, `of_server` one of the HTTP server, and `bare` one that may need no value.
Other names than the `choices` may come from the argument `plugin`, and the names matter only with the switch
`only_with`. `variables` has the same for environment variables that the engine reads itself, at its start or later.
`scripts/arguments` reads all of this from the wheels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from packaging.version import Version

from replicas.engines.values import FORMS

_UNSET = ("", "None")
"""Values that `optional_type` in vllm/engine/arg_utils.py reads as unset."""


@dataclass(frozen=True, kw_only=True)
class ArgumentVariables:
    """How the variables of a container become arguments of the engine's server."""

    prefix: str
    drops_unknown: bool = False
    """True if the container drops a variable that names no argument of the engine, or one of the engine's server."""
    needs_value: bool = True
    """True if the container writes an empty value as the bare name of the argument."""
    parsed: frozenset[str] = frozenset()
    """Forms that the container parses itself, by rules that are not known."""

    def of(self, key: str, takes: Mapping[str, Any], environment: Mapping[str, str]) -> str:
        """Return the value of the variable for the argument that `takes` names under a key; empty if it is not set."""
        return environment.get(f"{self.prefix}{takes[key].upper()}", "")


@dataclass(frozen=True, kw_only=True)
class ArgumentFault:
    """A variable whose argument the engine does not take, or may not take."""

    name: str
    why: str
    is_refused: bool
    """True if the engine does not start; False if that is not known."""
    about: Literal["name", "choice", "form"]
    """What is wrong: the engine has no such argument, its list lacks the value, or the value has another form."""


def argument_faults(
    table: Mapping[str, Any], variables: ArgumentVariables, version: str | None, environment: Mapping[str, str]
) -> Iterator[ArgumentFault]:
    """Yield each variable with a value or a name that the engine's parser refuses, or may refuse.

    A version whose arguments were not read is judged by its neighbours: what both take is taken, and a form that both
    refuse is refused.

    Args:
        table: the content of `arguments.json`.
        variables: how variables become arguments.
        version: version of the engine, or of the engine inside; None if it is not known.
        environment: the variables with their values, without those that the container drops.

    """
    judged = _versions(table["versions"], version)
    for name, value in environment.items():
        argument = name.removeprefix(variables.prefix).lower()
        if not name.startswith(variables.prefix) or (argument not in table["arguments"] and variables.drops_unknown):
            continue
        taken = [_takes(table, argument, each) for each in judged]
        reasons = [_refusal(takes, value, variables, environment) for takes in taken]
        refused = [(reason, takes) for reason, takes in zip(reasons, taken, strict=True) if reason]
        if not refused:
            continue
        why, last = refused[-1]
        is_read = judged == [version]
        if version is None:
            why = f"{why} in some versions, and the version of the container is not known"
        elif not is_read:
            why = f"{why} in {' and '.join(judged)}, and the arguments of {version} are not known"
        is_open = any(
            _may_take(takes, variables, environment) or (not is_read and "choices" in takes) for _, takes in refused
        )
        yield ArgumentFault(
            name=name,
            why=why,
            is_refused=len(refused) == len(judged) and not is_open,
            about="name" if last.get("absent") else "choice" if "choices" in last or value == "" else "form",
        )


def variable_faults(
    table: Mapping[str, Any], version: str | None, environment: Mapping[str, str]
) -> Iterator[ArgumentFault]:
    """Yield each environment variable that the engine fails to read as a number. When it reads it is not known."""
    judged = _versions(table["versions"], version)
    for name in table.get("variables", {}).keys() & environment.keys():
        for takes in (known[-1] for each in judged if (known := _until(table["variables"][name], each))):
            accepts, reason = FORMS.get(takes.get("form", ""), (None, ""))
            if accepts and not accepts(environment[name].strip()):
                yield ArgumentFault(name=name, why=reason, is_refused=False, about="choice")
                break


def _until(changes: list[Mapping[str, Any]], version: str) -> list[Mapping[str, Any]]:
    return [change for change in changes if Version(change["since"]) <= Version(version)]


def takes_any(table: Mapping[str, Any], argument: str) -> bool:
    """Return whether each version with an argument takes any value for it."""
    changes = table["arguments"].get(argument, ())
    return all(change.get("absent") or change.get("form") == "text" for change in changes)


def _versions(read: list[str], version: str | None) -> list[str]:
    """Return the version if its arguments are known; otherwise its neighbours, or all versions for an unknown one."""
    if version is None:
        return read
    if version in read:
        return [version]
    older = [each for each in read if Version(each) < Version(version)]
    newer = [each for each in read if Version(each) > Version(version)]
    return [*older[-1:], *newer[:1]]


def _takes(table: Mapping[str, Any], argument: str, version: str) -> Mapping[str, Any]:
    """Return what an argument takes in one of the versions of the table."""
    changes = table["arguments"].get(argument) or table["arguments"].get(argument.removeprefix("no_"), ())
    known = _until(changes, version)
    if known and not known[-1].get("absent"):
        last: Mapping[str, Any] = known[-1]
        return last
    # argparse also takes the beginning of a name (allow_abbrev).
    is_beginning = any(
        other.startswith(argument) and not _is_absent(changes, version) for other, changes in table["arguments"].items()
    )
    return {"form": "text"} if is_beginning else {"absent": True}


def _is_absent(changes: list[Mapping[str, Any]], version: str) -> bool:
    known = _until(changes, version)
    return not known or bool(known[-1].get("absent"))


def _refusal(
    takes: Mapping[str, Any], value: str, variables: ArgumentVariables, environment: Mapping[str, str]
) -> str | None:
    """Return why the engine refuses a value; None for a value that it takes."""
    is_named = "plugin" in takes
    if variables.drops_unknown and (takes.get("absent") or (takes.get("of_server") and not is_named)):
        return None
    if takes.get("absent"):
        return "the engine has no such argument"
    if value == "" and variables.needs_value:
        is_whole = takes.get("form") == "switch" or takes.get("bare")
        return None if is_whole else "it is empty, and the engine's parser expects a value"
    if (value in _UNSET and (takes.get("none") or is_named)) or value in takes.get("choices", ()):
        return None
    if "only_with" in takes and variables.of("only_with", takes, environment).lower() != "true":
        return None
    if "choices" in takes:
        return f"it is not one of {', '.join(takes['choices'])}"
    accepts, reason = FORMS.get(takes["form"], (None, ""))
    return None if accepts is None or takes["form"] in variables.parsed or accepts(value.strip()) else reason


def _may_take(takes: Mapping[str, Any], variables: ArgumentVariables, environment: Mapping[str, str]) -> bool:
    """Return whether the engine may know other names than the choices."""
    if "plugin" not in takes:
        return bool(takes.get("open"))
    # A container that hands names to the engine in its own way may do it without the engine's check.
    return variables.drops_unknown or bool(variables.of("plugin", takes, environment))
