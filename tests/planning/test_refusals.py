"""Wrong deployments, one fault each: the sentence names what was given, what is allowed and what to change."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from replicas import Component, Deployment, plan
from replicas.errors import SizingError
from tests.planning.build import P4D, deployment, problem_of, problems_of

TOKEN = "hf_" + "NotARealTokenButLongEnough"

FIELDS = [
    ("copies", 0, r"components\.0\.copies=0: give 1 or more"),
    ("copies", True, r"components\.0\.copies=True: it is not a whole number: give one such as 2"),
    ("copies", "8", r"components\.0\.copies='8': it is not a whole number: give one such as 2"),
    ("tensor_parallel", -1, r"components\.0\.tensor_parallel=-1: give 1 or more"),
    ("cpus", 0.1, r"components\.0\.cpus=0\.1: give 0\.25 or more \(SageMaker accepts multiples of a quarter"),
    ("cpus", float("nan"), r"components\.0\.cpus=nan: "),
    ("cpus", float("inf"), r"components\.0\.cpus=inf: "),
    ("memory_mib", 127, r"components\.0\.memory_mib=127: give 128 or more \(the CloudFormation schema"),
    ("gpu_memory_share", 0.0, r"components\.0\.gpu_memory_share=0\.0: give more than 0"),
    ("gpu_memory_share", 1.5, r"components\.0\.gpu_memory_share=1\.5: give at most 1 "),
    ("startup_timeout_seconds", 4000, r"components\.0\.startup_timeout_seconds=4000: give at most 3,600 "),
    ("weights", "s3://bucket/prefix", r"components\.0\.weights='s3://bucket/prefix': .*with the slash at the end"),
    ("model", 13, r"components\.0\.model=13: it is not a text: give one in quotes"),
    ("environment", {"A": 1}, r"components\.0\.environment\['A'\]=1: it is not a text: give one in quotes"),
    ("environment", None, r"components\.0\.environment=None: it is not a dict: give a dict with texts"),
    ("instances", 0, r"instances=0: give 1 or more"),
    ("region", "Frankfurt", r"region='Frankfurt': give a region such as us-west-2"),
    ("account", "1234", r"account='1234': give an account of twelve digits"),
    ("endpoint_name", "-x", r"endpoint_name='-x': give 1 to 63 letters .*: 'x', for example"),
    ("network_isolation", "no", r"network_isolation='no': it is not a switch: give True or False"),
]


@pytest.mark.parametrize(("field", "value", "sentence"), FIELDS)
def test_a_field_with_a_wrong_value_is_named_with_the_value_and_what_is_allowed(
    field: str, value: object, sentence: str
) -> None:
    assert re.search(rf"^{sentence}", problems_of(deployment(**{field: value}))[0])


REFUSED = {
    "9 copies on 8 accelerators": (
        {"copies": 9, "engine": "tgi-1.1.0"},
        r"^9 copies need 9 accelerators, but ml\.p4d\.24xlarge has 8: set copies=8, or instances=2$",
    ),
    "20 copies on two instances": (
        {"copies": 20, "instances": 2},
        r"^20 copies need 20 accelerators, but 2 x ml\.p4d\.24xlarge have 16: set copies=16, or instances=3$",
    ),
    "copies of two accelerators": (
        {"copies": 5, "tensor_parallel": 2},
        r"^5 copies need 10 accelerators, but ml\.p4d\.24xlarge has 8: set copies=4, or instances=2$",
    ),
    "unknown model": (
        {"model": "NousResearch/Llama-2-13b-chat"},
        r"^model 'NousResearch/Llama-2-13b-chat' is not in the table; near: NousResearch/Llama-2-13b-chat-hf, ",
    ),
    "unknown instance type": (
        {"instance_type": "ml.p4.24xlarge"},
        r"^instance type 'ml\.p4\.24xlarge' is not in the table; near: ml\.p4d\.24xlarge",
    ),
    "EC2's name of an instance type": (
        {"instance_type": "p4d.24xlarge"},
        r"^instance type 'p4d\.24xlarge' is not in the table; near: ml\.p4d\.24xlarge",
    ),
    "unknown engine": ({"engine": "tgl"}, r"^engine 'tgl' is not known; engines: lmi, sglang, tgi, vllm"),
    "engine version that nobody has read": (
        {"engine": "vllm-0.99.0"},
        r"^engine 'vllm-0.99.0': versions of vllm after 0.33 are not supported yet; 'vllm' selects [0-9.]+, the newest "
        r"with an image",
    ),
    "engine version that is none": (
        {"engine": "vllm-latest"},
        r"^engine 'vllm-latest': 'latest' is not a version; versions of vllm with an image: 0\.14\.0, ",
    ),
    "engine version without an image": (
        {"engine": "vllm-0.19.0"},
        r"^vllm-0\.19\.0 has no container image: set engine='vllm' for the "
        r"newest version with an image, or one of 0\.14\.0, ",
    ),
    "gated model": (
        {"model": "meta-llama/Llama-2-13b-chat-hf"},
        r"^meta-llama/Llama-2-13b-chat-hf is gated: set token_secret=.* or weights='s3://.*, or use an ungated copy",
    ),
    "isolation and the Hub": (
        {"network_isolation": True},
        r"^network_isolation=True: .* would be fetched from the Hub.*: "
        r"set weights='s3://.*, or network_isolation=False$",
    ),
    "a commit of the Hub and weights in S3": (
        {"weights": "s3://bucket/prefix/", "revision": "main"},
        r"^revision= names a commit on the Hub, but the weights come from S3",
    ),
    "no room for an answer": (
        {"max_input_tokens": 4096, "max_total_tokens": 4096},
        r"^max_input_tokens=4096 leaves no room .* max_total_tokens=4096: set max_input_tokens=4095$",
    ),
    "longer than the model's context": (
        {"max_total_tokens": 5000},
        r"^max_total_tokens=5000: .* has a context of 4096 tokens: set max_total_tokens=4096$",
    ),
    "a prompt longer than the model's context": (
        {"max_input_tokens": 5000},
        r"^max_input_tokens=5000: .* has a context of 4096 tokens",
    ),
    "a prompt that fills the model's context": (
        {"max_input_tokens": 4096},
        r"^max_input_tokens=4096: .* has a context of 4096 tokens",
    ),
    "a degree that does not divide the heads": (
        {"tensor_parallel": 3},
        r"^tensor_parallel=3 does not split .*40 attention heads.*: set tensor_parallel=1 or 2 or 4 or 8$",
    ),
    "a degree above the instance's accelerators": (
        {"tensor_parallel": 16},
        r"^tensor_parallel=16: ml\.p4d\.24xlarge has 8 accelerators .*: set tensor_parallel=8$",
    ),
    "a claim that was measured refused": (
        {"instance_type": "ml.g5.xlarge", "model": "TheBloke/Llama-2-7B-Chat-AWQ", "memory_mib": 4096},
        r"^memory_mib=4096: copies on ml\.g5\.xlarge may reserve 1024 \(.*\): set memory_mib=1024 or less$",
    ),
    "more CPU than the host has": (
        {"cpus": 100.0},
        r"^cpus=100: copies on ml\.p4d\.24xlarge may reserve 80 \(.*\): set cpus=80 or less$",
    ),
    "claims whose sum is too large": (
        {"copies": 8, "cpus": 12.0},
        r"^8 copies reserve 96 CPUs, but on ml\.p4d\.24xlarge they may reserve 80 .*copies=6, or instances=2, or cpus=",
    ),
    "a model too large for the card": (
        {"model": "llama-2-70b", "tensor_parallel": 2},
        r"^a copy of .*70b-chat-hf needs 6\d\.\d GiB on each of 2 accelerators .*uses at most 36\.\d .*: set "
        r"tensor_parallel=4",
    ),
    "a cache too large for the card": (
        {"min_kv_cache_tokens": 10**6, "tensor_parallel": None},
        r"needs \d+\.\d GiB on each of 8 accelerators .*1,000,000 tokens.*: set min_kv_cache_tokens=\d+",
    ),
    "AWQ of an fp16 repository": (
        {"quantization": "awq"},
        r"^quantization='awq': .* is not stored in this format.*: use model='TheBloke/Llama-2-13B-chat-AWQ'$",
    ),
    "AWQ of a GPTQ repository": (
        {"model": "TheBloke/Llama-2-13B-chat-GPTQ", "quantization": "awq"},
        r"^quantization='awq': .* are stored in gptq already; leave it out",
    ),
    "a quantization that nobody knows": (
        {"quantization": "zip"},
        r"^quantization='zip' is not known; known: gptq, awq,",
    ),
    "Qwen 3 on the article's TGI": (
        {"engine": "tgi-1.1.0", "model": "Qwen/Qwen3-8B"},
        r"^tgi-1\.1\.0 does not serve the model family 'qwen3' .*: use engine='tgi-3\.3\.4' or later$",
    ),
    "T5 on vLLM": ({"model": "google/flan-t5-xl"}, r"^vllm-.* does not serve google/flan-t5-xl: .*: use engine='tgi'$"),
    "CUDA 11.8 on Blackwell": (
        {"engine": "tgi-1.1.0", "instance_type": "ml.p6-b200.48xlarge"},
        r"^tgi-1\.1\.0 comes with CUDA 11\.8; the B200 of ml\.p6-b200\.48xlarge needs 12\.8 or newer: use another",
    ),
    "a Neuron device": (
        {"instance_type": "ml.inf2.24xlarge"},
        r"^ml\.inf2\.24xlarge has Inferentia2 accelerators, on which no image of lmi or sglang or tgi or vllm runs",
    ),
    "the environment against the plan": (
        {"engine": "tgi-1.1.0", "environment": {"SM_NUM_GPUS": "2"}},
        r"^environment\['SM_NUM_GPUS'\]='2' contradicts the plan, which sets '1': leave it out$",
    ),
    "both names of TGI's longest prompt, which its launcher refuses": (
        {"engine": "tgi-3.3.6", "environment": {"MAX_INPUT_LENGTH": "2048"}},
        r"^environment\['MAX_INPUT_LENGTH'\]",
    ),
    "a variable with a hyphen": (
        {"environment": {"A-B": "x"}},
        r"^environment\['A-B'\]: a name may contain letters, digits and underscores",
    ),
    "a variable with a long value": (
        {"environment": {"A": "x" * 1025}},
        r"^environment\['A'\]: .* at most 1024 characters$",
    ),
    "too many variables": (
        {"environment": {f"A{number}": "x" for number in range(100)}},
        r"^environment has 100 entries: keep at most \d+$",
    ),
    "a region without inference components in CloudFormation": (
        {"region": "us-gov-west-1", "engine": "vllm-0.28.0", "image_source": "aws"},
        r"^region us-gov-west-1: CloudFormation does not know AWS::SageMaker::InferenceComponent there "
        r".*a region that has it: none$",
    ),
    "a region without the instance type": (
        {"region": "me-central-1"},
        r"^region me-central-1: ml\.p4d\.24xlarge has no hosting price there: use a region that has one: .*us-west-2$",
    ),
    "a config.json that is not there": (
        {"config": "/nowhere/config.json"},
        r"^config\.json cannot be read: '/nowhere/config\.json': No such file",
    ),
}


@pytest.mark.parametrize(("wishes", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_wish_that_cannot_be_met_is_refused_with_what_to_change(wishes: dict[str, Any], sentence: str) -> None:
    assert re.search(sentence, problem_of(deployment(**wishes)))


def test_a_region_without_the_image_is_named() -> None:
    """The isolated region of Europe has TGI's image, and AWS's of two versions of vLLM (the SDK's table)."""
    problems = problems_of(deployment(region="eu-isoe-west-1", engine="vllm-0.29.0"))
    assert any("no registry account is known for the image huggingface-vllm" in it for it in problems)
    assert any(it.endswith("vllm versions with an image there: 0.27.1, 0.28.0 (image_source='aws')") for it in problems)


def test_a_region_that_is_none_is_refused_with_the_nearest() -> None:
    assert re.search(r"^region 'us-wset-2' is not known; near: us-west-2", problem_of(deployment(region="us-wset-2")))


# ---- tokens

LEAKS: list[dict[str, Any]] = [
    {"environment": {"HF_TOKEN": TOKEN}},
    {"environment": {"HUGGING_FACE_HUB_TOKEN": TOKEN}},
    {"environment": {"ANY_OTHER": f"Bearer {TOKEN}"}},
    {"token_secret": TOKEN},
    {"revision": TOKEN},
    {"environment": {"HF_TOKEN": TOKEN.encode()}},
    {"environment": [("HF_TOKEN", TOKEN)]},
    {"environment": {"HF_TOKEN": TOKEN, "A": 1}},
    {"environment": {TOKEN: "x"}},
    {"weights": TOKEN},
]


@pytest.mark.parametrize("wishes", LEAKS, ids=lambda wishes: str(wishes).replace(TOKEN, "..."))
def test_a_token_anywhere_is_refused_and_never_repeated(wishes: dict[str, Any]) -> None:
    with pytest.raises(SizingError) as caught:
        plan(deployment(**wishes))
    assert TOKEN not in str(caught.value)
    assert TOKEN not in repr(caught.value)


@pytest.mark.parametrize("variable", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
def test_a_variable_for_a_token_is_refused_whatever_its_value(variable: str) -> None:
    problem = problem_of(deployment(environment={variable: "anything"}))
    assert problem == (
        f"environment['{variable}'] would put a token into the template: store "
        "it in a secret and set token_secret= to its name"
    )


def test_a_token_for_the_name_of_its_secret_is_refused() -> None:
    assert re.search(
        r"^token_secret= looks like a Hugging Face token: store it in Secrets Manager",
        problem_of(deployment(token_secret=TOKEN)),
    )


# ---- several at once


def test_faults_of_fields_and_of_names_are_all_listed() -> None:
    problems = problems_of(
        Deployment(
            name="chat",
            instance_type="ml.p9.24xlarge",
            region="Moon",
            components=[
                Component(name="one", model="nothing", engine="none"),
                Component(name="two", model="llama-2-13b", copies=0),
            ],
        )
    )
    for sentence in ["'ml.p9.24xlarge'", "region='Moon'", "'nothing'", "'none'", "copies=0"]:
        assert sum(sentence in problem for problem in problems) == 1


def test_a_fault_of_a_field_does_not_hide_the_wrong_name_beside_it() -> None:
    problems = problems_of(deployment(copies=0, model="nothing"))
    assert any("copies=0" in problem for problem in problems)
    assert any("'nothing'" in problem for problem in problems)


def test_a_fault_of_a_field_does_not_hide_a_token_beside_it() -> None:
    problems = problems_of(deployment(copies=0, environment={"HF_TOKEN": TOKEN}))
    assert any("token_secret=" in problem for problem in problems)


def test_models_that_do_not_fit_are_all_listed_with_their_names() -> None:
    big = [Component(name=name, model="llama-2-70b") for name in ("one", "two")]
    problems = problems_of(deployment(instance_type="ml.g5.2xlarge", components=big))
    assert [problem.split(": ")[0] for problem in problems] == ["one", "two"]


def test_what_could_be_sized_comes_with_the_refusal() -> None:
    with pytest.raises(SizingError) as caught:
        plan(deployment(copies=9))
    (component,) = caught.value.components
    assert (component.copies, component.accelerators) == (9, 1)


def test_two_components_need_a_name_each() -> None:
    pair = [Component(model="llama-2-13b"), Component(model="llama-2-7b", name="small")]
    problem = problem_of(deployment(components=pair))
    assert problem.startswith("each of several components needs a name=; missing for: llama-2-13b.")
    assert "A component that was deployed alone needs name='chat'" in problem


def test_a_batch_size_for_an_engine_that_counts_tokens_is_refused() -> None:
    problem = problem_of(deployment(engine="tgi-1.1.0", max_sequences=64))
    assert re.search(r"max_sequences=64: tgi-1\.1\.0 limits its batches by tokens", problem)


def test_a_prefill_step_that_holds_no_whole_prompt_is_refused_for_tgi() -> None:
    problem = problem_of(deployment(engine="tgi-1.1.0", max_input_tokens=2048, max_batch_prefill_tokens=1024))
    assert re.search(r"max_batch_prefill_tokens=1024: .* set max_batch_prefill_tokens=2048", problem)


def test_a_prefill_step_may_be_short_for_vllm() -> None:
    short = deployment(engine="vllm", max_input_tokens=2048, max_batch_prefill_tokens=1024)
    assert plan(short).components[0].environment["SM_VLLM_MAX_NUM_BATCHED_TOKENS"] == "1024"


def test_more_requests_than_tokens_in_a_step_are_refused_as_the_engine_does() -> None:
    # vLLM 0.32: "max_num_batched_tokens (512) must be greater than or equal to max_num_seqs (700)".
    wide = deployment(engine="vllm", max_batch_prefill_tokens=512, max_sequences=700)
    assert re.search(
        r"max_sequences=700 is more than max_batch_prefill_tokens=512.*: set max_sequences=512", problem_of(wide)
    )


def test_a_small_step_lowers_the_default_of_requests_in_a_batch() -> None:
    narrow = plan(deployment(engine="vllm", max_batch_prefill_tokens=128))
    assert narrow.components[0].environment["SM_VLLM_MAX_NUM_SEQS"] == "128"


def test_two_components_of_one_name_are_refused() -> None:
    pair = [Component(model=model, name="same") for model in ("llama-2-13b", "llama-2-7b")]
    assert problem_of(deployment(components=pair)) == "2 components are named 'same': give each its own name"


def test_a_deployment_without_components_is_refused() -> None:
    empty = Deployment(name="chat", instance_type=P4D, components=[])
    assert re.search(r"^components=\[\]: give at least one component", problem_of(empty))


def test_a_component_that_is_none_is_refused_beside_one_that_is() -> None:
    mixed: list[Any] = [Component(model="llama-2-13b", name="one"), "llama-2-7b"]
    assert re.search(r"^components\.1='llama-2-7b'", "\n".join(problems_of(deployment(components=mixed))))


def test_claims_whose_sum_fits_but_no_placement_does_are_refused_as_such() -> None:
    """3 copies of 45 of 80 CPUs on two hosts: 135 of 160 in all, yet one a host."""
    problem = problem_of(deployment(copies=3, cpus=45.0, instances=2))
    assert re.search(
        r"^3 copies fit 2 x ml\.p4d\.24xlarge by their total reservations, but cannot be placed.*copies=2, or "
        r"instances=3",
        problem,
    )


# ---- sizes that a slip of the finger gives


@contextmanager
def seconds(limit: int) -> Iterator[None]:
    """An error where the block hangs (in CPU time: a busy machine is no fault); speed is measured elsewhere."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"longer than {limit} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_far_too_many_copies_are_refused_at_once() -> None:
    with seconds(20):
        problems = problems_of(deployment(copies=1_000, tensor_parallel=4))
    assert re.search(r"^1000 copies need 4000 accelerators, but .* has 8: set copies=2$", problems[0])


@pytest.mark.parametrize(("field", "number"), [("copies", 1001), ("copies", 10**9), ("instances", 101)])
def test_more_than_an_endpoint_will_have_is_refused_unseen(field: str, number: int) -> None:
    problem = problem_of(deployment(**{field: number}))
    assert re.search(rf"{field}={number}: give at most [\d,]+ \(", problem)


def test_many_instances_are_planned_at_once() -> None:
    with seconds(20):
        assert plan(deployment(instances=100)).components[0].copies == 800


def test_three_models_on_ten_instances_are_planned_at_once() -> None:
    three = [
        Component(name=name, model=model, cpus=cpus)
        for name, model, cpus in [("a", "llama-2-13b", None), ("b", "llama-2-70b", None), ("c", "llama-3.1-8b", 1.0)]
    ]
    with seconds(20):
        assert plan(deployment(components=three, instances=10)).accelerators_used == 80


# ---- what sizing alone forgives


@pytest.mark.parametrize(
    "wishes",
    [
        {"model": "meta-llama/Llama-2-13b-chat-hf"},
        {"engine": "vllm-0.19.0"},
        {"quantization": "awq"},
        {"network_isolation": True},
    ],
)
def test_what_only_keeps_a_deployment_from_starting_is_a_warning_when_it_is_sized(wishes: dict[str, Any]) -> None:
    problem = problem_of(deployment(**wishes))
    assert plan(deployment(**wishes), to_deploy=False).warnings == (problem,)


@pytest.mark.parametrize("engine", ["vllm-0.0", "vllm-0.0.1", "tgi-0.5"])
def test_a_version_older_than_every_fact_is_refused_when_it_is_sized(engine: str) -> None:
    assert re.search(rf"'?{engine}'?", problem_of(deployment(engine=engine), to_deploy=False))


def test_a_version_of_two_numbers_is_the_one_that_ends_in_nought() -> None:
    short, long = (plan(deployment(engine=it), to_deploy=False) for it in ("tgi-3.1", "tgi-3.1.0"))
    assert short.components[0].memory == long.components[0].memory


def test_a_prompt_longer_than_the_default_request_makes_the_request_longer() -> None:
    """Llama 3.1 takes 131,072 tokens; the default of 8,192 would be less than the prompt alone."""
    found = plan(deployment(model="llama-3.1-8b", max_input_tokens=20_000))
    assert found.components[0].max_total_tokens > 20_000


def test_a_quantized_repository_is_only_named_where_it_fits() -> None:
    problem = problem_of(deployment(model="llama-2-70b", instance_type="ml.g5.2xlarge"))
    assert "AWQ" not in problem  # 36.6 GB on a card of 24 GB


def test_a_fix_for_a_prompt_is_within_the_context_of_the_model() -> None:
    problems = problems_of(deployment(max_input_tokens=10**6))
    named = [int(number) for problem in problems for number in re.findall(r"max_\w+_tokens=(\d+)(?=$|, or)", problem)]
    assert all(number <= 4096 for number in named)


@pytest.mark.parametrize("pair", [("a-1", "a1"), ("ab", "aB")])
def test_names_that_differ_in_hyphens_or_case_alone_are_refused(pair: tuple[str, str]) -> None:
    components = [Component(name=name, model="llama-2-7b") for name in pair]
    assert re.search(r"differ only in hyphens or case", problem_of(deployment(components=components)))


@pytest.mark.parametrize("secret", ["", "a b", "hf-token:SecretString:x", "{{resolve:secretsmanager:x}}", "a}}"])
def test_what_is_no_name_of_a_secret_is_refused(secret: str) -> None:
    problems = problems_of(deployment(model="meta-llama/Llama-2-13b-chat-hf", token_secret=secret))
    assert any("the name or ARN of a Secrets Manager secret" in problem for problem in problems)


@pytest.mark.parametrize(
    "secret", ["hf-token", "team/hf_token", f"arn:aws:secretsmanager:us-east-1:{'1' * 12}:secret:hf-a1b2"]
)
def test_a_name_or_arn_of_a_secret_opens_a_gated_model(secret: str) -> None:
    gated = deployment(model="meta-llama/Llama-2-13b-chat-hf", token_secret=secret)
    assert plan(gated).components[0].token_secret == secret


@pytest.mark.parametrize(
    "name", ["HUGGINGFACE_TOKEN", "HF_API_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "hf_token", "DB_PASSWORD"]
)
def test_a_secret_in_the_environment_is_refused_by_its_name(name: str) -> None:
    assert re.search(
        rf"{name}.*would put a (token|secret) into the template", problem_of(deployment(environment={name: "x"}))
    )


def test_a_secret_may_be_named_by_a_dynamic_reference() -> None:
    reference = "{{resolve:secretsmanager:wandb}}"
    named = deployment(environment={"WANDB_API_KEY": reference})
    assert plan(named).components[0].environment["WANDB_API_KEY"] == reference


def test_a_limit_of_tokens_is_no_secret() -> None:
    assert plan(deployment(engine="tgi-1.1.0", environment={"MAX_BATCH_TOTAL_TOKENS": "16384"}))


def test_a_copy_that_is_too_large_is_still_described() -> None:
    with pytest.raises(SizingError) as refused:
        plan(deployment(engine="tgi-1.1.0", instance_type="ml.g5.12xlarge", tensor_parallel=1, copies=3))
    (component,) = refused.value.components
    assert (component.copies, component.accelerators) == (3, 1)
    assert component.weights_gib_per_accelerator == pytest.approx(24.24, abs=0.01)


def test_the_nearest_kv_cache_is_named_beyond_the_context() -> None:
    problem = problem_of(
        deployment(engine="tgi-1.1.0", gpu_memory_share=0.9, tensor_parallel=1, min_kv_cache_tokens=16384)
    )
    named = re.search(r"min_kv_cache_tokens=(\d+)", problem)
    assert named
    assert int(named[1]) == pytest.approx(13_700, rel=0.02)


@pytest.mark.parametrize(
    "wish", [{"max_sequences": 10**5, "max_batch_prefill_tokens": 10**5}, {"gpu_memory_share": 0.1}]
)
def test_a_wish_that_takes_all_the_memory_is_named(wish: dict[str, Any]) -> None:
    problem = problem_of(deployment(engine="vllm", model="llama-3.1-8b", instance_type="ml.g6e.xlarge", **wish))
    assert f"leave out {next(iter(wish))}" in problem


def test_one_fault_of_all_components_is_one_sentence() -> None:
    components = [Component(name=f"c{at}", model="Qwen/Qwen3-8B", copies=1) for at in range(9)]

    problem = problem_of(deployment(instance_type="ml.inf2.48xlarge", components=components))

    assert problem.startswith("ml.inf2.48xlarge has Inferentia2 accelerators, on")


def test_one_fault_of_some_components_is_one_sentence_with_their_names() -> None:
    engines = ("tgl", "tgl", "vllm")
    components = [Component(name=f"c{at}", model="Qwen/Qwen3-8B", engine=engine) for at, engine in enumerate(engines)]

    assert problem_of(deployment(components=components)).startswith("c0, c1: engine 'tgl' is not known")
