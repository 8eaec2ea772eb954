"""Validates parameters against botocore's model of an operation, more strictly than botocore's client does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from botocore.model import ListShape, MapShape, Shape, StructureShape

from embedded_aws.evidence import documented
from embedded_aws.service import ServiceError


def check_shape(params: object, shape: Shape | None, *, code: str = "ValidationException") -> None:
    """Refuse missing or unknown parameters, and values of a wrong type, length, range, pattern or enum.

    Args:
        params: the parsed parameters.
        shape: input shape of the operation; None if it has no input.
        code: error code; services of the query protocol use ValidationError.

    Raises:
        ServiceError: one error with all problems, in AWS's wording.

    """
    problems = list(_problems(params, shape, "")) if shape else []
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''}"
        listed = "; ".join(problems)
        raise ServiceError(code, f"{count} detected: {listed}", documented("botocore, the API model of the operation"))


def _problems(value: object, shape: Shape, path: str) -> Iterator[str]:
    match shape:
        case StructureShape():
            yield from _structure(value, shape, path)
        case ListShape():
            if not isinstance(value, list):
                yield _failed(value, path, "be a list")
                return
            yield from _bounds(len(value), value, shape, path, "length")
            for index, entry in enumerate(value, 1):
                yield from _problems(entry, shape.member, f"{path}.{index}.member")
        case MapShape():
            if not isinstance(value, Mapping):
                yield _failed(value, path, "be a map")
                return
            yield from _bounds(len(value), value, shape, path, "length")
            for key, entry in value.items():
                yield from _problems(key, shape.key, f"{path}.{key}.key")
                yield from _problems(entry, shape.value, f"{path}.{key}.value")
        case _:
            yield from _scalar(value, shape, path)


def _structure(value: object, shape: StructureShape, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield _failed(value, path, "be a structure")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield _failed(None, _below(path, name), "not be null")
    for name, entry in value.items():
        if name not in shape.members:
            yield _failed(entry, _below(path, name), "be a member of the request")
        elif entry is not None:
            yield from _problems(entry, shape.members[name], _below(path, name))


def _scalar(value: object, shape: Shape, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "string":
        if not isinstance(value, str):
            yield _failed(value, path, "be a string")
            return
        choices = getattr(shape, "enum", None)
        if choices and value not in choices:
            yield _failed(value, path, f"satisfy enum value set: [{', '.join(choices)}]")
        yield from _bounds(len(value), value, shape, path, "length")
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield _failed(value, path, f"satisfy regular expression pattern: {pattern}")
    elif kind in ("integer", "long", "float", "double"):
        whole = kind in ("integer", "long")
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            yield _failed(value, path, "be a whole number" if whole else "be a number")
            return
        assert isinstance(value, (int, float))  # noqa: S101 (checked above)
        yield from _bounds(value, value, shape, path, "value")
    elif kind == "boolean" and not isinstance(value, bool):
        yield _failed(value, path, "be true or false")


def _bounds(measure: float, value: object, shape: Shape, path: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and measure < least:
        yield _failed(value, path, f"have {what} greater than or equal to {least}")
    if most is not None and measure > most:
        yield _failed(value, path, f"have {what} less than or equal to {most}")


def _failed(value: object, path: str, constraint: str) -> str:
    shown = "null" if value is None else str(value)
    return f"Value '{shown[:120]}' at '{path}' failed to satisfy constraint: Member must {constraint}"


def _below(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a Java regular expression for Python. Unicode classes are approximated.

    A pattern that cannot be converted matches everything. No operation that the embedded AWS implements uses such a
    pattern.
    """
    plain = re.sub(r"(?:\\p\{[LN]\})+", r"\\w", pattern).replace(r"\p{Z}", r"\s").replace(r"\p{Print}", "[ -~]")
    try:
        return re.compile(plain.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff"), re.DOTALL)
    except re.error:
        return re.compile(".*", re.DOTALL)
