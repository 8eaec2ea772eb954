"""The distilled arguments of an engine, read from a small source of the same form."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.arguments import sglang, vllm
from scripts.arguments.__main__ import table
from scripts.arguments.source import Source

CONFIG = """
Mode = Literal["auto", "slow"]
Method = Literal["none", Mode]

@config
class ModelConfig:
    mode: Mode = "auto"
    method: Method | None = None
    backend: str | Mode | None = None
    seed: int = 0
    longest: int | None = None
    limits: dict[str, int] = field(default_factory=dict)
    overrides: dict[str, Any] | Callable[[Any], Any] = None
    eager: bool = False
    changed: Mode = "auto"
    part: PartConfig | None = None

@config
class PartConfig:
    size: int = 0
"""
ARG_UTILS = """
from vllm.config import ModelConfig

def get_kwargs(cls):
    if name == "longest":
        kwargs[name]["type"] = human_readable_int

def add_cli_args(parser):
    kwargs = get_kwargs(ModelConfig)
    kwargs["changed"]["choices"] = other
    for_each = parser.add_argument_group()
    for_each.add_argument("--mode", **kwargs["mode"])
    for_each.add_argument("--method", "-m", **kwargs["method"])
    for_each.add_argument("--backend", **kwargs["backend"])
    for_each.add_argument("--seed", **{**kwargs["seed"], "default": None})
    for_each.add_argument("--longest", **kwargs["longest"])
    for_each.add_argument("--limits", **kwargs["limits"])
    for_each.add_argument("--overrides", **kwargs["overrides"])
    for_each.add_argument("--enforce-eager", **kwargs["eager"])
    for_each.add_argument("--part", **kwargs["part"])
    for_each.add_argument("--changed", **kwargs["changed"])
"""
CLI_ARGS = """
@config
class FrontendArgs:
    tool_call_parser: str | None = None
    log_level: Literal["info", "debug"] = "info"
    origins: list[str] = ["*"]

    def change(kwargs):
        kwargs["origins"]["type"] = json.loads
"""
ENVS = """
environment_variables: dict[str, Callable] = {
    "VLLM_NUMBER": lambda: int(os.getenv("VLLM_NUMBER", "1")),
    "VLLM_SHARE": lambda: float(os.environ.get("VLLM_SHARE", "0.5")),
    "VLLM_NAME": lambda: os.getenv("VLLM_NAME"),
}
"""
PARSERS = """
_TO_REGISTER = {}
_TOOL_PARSERS_TO_REGISTER = {"hermes": ("file", "Class")}
"""
DECORATED = """
@ReasoningParserManager.register_module(["one", "two"])
class One: ...

@ReasoningParserManager.register_module("three")
class Three: ...
"""


def written(folder: Path, files: dict[str, str]) -> Source:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Source(folder)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return written(
        tmp_path,
        {
            "vllm/config.py": CONFIG,
            "vllm/envs.py": ENVS,
            "vllm/engine/arg_utils.py": ARG_UTILS,
            "vllm/entrypoints/openai/cli_args.py": CLI_ARGS,
            "vllm/tool_parsers/__init__.py": PARSERS,
            "vllm/reasoning/parsers.py": DECORATED,
        },
    )


def test_the_arguments_of_vllm(source: Source) -> None:
    """The order of `_compute_kwargs` in vllm/engine/arg_utils.py, 0.30.0."""
    plugin = {"plugin": "tool_parser_plugin", "only_with": "enable_auto_tool_choice", "of_server": True}
    assert vllm.arguments(source) == {
        "mode": {"choices": ["auto", "slow"]},
        "method": {"choices": ["auto", "none", "slow"], "none": True},
        "backend": {"choices": ["auto", "slow"], "open": True, "none": True},
        "seed": {"form": "integer"},
        "longest": {"form": "text", "bare": True},
        "limits": {"form": "object"},
        "overrides": {"form": "text"},
        "enforce_eager": {"form": "switch"},
        "no_enforce_eager": {"form": "switch"},
        "changed": {"form": "text", "bare": True},
        "part": {"form": "json", "none": True},
        "origins": {"form": "json", "of_server": True},
        "log_level": {"choices": ["debug", "info"], "of_server": True},
        "tool_call_parser": {"choices": ["hermes"], **plugin},
        "reasoning_parser": {"choices": ["one", "three", "two"], "plugin": "reasoning_parser_plugin"},
    }


def test_the_variables_of_vllm_that_are_numbers(source: Source) -> None:
    assert vllm.variables(source) == {"VLLM_NUMBER": {"form": "integer"}, "VLLM_SHARE": {"form": "number"}}


def test_the_arguments_of_sglang(tmp_path: Path) -> None:
    server = """
from sglang.srt.names import CHOICES, Parser

class ServerArgs:
    seed: A[int, "help"] = 0
    load: A[str, Arg(choices=CHOICES, aliases=["--loader"])] = "auto"
    mode: A[Optional[Literal["a", "b"]], "help"] = None
    size: A[int, Arg(type_parser=human)] = 0

    def add_cli_args(parser):
        names = list(Parser.Names.keys())
        parser.add_argument("--tool-call-parser", type=str, choices=["auto"] + names)
        parser.add_argument("--reasoning-parser", choices=list(Parser.Names.keys()))
        parser.add_argument("--quiet", action="store_true")
"""
    names = 'CHOICES = ["auto", "dummy"]\nclass Parser:\n    Names: Dict[str, Any] = {"qwen": 1, "glm": 2}\n'
    source = written(tmp_path, {"sglang/srt/server_args.py": server, "sglang/srt/names.py": names})
    assert sglang.arguments(source) == {
        "seed": {"form": "integer"},
        "load": {"choices": ["auto", "dummy"]},
        "loader": {"choices": ["auto", "dummy"]},
        "mode": {"choices": ["a", "b"]},
        "size": {"form": "text"},
        "tool_call_parser": {"choices": ["auto", "glm", "qwen"]},
        "reasoning_parser": {"choices": ["glm", "qwen"]},
        "quiet": {"form": "switch"},
    }


def test_a_source_of_another_form_is_refused(source: Source) -> None:
    (source.folder / "vllm/tool_parsers/__init__.py").write_text("")
    with pytest.raises(SystemExit, match="no names of tool_call_parser are registered"):
        vllm.arguments(source)


def test_the_table_has_what_changes_from_version_to_version() -> None:
    number, text = {"form": "number"}, {"form": "text"}
    versions = {"0.9.0": {"a": number, "b": text}, "0.10.0": {"a": number}, "0.11.0": {"a": text, "c": text}}
    written = table("vllm", versions, {})
    assert written["versions"] == ["0.9.0", "0.10.0", "0.11.0"]
    assert written["arguments"] == {
        "a": [{"since": "0.9.0", **number}, {"since": "0.11.0", **text}],
        "b": [{"since": "0.9.0", **text}, {"since": "0.10.0", "absent": True}],
        "c": [{"since": "0.11.0", **text}],
    }
