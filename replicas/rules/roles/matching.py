"""Compares patterns in IAM policies with texts. Patterns and texts may have unknown segments."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from replicas.catalogue.images import deep_learning_accounts
from replicas.endpoint.access import GENERATED

Answer = Literal["no", "maybe", "yes"]

ANY_OBJECT = "${any object}"
"""Placeholder for all objects under a prefix, or all streams of a log group. Only a wildcard matches it."""

_ORDER: tuple[Answer, ...] = ("no", "maybe", "yes")
_ARN_FIELDS = 6
_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")
_WILDCARDS = re.compile(r"([*?])")
_OPEN = re.compile(r"[*?\ue000-\uf8ff]")
"""Matches wildcards and encoded placeholders. A placeholder is encoded as one character of Unicode's private use
area."""

_ACCOUNT = r"(?!{foreign})\d{{12}}"
_OWN = {
    "${AWS::Region}": ("\ue000", r"[a-z]{2}(?:-[a-z]+)+-\d"),
    "${AWS::Partition}": ("\ue001", r"aws(?:-[a-z]+)*"),
    "${AWS::URLSuffix}": ("\ue002", r"amazonaws\.com(?:\.cn)?"),
    "${AWS::AccountId}": ("\ue003", ""),
}
"""For the pseudo parameters of account, region and partition: their encoded character, and the pattern of their values.
A literal value that matches the pattern counts as equal, because the author of the template knows the account and the
region. Registry accounts of AWS never count as equal."""
_OWN_CODES = {code for code, _ in _OWN.values()}
_ANY_OBJECT, _NAMELESS = "\ue010", "\ue011"
_UNKNOWN = range(0xE100, 0xF000)
_GENERATED = range(0xF000, 0xF900)
"""Character ranges of placeholders: one for unknown segments, one for generated names. A generated name never equals a
literal name."""


def matches(pattern: str, text: str) -> Answer:
    """Compare a pattern with the wildcards `*` and `?` with a text. `${...}` is an unknown segment in both.

    Unknown segments with the same name are equal.
    """
    if pattern == "*":
        return "yes"
    names: dict[str, str] = {}
    encoded, given = _encoded(pattern, names), _encoded(text, names)
    fields, given_fields = _fields(encoded), given.split(":", _ARN_FIELDS - 1)
    if len(fields) == len(given_fields) == _ARN_FIELDS:
        head, given_head = fields[-1].partition("/")[0], given_fields[-1].partition("/")[0]
        if "*" not in head and len(head) < len(fields[-1]) and len(given_head) < len(given_fields[-1]):
            # The bucket name, or the resource type, ends at the first slash of both.
            fields[-1:] = [head, fields[-1][len(head) :]]
            given_fields[-1:] = [given_head, given_fields[-1][len(given_head) :]]
        return min(map(_compared, fields, given_fields), key=_ORDER.index)
    return _compared(encoded, given)


def _fields(encoded: str) -> list[str]:
    """Split an ARN into its fields. A wildcard at the end of a short pattern fills the remaining fields."""
    fields = encoded.split(":", _ARN_FIELDS - 1)
    return [*fields, *["*"] * (_ARN_FIELDS - len(fields))] if fields[-1].endswith("*") else fields


def _encoded(text: str, names: dict[str, str]) -> str:
    """Replace every placeholder by one character. `names` maps the placeholders seen so far to their characters."""

    def character(match: re.Match[str]) -> str:
        placeholder = match[0]
        if placeholder in _OWN:
            return _OWN[placeholder][0]
        if placeholder == ANY_OBJECT:
            return _ANY_OBJECT
        codes = _GENERATED if placeholder.startswith(GENERATED) else _UNKNOWN
        if placeholder == "${?}" or len(names) >= len(codes):
            return _NAMELESS
        return names.setdefault(placeholder, chr(codes[len(names)]))

    return _PLACEHOLDER.sub(character, text) if "${" in text else text


def _compared(pattern: str, text: str) -> Answer:
    """Compare two encoded texts."""
    if _NAMELESS not in pattern and _regex(pattern).fullmatch(text):
        return "yes"
    if not _WILDCARDS.search(pattern) and _NAMELESS not in text and _regex(text, wildcards=False).fullmatch(pattern):
        return "yes"
    if not (_is_open(pattern) or _is_open(text)) or {pattern, text} & _OWN_CODES:
        return "no"
    if any(ord(character) in _GENERATED for character in text) and not _has_unknown(pattern + text):
        return "maybe" if _WILDCARDS.search(pattern) and _could_be_equal(pattern, text) else "no"
    return "maybe" if _could_be_equal(pattern, text) else "no"


def _is_open(encoded: str) -> bool:
    return any("\ue000" <= character <= "\uf8ff" and character != _ANY_OBJECT for character in encoded)


def _has_unknown(encoded: str) -> bool:
    return any(ord(character) in _UNKNOWN or character == _NAMELESS for character in encoded)


def _could_be_equal(pattern: str, text: str) -> bool:
    """Return whether the known prefixes and suffixes of two texts agree."""
    for left, right in ((pattern, text), (pattern[::-1], text[::-1])):
        for character, other in zip(left, right, strict=False):
            if _OPEN.match(character) or (_OPEN.match(other) and other not in "*?"):
                break
            if character != other:
                return False
    return True


@cache
def _regex(pattern: str, *, wildcards: bool = True) -> re.Pattern[str]:
    """Return a regular expression for an encoded text. Without `wildcards`, `*` and `?` are ordinary characters."""
    foreign = "|".join(sorted(deep_learning_accounts()))
    forms = {code: form or _ACCOUNT.format(foreign=foreign) for code, form in _OWN.values()}

    def part(piece: str) -> str:
        if wildcards and piece in ("*", "?"):
            return ".*" if piece == "*" else "[^\ue000-\uf8ff]"
        return "".join(
            f"(?:{character}|{forms[character]})" if character in forms else re.escape(character) for character in piece
        )

    return re.compile("".join(map(part, _WILDCARDS.split(pattern))), re.DOTALL)
