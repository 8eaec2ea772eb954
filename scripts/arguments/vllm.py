"""Reads the arguments of one version of vLLM's server (`get_kwargs` in vllm/engine/arg_utils.py) from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.arguments.source import Hints, Module, Source

Takes = Mapping[str, Any]
"""What an argument takes, as `arguments.json` has it."""

TEXT: Takes = {"form": "text"}
BARE: Takes = {"form": "text", "bare": True}
"""An argument that may need no value."""
_FRONT_ENDS = (
    "vllm.entrypoints.launchers.cli_args",
    "vllm.entrypoints.serve.cli_args",
    "vllm.entrypoints.openai.cli_args",
)
_PARSERS: Mapping[str, Mapping[str, Any]] = {
    "tool_call_parser": {
        "folders": ("vllm/tool_parsers", "vllm/entrypoints/openai/tool_parsers"),
        "rules": {"plugin": "tool_parser_plugin", "only_with": "enable_auto_tool_choice"},
    },
    "reasoning_parser": {"folders": ("vllm/reasoning",), "rules": {"plugin": "reasoning_parser_plugin"}},
}
"""Arguments whose names parsers register. The server raises a KeyError for another name before it serves
(entrypoints/openai/api_server.py, since 0.30.0 entrypoints/launchers/launcher.py: `valid_tool_parses`)."""


def arguments(source: Source) -> dict[str, Takes]:
    """Return what each argument takes, by the argument's name with underscores.

    Raises:
        SystemExit: the source does not have the expected form.

    """
    engine = source.module("vllm.engine.arg_utils")
    front = next((module for name in _FRONT_ENDS if (module := source.module(name))), None)
    if engine is None or front is None:
        raise SystemExit(f"{source.folder}: vLLM's arguments are in other modules than {', '.join(_FRONT_ENDS)}")
    of_server = {**dict(_declared(source, front)), **dict(_added(source, front))}
    found = {name: {**takes, "of_server": True} for name, takes in of_server.items()} | dict(_added(source, engine))
    for name, parser in _PARSERS.items():
        names = sorted({each for folder in parser["folders"] for each in _registered(source, folder)})
        if not names:
            raise SystemExit(f"{source.folder}: no names of {name} are registered in {', '.join(parser['folders'])}")
        found[name] = {"choices": names, **parser["rules"], **({"of_server": True} if name in of_server else {})}
    return dict(sorted(found.items()))


def variables(source: Source) -> dict[str, Takes]:
    """Return what each environment variable takes that vllm/envs.py reads as a number.

    Raises:
        SystemExit: the source does not have the expected form.

    """
    module = source.module("vllm.envs")
    table = module.assigned.get("environment_variables") if module else None
    if not isinstance(table, ast.Dict):
        raise SystemExit(f"{source.folder}: vllm/envs.py has no environment_variables")
    names = {"int": "integer", "float": "number"}
    found: dict[str, Takes] = {}
    for key, value in zip(table.keys, table.values, strict=True):
        match key, value:
            case (
                ast.Constant(value=str() as name),
                ast.Lambda(
                    body=ast.Call(
                        func=ast.Name(id="int" | "float" as read),
                        args=[ast.Call(func=ast.Attribute(attr="getenv" | "get"))],
                    )
                ),
            ):
                found[name] = {"form": names[read]}
    return found


def _declared(source: Source, front: Module) -> Iterator[tuple[str, Takes]]:
    """Yield the fields of the front end's class, which are arguments."""
    changed = {name: BARE for node in ast.walk(front.tree) for name in _changed(node)}
    changed |= {name: {"form": "json"} for node in ast.walk(front.tree) for name in _read_as_json(node)}
    for name, (home, annotation) in source.fields(front, "FrontendArgs").items():
        yield from _flags([f"--{name}"], changed.get(name) or _takes(source, home, annotation))


def _added(source: Source, module: Module) -> Iterator[tuple[str, Takes]]:
    """Yield the arguments of every call of `add_argument`."""
    converts_types = any(isinstance(node, ast.FunctionDef) and node.name == "get_kwargs" for node in module.tree.body)
    classes = {
        target.id: node.value.args[0].id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign)
        and isinstance(target := node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "get_kwargs"
        and isinstance(node.value.args[0], ast.Name)
        and converts_types  # the function of versions before 0.9 takes only the defaults from the fields
    }
    special = {*_named_by_get_kwargs(module), *(name for node in ast.walk(module.tree) for name in _changed(node))}
    for node in ast.walk(module.tree):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument"
        ):
            continue
        names = [str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
        takes = _given(source, module, node)
        for owner, field in _unpacked(node):
            fields = source.fields(module, classes[owner]) if owner in classes else {}
            if takes == TEXT and field in fields:
                takes = BARE if field in special else _takes(source, *fields[field])
        yield from _flags(names, takes)


def _unpacked(call: ast.Call) -> Iterator[tuple[str, str]]:
    """Yield the names in `**kwargs["field"]`, also in `**{**kwargs["field"], "default": None}`."""
    for keyword in call.keywords:
        if keyword.arg is not None:
            continue
        nodes = keyword.value.values if isinstance(keyword.value, ast.Dict) else [keyword.value]
        for node in nodes:
            match node:
                case ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=str() as field)):
                    yield owner, field


