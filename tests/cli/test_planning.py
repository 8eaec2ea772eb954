"""The command `replicas plan`: the contract of its JSON, its exit codes, and that it never shows a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.documents import validated
from tests.examples import examples

LLAMA_CONFIG = {
    "model_type": "llama",
    "hidden_size": 5120,
    "intermediate_size": 13824,
    "num_hidden_layers": 40,
    "num_attention_heads": 40,
    "num_key_value_heads": 40,
    "vocab_size": 32000,
    "max_position_embeddings": 4096,
}
"""Llama 2 13B, as its publisher's config.json says."""

OF_A_COMPONENT = {
    "model": str,
    "copies": int,
    "accelerators": int,
    "cpus": (int, float),
    "memory_mib": int,
    "weights_gib_per_accelerator": float,
    "kv_cache_tokens": int,
    "reasons": dict,
}


def assert_contract(document: dict[str, Any]) -> None:
    """The shape that other tools rely on (design: contracts)."""
    assert isinstance(document["fits"], bool)
    assert isinstance(document["instance_type"], str)
    assert isinstance(document["problems"], list)
    assert document["fits"] == (not document["problems"])
    for component in document["components"]:
        for field, kind in OF_A_COMPONENT.items():
            assert isinstance(component[field], kind), field
        assert all(isinstance(reason, str) for reason in component["reasons"].values())


# ---- a deployment by name


def test_a_named_deployment_that_fits_is_one_json_document(run: Any) -> None:
    outcome = run("plan", "llama-2-13b", "--json")
    assert outcome.code == 0
    assert_contract(outcome.json)
    (component,) = outcome.json["components"]
    assert outcome.json["instance_type"] == "ml.p4d.24xlarge"
    assert (component["copies"], component["accelerators"], component["cpus"]) == (8, 1, 10)
    assert component["memory_mib"] == 102_400
    assert component["weights_gib_per_accelerator"] == pytest.approx(24.24, abs=0.01)


def test_the_numbers_of_a_component_are_those_of_one_copy(run: Any) -> None:
    (component,) = run("plan", "llama-2-70b", "--json").json["components"]
    assert (component["copies"], component["accelerators"], component["cpus"]) == (2, 4, 40)
    assert component["weights_gib_per_accelerator"] == pytest.approx(137.95e9 / 4 / 2**30, rel=0.001)


def test_a_mix_has_a_component_for_each_model(run: Any) -> None:
    document = run("plan", "llama-13b-mistral-7b", "--json").json
    assert_contract(document)
    assert [component["copies"] for component in document["components"]] == [4, 4]


def test_an_option_changes_a_named_deployment_for_one_look(run: Any) -> None:
    assert run("plan", "llama-2-13b", "--instances", "2", "--copies", "16", "--json").json["placement"] == [[8], [8]]
    assert run("plan", "llama-2-13b", "--json").json["placement"] == [[8]]


def test_a_wish_that_does_not_fit_exits_1_and_says_so_in_json(run: Any) -> None:
    outcome = run("plan", "llama-2-13b", "--copies", "9", "--json")
    assert outcome.code == 1
    assert_contract(outcome.json)
    (problem,) = outcome.json["problems"]
    assert problem == "9 copies need 9 accelerators, but ml.p4d.24xlarge has 8: set copies=8, or instances=2"
    assert outcome.json["components"][0]["copies"] == 9


def test_a_wish_that_does_not_fit_exits_1_and_says_so_on_stderr(run: Any) -> None:
    outcome = run("plan", "llama-2-13b", "--copies", "9")
    assert (outcome.code, outcome.out) == (1, "")
    assert "9 copies need 9 accelerators" in outcome.err


def test_an_unknown_deployment_exits_1_with_the_nearest(run: Any) -> None:
    outcome = run("plan", "llama-2-13", "--json")
    assert (outcome.code, outcome.out) == (1, "")
    assert "near: llama-2-13b" in outcome.err


def test_all_deployments_are_planned_without_a_name(run: Any) -> None:
    outcome = run("plan", "--json")
    assert outcome.code == 0
    assert outcome.json["fits"] is True
    for document in outcome.json["deployments"]:
        assert_contract(document)


