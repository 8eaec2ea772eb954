"""Reads the arguments of one version of SGLang's server from its source.

Versions up to 0.5.16 add every argument in `ServerArgs.add_cli_args`. Later versions declare most of them as fields in
arg_groups/fields, `name: A[type, Arg(choices=...)]`, and add the others.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scripts.arguments.source import Module, Source
from scripts.arguments.vllm import BARE, TEXT, Takes, form_of, natural


def arguments(source: Source) -> dict[str, Takes]:
    """Return what each argument takes, by the argument's name with underscores.

    Raises:
        SystemExit: the source does not have the expected form.

    """
    server = source.module("sglang.srt.server_args")
    if server is None:
        raise SystemExit(f"{source.folder}: sglang/srt/server_args.py is missing")
    found = {**dict(_declared(source, server)), **dict(_added(source, server))}
    for name in ("tool_call_parser", "reasoning_parser"):
        if "choices" not in found.get(name, {}):
            raise SystemExit(f"{source.folder}: the names of {name} are not in server_args.py")
    return dict(sorted(found.items()))


def _added(source: Source, module: Module) -> Iterator[tuple[str, Takes]]:
    """Yield the arguments of every call of `add_argument`."""
    local = {
        node.targets[0].id: node.value
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            names = [str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
            given = {each.arg: each.value for each in node.keywords if each.arg}
            yield from _flags(names, _given(source, module, given, local))


def _given(
    source: Source, module: Module, given: dict[str, ast.expr], local: dict[str, ast.expr] | None = None
) -> Takes:
    """Return what an argument takes by the keywords of `add_argument` or `Arg`."""
    action = given.get("action")
    if isinstance(action, ast.Constant) and action.value in ("store_true", "store_false"):
        return {"form": "switch"}
    if action is not None or "nargs" in given:
        return BARE
    if "choices" in given:
        texts = _choices(source, module, given["choices"], local or {})
        return {"choices": sorted(texts, key=natural)} if texts else TEXT
    kind = given.get("type")
    names = {"int": "integer", "float": "number"}
    return {"form": names[kind.id]} if isinstance(kind, ast.Name) and kind.id in names else TEXT


def _choices(source: Source, module: Module, node: ast.expr, local: dict[str, ast.expr]) -> list[str] | None:
    """Return the texts of a list, whose parts may be variables of the function."""
    match node:
        case ast.Name(id=name) if name in local and name not in module.imported and name not in module.assigned:
            return source.texts(module, local[name])
        case ast.BinOp(left=left, right=right, op=ast.Add()):
            one, other = _choices(source, module, left, local), _choices(source, module, right, local)
            return None if one is None or other is None else [*one, *other]
    return source.texts(module, node)


def _declared(source: Source, server: Module) -> Iterator[tuple[str, Takes]]:
    """Yield the arguments that fields declare, in the class `ServerArgs` or in the classes of arg_groups/fields."""
    folder = source.folder / "sglang/srt/arg_groups/fields"
    names = [path.stem for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
    for module in (server, *(source.module(f"sglang.srt.arg_groups.fields.{name}") for name in names)):
        for definition in module.classes.values() if module else ():
            for node in definition.body:
                match node:
                    case ast.AnnAssign(
                        target=ast.Name(id=name),
                        annotation=ast.Subscript(value=ast.Name(id="A"), slice=ast.Tuple(elts=[kind, *rest])),
                    ):
                        assert module is not None  # noqa: S101 (the loop is over its classes)
                        yield from _field(source, module, name, kind, rest)


def _field(
    source: Source, module: Module, name: str, kind: ast.expr, rest: list[ast.expr]
) -> Iterator[tuple[str, Takes]]:
    given: dict[str, ast.expr] = {}
    for each in rest:
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "Arg":
            given = {keyword.arg: keyword.value for keyword in each.keywords if keyword.arg}
    flags = [f"--{name}"]
    if (alias := given.get("cli_name")) is not None:
        flags = [str(alias.value)] if isinstance(alias, ast.Constant) else flags
    flags += source.texts(module, given["aliases"]) or [] if "aliases" in given else []
    custom = {"choices", "action", "nargs", "type", "type_parser", "parser"} & given.keys()
    if custom:
        takes = _given(source, module, given)
    else:
        form = form_of(source.hints(module, kind))
        takes = form if "choices" in form or form.get("form") in ("switch", "integer", "number") else TEXT
    yield from _flags(flags, takes)


def _flags(names: list[str], takes: Takes) -> Iterator[tuple[str, Takes]]:
    for name in names:
        if name.startswith("--"):
            yield name.removeprefix("--").replace("-", "_"), takes