def _named_by_get_kwargs(module: Module) -> Iterator[str]:
    """Yield the texts in `get_kwargs`. They contain the names of the fields that it treats in another way."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in ("get_kwargs", "_compute_kwargs"):
            yield from (
                each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )


def _flags(names: list[str], takes: Takes) -> Iterator[tuple[str, Takes]]:
    for name in (name for name in names if name.startswith("--")):
        argument = name.removeprefix("--").replace("-", "_")
        yield argument, takes
        if takes == {"form": "switch"}:
            yield f"no_{argument}", takes


def _changed(node: ast.AST) -> Iterator[str]:
    """Yield the name of a field whose parser the code changes: `kwargs["field"]["type"] = ...`."""
    targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
    targets = [node.target] if isinstance(node, ast.AugAssign) else targets
    for target in targets:
        match target:
            case ast.Subscript(
                value=ast.Subscript(slice=ast.Constant(value=str() as name)), slice=ast.Constant(value=str() as key)
            ) if key not in ("help", "metavar", "default", "deprecated"):
                yield name
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Subscript(slice=ast.Constant(value=str() as name)), attr="update" | "pop")
        ):
            yield name


def _read_as_json(node: ast.AST) -> Iterator[str]:
    """Yield the name of a field in `kwargs["field"]["type"] = json.loads`."""
    match node:
        case ast.Assign(
            targets=[
                ast.Subscript(
                    value=ast.Subscript(slice=ast.Constant(value=str() as name)), slice=ast.Constant(value="type")
                )
            ],
            value=ast.Attribute(value=ast.Name(id="json"), attr="loads"),
        ):
            yield name


def _given(source: Source, module: Module, call: ast.Call) -> Takes:
    """Return what an argument takes by the keywords of `add_argument`."""
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    action = given.get("action")
    if isinstance(action, ast.Constant) and action.value in ("store_true", "store_false"):
        return {"form": "switch"}
    if isinstance(action, ast.Attribute) and action.attr == "BooleanOptionalAction":
        return {"form": "switch"}
    if "nargs" in given or action is not None:
        return BARE
    if "choices" in given:
        texts = source.texts(module, given["choices"])
        return {"choices": sorted(texts)} if texts else TEXT
    kind = given.get("type")
    names = {"int": "integer", "float": "number"}
    return {"form": names[kind.id]} if isinstance(kind, ast.Name) and kind.id in names else TEXT


def _takes(source: Source, home: Module, annotation: ast.expr) -> Takes:
    """Return what an argument takes by the type of its field, in the order of `get_kwargs`."""
    hints = source.hints(home, annotation)
    takes = form_of(hints)
    if "None" in hints.names and takes not in (TEXT, BARE) and takes != {"form": "switch"}:
        return {**takes, "none": True}
    return takes


def form_of(hints: Hints) -> Takes:
    """Return what an argument of a type takes."""
    names = hints.names
    if names == {"bool", "str", "None"}:
        return BARE
    if "dataclass" in names:
        return {"form": "json"} if names <= {"dataclass", "None"} else TEXT
    if "bool" in names:
        return {"form": "switch"}
    if "Literal" in names:
        return {"choices": sorted(hints.literals, key=natural), **({"open": True} if "str" in names else {})}
    if names & {"tuple", "list", "set", "other", "type"}:
        return TEXT
    if "int" in names:
        return {"form": "integer"}
    if "float" in names:
        return {"form": "number"}
    return {"form": "object"} if "dict" in names and "str" not in names else TEXT


def natural(text: str) -> tuple[int, str]:
    """Return a key that sorts numbers by their size."""
    return (int(text) if text.isdigit() else -1, text)


def _registered(source: Source, folder: str) -> Iterator[str]:
    """Yield the names under which the modules of a folder register parsers."""
    for tree in source.files(folder):
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys)) if name.endswith(
                    "_TO_REGISTER"
                ):
                    yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))
                case ast.ClassDef(decorator_list=decorators):
                    for decorator in decorators:
                        yield from _decorated(decorator)


def _decorated(decorator: ast.expr) -> Iterator[str]:
    """Yield the names that `@Manager.register_module("name")` registers: one or a list, also as `name=`."""
    match decorator:
        case ast.Call(func=ast.Attribute(attr="register_module"), args=args, keywords=keywords):
            given = [*args[:1], *(keyword.value for keyword in keywords if keyword.arg == "name")]
            for each in given:
                nodes = each.elts if isinstance(each, ast.List | ast.Tuple) else [each]
                yield from (str(node.value) for node in nodes if isinstance(node, ast.Constant))