def test_one_deployment_that_does_not_fit_makes_the_whole_catalogue_exit_1(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deployments.py").write_text(
        "from replicas.sizing import Component, Deployment\n"
        "DEPLOYMENTS = [\n"
        "    Deployment(name=name, instance_type='ml.g5.xlarge', components=[Component(model=model)])\n"
        "    for name, model in [('small', 'qwen3-0.6b'), ('large', 'llama-2-70b')]\n"
        "]\n"
    )
    monkeypatch.chdir(tmp_path)
    outcome = run("plan", "--json")
    assert outcome.code == 1
    assert [document["fits"] for document in outcome.json["deployments"]] == [True, False]


# ---- a model of the table, or a config.json


def test_a_model_of_the_table_is_sized(run: Any) -> None:
    outcome = run("plan", "--model", "meta-llama/Llama-2-13b-chat-hf", "--instance", "ml.p4d.24xlarge", "--json")
    assert outcome.code == 0
    assert_contract(outcome.json)
    (component,) = outcome.json["components"]
    assert component["copies"] * component["accelerators"] == 8
    assert [layout["accelerators"] for layout in component["layouts"]] == [1, 2, 4, 8]
    assert "is gated" in outcome.json["warnings"][0]


def test_every_option_of_the_contract_is_taken(run: Any) -> None:
    wishes = {
        "--instance": "ml.p4d.24xlarge",
        "--engine": "tgi-1.1.0",
        "--copies": "3",
        "--tensor-parallel": "2",
        "--max-input-tokens": "1000",
        "--max-total-tokens": "2000",
        "--gpu-memory-share": "0.8",
        "--quantization": "gptq",
    }
    document = run("plan", "--model", "llama-2-70b", *[part for pair in wishes.items() for part in pair], "--json").json
    (component,) = document["components"]
    assert component["model"] == "TheBloke/Llama-2-70B-Chat-GPTQ"
    assert (component["engine"], component["quantization"]) == ("tgi-1.1.0", "gptq")
    assert (component["copies"], component["accelerators"]) == (3, 2)
    assert (component["max_input_tokens"], component["max_total_tokens"]) == (1000, 2000)
    assert component["gpu_memory_share"] == 0.8


def test_a_quantization_takes_the_repository_with_such_weights_and_says_so_on_stderr(run: Any) -> None:
    outcome = run("plan", "--model", "llama-2-13b", "--quantization", "awq", "--instance", "ml.g5.2xlarge", "--json")
    assert outcome.json["components"][0]["model"] == "TheBloke/Llama-2-13B-chat-AWQ"
    assert "TheBloke/Llama-2-13B-chat-AWQ" in outcome.err


@pytest.mark.parametrize("with_model", [True, False])
def test_a_config_is_sized_like_the_model_of_the_table(run: Any, tmp_path: Path, with_model: bool) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA_CONFIG))
    name = ["--model", "me/my-13b"] if with_model else []
    on = ["--instance", "ml.p4d.24xlarge", "--engine", "tgi-1.1.0", "--json"]
    (ours,) = run("plan", "--config", str(tmp_path / "config.json"), *name, *on).json["components"]
    (theirs,) = run("plan", "--model", "llama-2-13b", *on).json["components"]
    for field in ("copies", "accelerators", "cpus", "memory_mib", "weights_gib_per_accelerator", "kv_cache_tokens"):
        assert ours[field] == theirs[field]
    assert ours["model"] == ("me/my-13b" if with_model else tmp_path.name)


