"""Checks whether parameter values match their AllowedPattern, in bounded time.

Python's regular expressions backtrack, so a pattern such as `(a+)+` can take years. Simple patterns are matched
directly, all others in a separate process that is stopped after `_SECONDS`. A pattern that takes longer, or that has a
different meaning in Python and Java, is not judged.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from replicas.template.faults import Fault
from replicas.template.parameters import declarations, is_stored, kind_of, refusal, value_in, values_in

_SECONDS = 1
_LONGEST = 4096
"""Maximum length of a parameter value in characters (CloudFormation guide, quotas)."""
_LITERAL = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""Matches escapes and character classes, in which no character is a quantifier."""
_REPETITION = re.compile(r"[*+?{]")
_ONLY_JAVA = ("&&", "[[", "\\p", "\\P", "\\Q", "\\h", "\\R", "\\X", "\\G", "\\z", "\\Z")
"""Parts of patterns that have different meanings in Java and Python."""
_ANSWERS = {b"0": False, b"1": True}
_MATCHER = """
import json, re, signal, sys
timer = getattr(signal, "setitimer", None)
if timer:
    signal.signal(signal.SIGALRM, signal.default_int_handler)
for pattern, text in json.load(sys.stdin):
    timer and timer(signal.ITIMER_REAL, {seconds} / 4)
    try:
        answer = int(bool(re.fullmatch(pattern, text, re.ASCII)))
    except KeyboardInterrupt:
        answer = None
    timer and timer(signal.ITIMER_REAL, 0)
    print(answer, flush=True)
"""
"""Program that prints 1 or 0 for each pair of pattern and text: whether they match. It prints None if this takes longer
than a quarter of the total time."""


@dataclass(frozen=True)
class Matches:
    """Faults of values that do not match their AllowedPattern, and names of parameters whose match is unknown."""

    faults: tuple[Fault, ...]
    unknown: tuple[str, ...]


def matches_of(template: Mapping[str, Any], given: Mapping[str, Any]) -> Matches:
    """Match the given or default values of all parameters against their AllowedPattern."""
    constrained = list(_constrained(template, given))
    questions = [
        (str(declaration["AllowedPattern"]), item)
        for _, declaration, value in constrained
        for item in values_in(kind_of(declaration), value)
    ]
    answers = _answers(list(dict.fromkeys(questions)))
    faults, unknown = [], []
    for name, declaration, value in constrained:
        pattern = str(declaration["AllowedPattern"])
        results = [answers[pattern, item] for item in values_in(kind_of(declaration), value)]
        if False in results:
            faults.append(refusal(name, declaration, f"must match pattern {pattern}"))
        elif None in results:
            unknown.append(name)
    return Matches(tuple(faults), tuple(unknown))


def _constrained(template: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    for name, declaration in declarations(template).items():
        value = value_in(name, declaration, given)
        if isinstance(value, str) and "AllowedPattern" in declaration and not is_stored(kind_of(declaration)):
            yield name, declaration, value


def _answers(questions: list[tuple[str, str]]) -> dict[tuple[str, str], bool | None]:
    """Return whether each text matches its pattern; None if this is unknown."""
    answers: dict[tuple[str, str], bool | None] = dict.fromkeys(questions)
    slow = []
    for pattern, text in questions:
        if not _is_readable(pattern) or len(text) > _LONGEST:
            continue
        if len(_REPETITION.findall(_LITERAL.sub(".", pattern))) <= 1:
            answers[pattern, text] = re.fullmatch(pattern, text, re.ASCII) is not None
        else:
            slow.append((pattern, text))
    return {**answers, **dict(zip(slow, _slow_answers(slow), strict=False))}


def _slow_answers(questions: list[tuple[str, str]]) -> list[bool | None]:
    """Return whether each text matches its pattern.

    A separate process decides; the list ends early if the process runs out of time.
    """
    if not questions or not sys.executable:
        return []
    try:
        done = subprocess.run(  # noqa: S603, this Python with a program of our own
            [sys.executable, "-I", "-c", _MATCHER.format(seconds=_SECONDS)],
            input=json.dumps(questions).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        printed = done.stdout
    except subprocess.TimeoutExpired as late:
        printed = late.stdout or b""
    except OSError:
        return []
    return [_ANSWERS.get(answer) for answer in printed.split()]


def _is_readable(pattern: str) -> bool:
    """Return whether Python can compile the pattern and the pattern has the same meaning in Java."""
    if len(pattern) > _LONGEST or any(part in pattern for part in _ONLY_JAVA):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern, re.ASCII)
    except (re.error, Warning, OverflowError, RecursionError):
        return False
    return True
