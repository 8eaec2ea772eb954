"""Values that the argument parser of an engine's version refuses, from the source of the version."""

from __future__ import annotations

import pytest

from replicas.engines import NotFollowed, engine_kinds, engine_names, read_settings


def asked(engine: str, version: str | None, **environment: str) -> list[NotFollowed]:
    kind = engine_kinds()[engine]
    return list(read_settings(kind, environment, has_local_weights=False, version=version).not_followed)


def verdict(engine: str, version: str | None, **environment: str) -> str:
    """'taken', 'refused' or 'open' for the only variable that is not taken."""
    entries = asked(engine, version, **environment)
    if not entries:
        return "taken"
    (entry,) = entries
    return "refused" if entry.is_refused else "open"


@pytest.mark.parametrize(
    ("engine", "version", "name", "value", "expected"),
    [
        # vllm/reasoning/__init__.py registers the names; launcher.py raises a KeyError for others.
        ("vllm", "0.30.0", "SM_VLLM_REASONING_PARSER", "deepseek_r1", "taken"),
        ("vllm", "0.30.0", "SM_VLLM_REASONING_PARSER", "nonsense", "refused"),
        ("vllm", "0.14.0", "SM_VLLM_REASONING_PARSER", "k2_horizon", "refused"),
        ("vllm", "0.30.0", "SM_VLLM_REASONING_PARSER", "k2_horizon", "taken"),
        # PyPI has no 0.21.0: 0.19.0 and 0.22.1 do not know the name, but 0.21.0 may.
        ("vllm", "0.21.0", "SM_VLLM_REASONING_PARSER", "nonsense", "open"),
        ("vllm", "0.21.0", "SM_VLLM_REASONING_PARSER", "deepseek_r1", "taken"),
        ("vllm", "0.21.0", "SM_VLLM_SEED", "abc", "refused"),
        # config/model.py: `tokenizer_mode: TokenizerMode | str`, so that the parser takes any name.
        ("vllm", "0.30.0", "SM_VLLM_TOKENIZER_MODE", "mistral", "taken"),
        ("vllm", "0.30.0", "SM_VLLM_TOKENIZER_MODE", "fastest", "open"),
        ("vllm", "0.30.0", "SM_VLLM_DISTRIBUTED_EXECUTOR_BACKEND", "mp", "taken"),
        ("vllm", "0.30.0", "SM_VLLM_DISTRIBUTED_EXECUTOR_BACKEND", "threads", "open"),
        ("vllm", "0.30.0", "SM_VLLM_LIMIT_MM_PER_PROMPT", '{"image": 2}', "taken"),
        ("vllm", "0.30.0", "SM_VLLM_LIMIT_MM_PER_PROMPT", "image=2", "refused"),
        # cli_args.py, LoRAParserAction: `name, path = item.split("=")`, or json.loads.
        ("vllm", "0.30.0", "SM_VLLM_LORA_MODULES", "sql=/opt/ml/sql", "taken"),
        ("vllm", "0.30.0", "SM_VLLM_LORA_MODULES", '{"name": "sql", "path": "/opt/ml/sql"}', "taken"),
        ("vllm", "0.30.0", "SM_VLLM_LORA_MODULES", "sql", "refused"),
        ("vllm", "0.30.0", "SM_VLLM_LORA_MODULES", "a=b=c", "refused"),
        # The argument was removed between 0.14.0 and 0.17.0.
        ("vllm", "0.14.0", "SM_VLLM_DISABLE_LOG_REQUESTS", "true", "taken"),
        ("vllm", "0.30.0", "SM_VLLM_DISABLE_LOG_REQUESTS", "true", "refused"),
        ("vllm", "0.30.0", "SM_VLLM_NO_ENABLE_PREFIX_CACHING", "true", "taken"),
        # server_args.py, choices of --tool-call-parser and --reasoning-parser.
        ("sglang", "0.5.20", "SM_SGLANG_TOOL_CALL_PARSER", "qwen25", "taken"),
        ("sglang", "0.5.20", "SM_SGLANG_TOOL_CALL_PARSER", "auto", "taken"),
        ("sglang", "0.5.8", "SM_SGLANG_TOOL_CALL_PARSER", "auto", "refused"),
        ("sglang", "0.5.20", "SM_SGLANG_TOOL_CALL_PARSER", "nonsense", "refused"),
        ("sglang", "0.5.16", "SM_SGLANG_REASONING_PARSER", "nonsense", "refused"),
        ("sglang", "0.5.20", "SM_SGLANG_SCHEDULE_POLICY", "hrrn", "taken"),
        ("sglang", "0.5.8", "SM_SGLANG_SCHEDULE_POLICY", "hrrn", "refused"),
        ("sglang", "0.5.8", "SM_SGLANG_TOKENIZER_MODE", "mistral", "refused"),
        # properties_manager/vllm_rb_properties.py: the parser of vLLM 0.28.0 reads what vLLM has, LMI drops the rest.
        ("lmi", "29.0.0", "OPTION_LOGPROBS_MODE", "raw_logits", "taken"),
        ("lmi", "29.0.0", "OPTION_LOGPROBS_MODE", "nonsense", "refused"),
        ("lmi", "29.0.0", "OPTION_SEED", "abc", "refused"),
        ("lmi", "29.0.0", "OPTION_UVICORN_LOG_LEVEL", "nonsense", "taken"),
        ("lmi", "29.0.0", "OPTION_DISABLE_LOG_REQUESTS", "true", "taken"),
        ("lmi", "29.0.0", "OPTION_DTYPE", "fp16", "taken"),
        ("lmi", "29.0.0", "OPTION_REASONING_PARSER", "nonsense", "open"),
        # arg_utils.py: TypeAdapter(cls).validate_json; cli_args.py: json.loads of the origins.
        ("vllm", "0.30.0", "SM_VLLM_STRUCTURED_OUTPUTS_CONFIG", "xgrammar", "refused"),
        ("vllm", "0.30.0", "SM_VLLM_STRUCTURED_OUTPUTS_CONFIG", '{"backend": "xgrammar"}', "taken"),
        ("vllm", "0.30.0", "SM_VLLM_ALLOWED_ORIGINS", "*", "refused"),
        ("vllm", "0.30.0", "SM_VLLM_ALLOWED_ORIGINS", '["*"]', "taken"),
        # Removed between 0.12.0 and 0.14.0, also for the value that changes nothing.
        ("vllm", "0.12.0", "SM_VLLM_TASK", "generate", "taken"),
        ("vllm", "0.30.0", "SM_VLLM_TASK", "generate", "refused"),
        # envs.py: `lambda: int(os.environ.get(...))`, which runs when the variable is read.
        ("vllm", "0.30.0", "VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "5", "taken"),
        ("vllm", "0.30.0", "VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "5s", "open"),
        # ConfigManager.java: Integer.parseInt.
        ("lmi", "29.0.0", "SERVING_JOB_QUEUE_SIZE", "many", "refused"),
        ("lmi", "29.0.0", "OPTION_TRUST_REMOTE_CODE", "maybe", "refused"),
        ("lmi", "29.0.0", "OPTION_TRUST_REMOTE_CODE", "1", "taken"),
        ("tgi", "3.3.6", "WATERMARK_GAMMA", "x", "refused"),
        ("tgi", "3.3.6", "MESSAGES_API_ENABLED", "yes", "open"),
        ("tgi", "3.3.6", "HF_MODEL_TRUST_REMOTE_CODE", "True", "open"),
        # sagemaker_entrypoint.sh writes an empty value as a bare flag; argparse: 'expected one argument'.
        ("vllm", "0.30.0", "SM_VLLM_REVISION", "", "refused"),
        ("vllm", "0.30.0", "SM_VLLM_TRUST_REMOTE_CODE", "", "taken"),
        ("sglang", "0.5.20", "SM_SGLANG_REVISION", "", "refused"),
        ("lmi", "29.0.0", "OPTION_REVISION", "", "taken"),
        # launcher/src/main.rs: clap's parser of bool takes true and false; sagemaker-entrypoint.sh, `-n` of a revision.
        # router/src/main.rs: "Invalid hostname, defaulting to 0.0.0.0".
        ("tgi", "3.3.6", "HOSTNAME", "127.0.0.1", "open"),
        ("tgi", "3.3.6", "HOSTNAME", "::", "taken"),
        ("tgi", "3.3.6", "HOSTNAME", "model-server", "taken"),
        ("tgi", "3.3.6", "TRUST_REMOTE_CODE", "true", "taken"),
        ("tgi", "3.3.6", "TRUST_REMOTE_CODE", "True", "refused"),
        ("tgi", "3.3.6", "JSON_OUTPUT", "yes", "refused"),
        ("tgi", "3.3.6", "REVISION", "", "open"),
        ("tgi", "3.3.6", "HF_MODEL_REVISION", "", "taken"),
    ],
)
def test_what_a_version_takes(engine: str, version: str, name: str, value: str, expected: str) -> None:
    assert verdict(engine, version, **{name: value}) == expected


@pytest.mark.parametrize(
    ("switch", "value", "others", "expected"),
    [
        ("true", "hermes", {}, "taken"),
        ("true", "nonsense", {}, "refused"),
        ("true", "mine", {"SM_VLLM_TOOL_PARSER_PLUGIN": "/opt/ml/model/mine.py"}, "open"),
        ("false", "nonsense", {}, "taken"),
    ],
)
def test_a_tool_parser_matters_with_its_switch(switch: str, value: str, others: dict[str, str], expected: str) -> None:
    """vLLM 0.30.0, launcher.py: a KeyError only `if args.enable_auto_tool_choice`."""
    environment = {"SM_VLLM_ENABLE_AUTO_TOOL_CHOICE": switch, "SM_VLLM_TOOL_CALL_PARSER": value, **others}
    assert verdict("vllm", "0.30.0", **environment) == expected


def test_a_tool_parser_of_lmi_is_open_because_lmi_hands_it_on_itself() -> None:
    environment = {"OPTION_ENABLE_AUTO_TOOL_CHOICE": "true", "OPTION_TOOL_CALL_PARSER": "nonsense"}
    assert verdict("lmi", "29.0.0", **environment) == "open"


def test_a_container_without_a_version_is_judged_by_all_versions() -> None:
    assert verdict("vllm", None, SM_VLLM_SEED="abc") == "refused"
    assert verdict("vllm", None, SM_VLLM_SWAP_SPACE="4") == "open"
    assert verdict("vllm", None, SM_VLLM_REASONING_PARSER="nonsense") == "open"


@pytest.mark.parametrize("engine", [name for name in engine_names() if engine_kinds()[name].arguments])
def test_the_arguments_of_most_versions_with_an_image_are_known(engine: str) -> None:
    kind = engine_kinds()[engine]
    read = kind.facts("arguments")["versions"]
    inside = kind.facts().get("vllm", {version: version for version in kind.image_versions()})
    missing = {version for version in kind.image_versions() if version in inside and inside[version] not in read}
    # PyPI has no wheels of these versions of vLLM; LMI before 15 is not planned.
    assert missing <= {"0.21.0", "27.0.0"}