def test_the_quantization_of_a_config_is_given_by_hand_on_every_command_that_takes_a_config(
    run: Any, tmp_path: Path
) -> None:
    """modelopt's FP8 halves the linear layers of a 13B model: 26 GB become 13.3 GB."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(LLAMA_CONFIG))
    (tmp_path / "fp8.json").write_text(json.dumps({"quantization": {"quant_algo": "FP8"}}))
    given = ["--config", str(tmp_path / "model"), "--quant-config", str(tmp_path / "fp8.json")]
    on = ["--instance", "ml.g6e.xlarge", "--engine", "vllm"]
    load = ["--users", "4", "--json"]
    (planned,) = run("plan", *given, *on, "--json").json["components"]
    assert planned["quantization"] == "fp8"
    assert planned["weights_gib_per_accelerator"] == pytest.approx(13.35e9 / 2**30, rel=0.01)
    assert run("forecast", *given, *on, *load).code == 0
    assert run("cost", *given, *on, *load).code == 0
    load += ["--input-tokens", "500", "--output-tokens", "50"]
    best = run("recommend", "me/my-13b", *given, *on, *load).json["ranked"][0]
    assert best["quantization"] == "fp8"


def test_the_quantization_of_a_config_needs_the_config(run: Any) -> None:
    for command in (["plan", "qwen3-8b"], ["plan", "--model", "qwen3-8b", "--instance", "ml.g5.xlarge"]):
        outcome = run(*command, "--quant-config", "q.json")
        assert (outcome.code, outcome.err) == (2, "--quant-config q.json belongs to a --config FILE: give both\n")
    outcome = run(
        *("recommend", "qwen3-8b", "--quant-config", "q.json", "--users", "4"),
        *("--input-tokens", "500", "--output-tokens", "50"),
    )
    assert outcome.code == 1
    assert "quant_config='q.json' belongs to a config" in outcome.said


def test_a_broken_config_exits_1_with_the_reason(run: Any, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    outcome = run("plan", "--config", str(tmp_path / "config.json"), "--instance", "ml.p4d.24xlarge", "--json")
    assert outcome.code == 1
    assert_contract(outcome.json)
    assert "is not JSON" in outcome.json["problems"][0]


def test_an_unknown_model_exits_1_with_the_nearest(run: Any) -> None:
    outcome = run("plan", "--model", "llama-2-14b", "--instance", "ml.p4d.24xlarge", "--json")
    assert outcome.code == 1
    assert "near: llama-2-13b" in outcome.json["problems"][0]


def test_a_model_that_fits_no_instance_type_of_its_wish_exits_1(run: Any) -> None:
    outcome = run("plan", "--model", "llama-2-70b", "--instance", "ml.g5.xlarge", "--json")
    assert outcome.code == 1
    assert "GiB" in outcome.json["problems"][0]


# ---- wrong usage


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "llama-2-13b", "--model", "llama-2-13b", "--instance", "ml.p4d.24xlarge"],
        ["plan", "--model", "llama-2-13b"],
        ["plan", "--copies", "3"],
        ["plan", "--instance", "ml.p4d.24xlarge"],
        ["plan", "llama-13b-mistral-7b", "--copies", "3"],
        ["plan", "llama-2-13b", "--copies", "many"],
        ["plan", "llama-2-13b", "--nonsense"],
        ["plan", "one", "two"],
        ["plan", "llama-2-13b", "--from-hub"],
        ["nonsense"],
        [],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_with_nothing_on_stdout(run: Any, arguments: list[str]) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert outcome.out == "" or not arguments  # without arguments the help is what was asked for
    assert outcome.err or not arguments


@pytest.mark.parametrize("option", ["--copies", "--instances", "--tensor-parallel", "--max-total-tokens"])
def test_a_number_out_of_bounds_is_named(run: Any, option: str) -> None:
    outcome = run("plan", "llama-2-13b", option, "0")
    assert outcome.code == 2
    assert option in outcome.err
    assert "greater than or equal to 1" in outcome.err


OPTIONS = st.sampled_from(["--json", "--explain", "--from-nowhere", "--", "-h", "llama-2-13b", "", "."])
VALUES = st.sampled_from(
    ["0", "1", "8", "-1", "0.5", "nan", "inf", "1e400", "", "é", "tgi", "tgi-1.1.0", "vllm-0.1", "awq", "qwen3-8b"]
)
WISHES = st.sampled_from(
    [f"--{wish}" for wish in ("copies", "tensor-parallel", "max-input-tokens", "max-total-tokens", "gpu-memory-share")]
    + [f"--{wish}" for wish in ("instances", "engine", "quantization", "model", "config", "instance")]
)
SUBJECTS = st.sampled_from(
    [[], ["llama-2-13b"], ["llama-13b-mistral-7b"], ["--model", "llama-2-13b", "--instance", "ml.p4d.24xlarge"]]
)
ARGUMENTS = st.builds(
    lambda subject, wishes, options: ["plan", *subject, *[part for wish in wishes for part in wish], *options],
    SUBJECTS,
    st.lists(st.tuples(WISHES, VALUES), max_size=3),
    st.lists(OPTIONS, max_size=2),
)


@examples(40, suppress_health_check=list(HealthCheck))
@given(ARGUMENTS)
def test_no_arguments_at_all_give_a_traceback_or_another_exit_code(run: Any, arguments: list[str]) -> None:
    assert run(*arguments).code in (0, 1, 2)


# ---- the tables for people


def test_the_table_of_a_plan_shows_what_its_json_says(run: Any) -> None:
    shown = run("plan", "llama-2-13b").out
    for text in ["NousResearch/Llama-2-13b-chat-hf", "ml.p4d.24xlarge", "tgi-1.1.0", "102,400", "8 of 8 accelerators"]:
        assert text in shown


def test_a_plan_that_scales_shows_both_ends_and_what_its_options_add(run: Any, production: Path) -> None:
    shown = run("plan", "production", "--explain").out
    assert re.search(r"floor +start +ceiling", shown)
    assert re.search(r"copies of code +0 +1 +2 *\n", shown)
    assert re.search(r"USD an hour +13\.12 +13\.12 +26\.23 *\n", shown)
    assert "an update of chat replaces 1 copy at a time, which needs 1 free accelerator" in shown
    assert "options add ~5.00 USD a month (us-west-2):\n" in shown
    assert re.search(r"max_copies +5 +as requested", shown)
    assert re.search(r"rollout_timeout_seconds +9,000 +2 x 5 batches", shown)


def test_json_of_a_plan_that_scales(run: Any, production: Path) -> None:
    document = run("plan", "production", "--json").json
    assert_contract(document)
    assert [document["bounds"][name]["instances"] for name in ("floor", "start", "ceiling")] == [1, 1, 2]
    assert sum(each["usd_per_month"] or 0 for each in document["adds"] if each["counted"]) == pytest.approx(5.00)
    chat, code = document["components"]
    assert (chat["rollout"]["batch_copies"], code["rollout"]) == (1, None)
    assert (code["scaling"]["min_copies"], code["scaling"]["max_copies"], code["scaling"]["wakes"]) == (0, 2, True)
    assert [schedule["name"] for schedule in chat["scaling"]["schedules"]] == ["office", "evening"]
    assert chat["traffic"]["users"] == 64


@pytest.fixture
def production(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder whose deployments.py is the example with every option."""
    shutil.copy(ROOT / "docs" / "examples" / "production.py", tmp_path / "deployments.py")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_explain_gives_a_reason_for_each_number(run: Any) -> None:
    shown = run("plan", "llama-2-13b", "--explain").out
    for field in ("copies", "accelerators", "cpus", "memory_mib", "kv_cache_tokens"):
        assert field in shown


