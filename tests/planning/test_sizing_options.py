"""One dataclass describes the sizing options: the deployment that they mean, and the flags of four commands."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from replicas.errors import UsageError
from replicas.planning.sizing_options import SizingOptions, describe
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def _project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_a_model_alone_is_a_deployment_of_one_component() -> None:
    described = describe(None, SizingOptions(model="mistral-7b", instance=("ml.g5.12xlarge",), copies=2))

    (component,) = described.deployment.components
    assert not described.is_named
    assert (described.deployment.instance_type, component.model, component.copies) == (
        "ml.g5.12xlarge",
        "mistral-7b",
        2,
    )


def test_options_change_the_named_deployment_and_nothing_else_of_it() -> None:
    as_written = describe("llama-2-13b", SizingOptions()).deployment
    changed = describe("llama-2-13b", SizingOptions(copies=3, instances=2)).deployment

    assert (changed.components[0].copies, changed.instances) == (3, 2)
    assert changed.components[0].model == as_written.components[0].model
    assert changed.instance_type == as_written.instance_type


def test_a_quantization_takes_the_repository_that_stores_it_and_says_so() -> None:
    described = describe("llama-2-13b", SizingOptions(quantization=("gptq",)))

    assert "gptq" in described.deployment.components[0].model.lower()
    (note,) = described.notes
    assert note.startswith("gptq weights of ")
    assert note.endswith(described.deployment.components[0].model)


def test_fallback_types_make_a_deployment_with_pools() -> None:
    options = SizingOptions(
        model="mistral-7b-v0.3",
        instance=("ml.g6e.12xlarge",),
        fallback_instance_types=("ml.g5.12xlarge", "ml.g6.12xlarge"),
        copies=2,
    )

    planned = describe(None, options).plan()

    assert [other.instance.name for other in planned.fallbacks] == ["ml.g5.12xlarge", "ml.g6.12xlarge"]
    assert [other.components[0].copies for other in planned.fallbacks] == [2, 2]


def test_a_missing_token_is_a_warning_on_fallback_types_too() -> None:
    """The model is only sized, as without fallback types."""
    options = SizingOptions(
        model="meta-llama/Llama-3.1-8B-Instruct",
        instance=("ml.g6e.12xlarge",),
        fallback_instance_types=("ml.g5.12xlarge",),
    )

    warnings = describe(None, options).plan().warnings

    assert any("is gated: set token_secret=" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (None, SizingOptions(), "give NAME, --model or --config"),
        (None, SizingOptions(copies=2), "these options need NAME, --model or --config"),
        (None, SizingOptions(model="mistral-7b"), "--model and --config need --instance"),
        ("llama-2-13b", SizingOptions(model="mistral-7b"), "give one of NAME, --model and --config"),
        (
            "llama-13b-mistral-7b",
            SizingOptions(copies=2),
            "--copies can be used only with a deployment of one component",
        ),
        (None, SizingOptions(config=Path("x"), instance=("a", "b")), "--instance a b: a deployment has one"),
    ],
)
def test_contradictions_are_usage_errors(name: str | None, options: SizingOptions, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        describe(name, options)


def test_every_field_is_a_flag_of_each_command_that_shares_it() -> None:
    import typer

    from replicas.cli.app import app

    group = typer.main.get_command(app)
    commands = {name: group.get_command(None, name) for name in ("plan", "forecast", "cost", "recommend")}  # type: ignore[attr-defined]
    flags = {name: {flag for option in command.params for flag in option.opts} for name, command in commands.items()}

    every = {f"--{field.name.replace('_', '-')}" for field in fields(SizingOptions)}
    for command in ("plan", "forecast", "cost"):
        assert every <= flags[command], command
    assert {"--config", "--instance", "--engine", "--quantization", "--max-total-tokens"} <= flags["recommend"]