def test_models_lists_the_table_in_json(run: Any) -> None:
    listed = validated(json.loads(run("models", "--json").out))
    (llama,) = [entry for entry in listed if entry["model"] == "meta-llama/Llama-2-13b-chat-hf"]
    assert (llama["parameters"], llama["gated"], llama["kv_bytes_per_token"]) == (13_015_864_320, True, 819_200)


def test_instances_lists_those_of_a_region(run: Any) -> None:
    everywhere = validated(json.loads(run("instances", "--json").out))
    there = validated(json.loads(run("instances", "--region", "eu-north-1", "--json").out))
    assert 0 < len(there) < len(everywhere)
    assert all("eu-north-1" in entry["hosting_regions"] for entry in there)


@pytest.mark.parametrize("command", ["models", "instances"])
def test_a_list_is_a_table_without_json(run: Any, command: str) -> None:
    assert len(run(command).out.splitlines()) > 30


# ---- real processes


def test_a_real_process_prints_json_on_stdout_and_loads_no_slow_library() -> None:
    code = (
        "import sys; sys.argv = ['replicas', 'plan', 'llama-2-13b', '--json']\n"
        "from replicas.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "slow = {'boto3', 'botocore', 'aws_cdk', 'jsii', 'sagemaker', 'huggingface_hub', 'moto', 'numpy'}\n"
        "sys.stderr.write(' '.join(sorted(slow & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert validated(json.loads(done.stdout))["fits"] is True
    assert done.stderr == ""


def test_help_loads_neither_the_rules_nor_the_forecast() -> None:
    code = (
        "import sys; sys.argv = ['replicas', '--help']\n"
        "from replicas.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print(*[name for name in sys.modules if name.startswith(('replicas.rules', 'replicas.forecast'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_command_that_is_ended_ends_in_order(
    run: Any, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    ended: list[str] = []

    def waiting(_: object) -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            ended.append("in order")

    monkeypatch.setattr("replicas.cli.planning.print_json", waiting)
    assert run("models", "--json").code == 130
    assert ended == ["in order"]
    assert signal.getsignal(number) is signal.SIG_DFL

    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_IGN)
    former = signal.signal(number, signal.SIG_IGN)
    try:
        assert run("models", "--json").code == 0, "under nohup nothing ends it"
    finally:
        signal.signal(number, former)


def test_the_installed_command_exits_1_without_a_traceback(tmp_path: Path) -> None:
    command = Path(sys.executable).parent / "replicas"
    done = subprocess.run([command, "plan", "any"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"no deployments.py in {tmp_path}: run the command in the folder that contains it\n"


# ---- check


def written(tmp_path: Path, **metadata: Any) -> str:
    """A template of a model in no VPC, with reasons where they are given."""
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"
    model = {
        "Type": "AWS::SageMaker::Model",
        "Properties": {"PrimaryContainer": {"Image": image, "Environment": {"API_KEY": "tr0ub4dor"}}},
        "Metadata": {"replicas": {"acknowledged": metadata}},
    }
    path = tmp_path / "template.json"
    path.write_text(json.dumps({"Resources": {"Model": model}}))
    return str(path)


def test_practice_is_judged_where_it_is_asked_for(run: Any, tmp_path: Path) -> None:
    without = run("check", written(tmp_path), "--json")
    outcome = run("check", written(tmp_path), "--practice", "--json")

    assert (without.code, without.json["problems"], without.json["warnings"]) == (0, [], [])
    assert outcome.code == 1
    assert [problem["rule"] for problem in outcome.json["problems"]] == ["secret-in-environment"]
    assert [warning["rule"] for warning in outcome.json["warnings"]] == ["not-isolated", "untagged"]


def test_a_reason_in_the_template_is_printed_and_counts(run: Any, tmp_path: Path) -> None:
    template = written(tmp_path, **{"secret-in-environment": "a key of the test server"})

    outcome = run("check", template, "--practice")

    assert outcome.code == 0
    assert (
        "acknowledged: Model: API_KEY holds a secret [secret-in-environment]: a key of the test server" in outcome.out
    )
    assert "tr0ub4dor" not in outcome.out
    assert outcome.out.endswith("0 problems, 2 warnings: the template has no endpoint\n")


def test_all_plans_are_shown_with_their_warnings(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Waste and declared traffic are warned about without naming a deployment."""
    (tmp_path / "deployments.py").write_text(
        "from replicas import Component, Deployment, Scaling, Traffic\n"
        "model = 'mistral-7b-v0.3'\n"
        "one = lambda **wishes: Component(model=model, tensor_parallel=1, **wishes)\n"
        "busy = Traffic(users=5000, input_tokens=1000, output_tokens=500)\n"
        "DEPLOYMENTS = [\n"
        "    Deployment(name='idle', instance_type='ml.g5.12xlarge', components=[one(copies=2)]),\n"
        "    Deployment(name='fixed', instance_type='ml.g5.12xlarge',\n"
        "               components=[one(copies=1, scaling=Scaling(max_copies=4))]),\n"
        "    Deployment(name='busy', instance_type='ml.g5.xlarge',\n"
        "               components=[Component(model=model, copies=1, traffic=busy)]),\n"
        "]\n"
    )
    monkeypatch.chdir(tmp_path)

    shown = run("plan").out
    warned = {plan["name"]: plan["warnings"] for plan in run("plan", "--json").json["deployments"]}

    for name, words in (
        ("idle", "2 of 4 accelerators run no copy"),
        ("fixed", "saves no money"),
        ("busy", "the declared traffic exceeds the forecast capacity of 1 copy"),
    ):
        assert any(line.startswith(f"warning: {name}: ") and words in line for line in shown.splitlines())
        assert any(words in warning for warning in warned[name])
