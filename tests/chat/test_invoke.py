"""`replicas invoke` and `replicas chat --image` on a deployed search: an embedding model beside its reranker."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from replicas import plan
from replicas.catalogue.composition.towers import Tower
from replicas.catalogue.models import find_model
from replicas.deployment.file import load_catalogue
from tests.commands import TGI, VLLM, Run
from tests.conftest import ROOT
from tests.embedded import create_stack

EXAMPLE = ROOT / "docs" / "examples" / "search.py"
SEARCH = "search"


@pytest.fixture(scope="module")
def folder(context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of the example."""
    import aws_cdk as cdk

    from stacks.multi_replica_stack import MultiReplicaStack

    (deployment,) = load_catalogue(EXAMPLE)
    folder = tmp_path_factory.mktemp("search")
    app = cdk.App(context=context, outdir=str(folder))
    MultiReplicaStack(app, plan(deployment))
    app.synth()
    return folder


@pytest.fixture(scope="module")
def _outputs(running_aws: EmbeddedAws, folder: Path) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in client_environment(running_aws.url).items():
            patch.setenv(variable, value)
        boto3.DEFAULT_SESSION = None
        return create_stack(folder, SEARCH)


@pytest.fixture
def outputs(embedded: EmbeddedAws, _outputs: dict[str, str]) -> dict[str, str]:
    return _outputs


@pytest.fixture
def ask(run: Run, outputs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in a folder whose deployments.py is the example."""
    (tmp_path / "deployments.py").write_text(EXAMPLE.read_text())
    monkeypatch.chdir(tmp_path)
    return run


def test_a_check_of_the_template_sizes_both_components(run: Run, folder: Path) -> None:
    document = run("check", str(folder / f"{SEARCH}.template.json"), "--region", "us-west-2", "--json").json
    assert document["problems"] == []
    assert document["unjudged"] == []


def test_a_check_sizes_the_cache_of_an_embedding_model(run: Run, folder: Path, tmp_path: Path) -> None:
    """Given a share of the card that holds the weights alone, then there is no room for a prompt."""
    text = (folder / f"{SEARCH}.template.json").read_text()
    template = tmp_path / "small.json"
    template.write_text(
        text.replace('"SM_VLLM_GPU_MEMORY_UTILIZATION": "0.92"', '"SM_VLLM_GPU_MEMORY_UTILIZATION": "0.1"')
    )
    document = run("check", str(template), "--region", "us-west-2", "--json").json
    assert all("KV cache" in json.dumps(problem) for problem in document["problems"])
    assert len(document["problems"]) == 2


def test_the_stack_names_the_command_that_asks_it(outputs: dict[str, str]) -> None:
    assert not [key for key in outputs if key.startswith(("ChatCommand", "OpenAiUrl"))]
    assert outputs["InvokeCommandEmbedding"] == (
        "replicas invoke search --text 'What is a GPU?' --component embedding --region us-west-2"
    )
    assert outputs["InvokeCommandReranker"] == (
        "replicas invoke search --text 'What is a GPU?' --text 'A processor with many cores.' "
        "--text 'A river in Africa.' --component reranker --region us-west-2"
    )


def test_texts_are_embedded(ask: Run) -> None:
    outcome = ask("invoke", SEARCH, "--component", "embedding", "--text", "What is a GPU?", "--text", "A river.")
    assert outcome.code == 0, outcome.err
    first, second = outcome.out.splitlines()
    assert first.startswith("1,024 numbers: ")
    assert first.endswith("What is a GPU?")
    assert second.endswith("A river.")


def test_documents_are_ranked_for_a_query(ask: Run) -> None:
    texts = ["river in Africa", "A processor with many cores.", "A river in Africa."]
    outcome = ask("invoke", SEARCH, "--component", "reranker", *(part for text in texts for part in ("--text", text)))
    assert outcome.code == 0, outcome.err
    assert [line.split("  ", 1)[1] for line in outcome.out.splitlines()] == [texts[2], texts[1]]


def test_json_holds_what_the_engine_wrote(ask: Run) -> None:
    document = ask("invoke", SEARCH, "--component", "embedding", "--text", "one", "--json").json
    assert (document["task"], document["model"]) == ("embed", "Qwen/Qwen3-Embedding-0.6B")
    assert len(document["answer"]["data"][0]["embedding"]) == 1024


@pytest.mark.parametrize("given", ["text", "file", "-"])
def test_a_body_goes_as_it_is(ask: Run, tmp_path: Path, given: str) -> None:
    body = json.dumps({"input": ["one", "two"], "encoding_format": "base64"})
    (tmp_path / "body.json").write_text(body)
    argument = {"text": body, "file": "body.json", "-": "-"}[given]
    outcome = ask("invoke", SEARCH, "--component", "embedding", "--body", argument, stdin=body)
    assert outcome.code == 0, outcome.err
    assert [type(entry["embedding"]) for entry in json.loads(outcome.out)["data"]] == [str, str]


def test_a_body_that_the_engine_refuses_ends_in_its_words(ask: Run) -> None:
    outcome = ask("invoke", SEARCH, "--component", "embedding", "--body", '{"prompt": "one"}')
    assert outcome.code == 1
    assert "refused the request (HTTP 400): Cannot find suitable handler for request" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "give either --text (repeat it for more texts) or --body"),
        (["--text", "a", "--body", "{}"], 2, "give either --text (repeat it for more texts) or --body"),
        (["--text", " "], 2, "--text is empty"),
        (["--body", "{broken"], 2, "--body is not JSON"),
        (
            ["--body", "none.json"],
            2,
            "--body none.json cannot be read: No such file or directory: give JSON, the path of a JSON file, or -",
        ),
        (["--body", "deployments.py"], 2, "--body deployments.py is not JSON"),
        (["--body", "-"], 2, "--body -: standard input is not JSON"),
        (["--component", "reranker", "--text", "a"], 2, "give --text QUERY and --text DOCUMENT"),
        (["--text", "a"], 1, "search has several components: choose one with --component (embedding, reranker)"),
    ],
)
def test_what_cannot_be_sent_is_one_sentence(ask: Run, arguments: list[str], code: int, words: str) -> None:
    outcome = ask("invoke", SEARCH, *arguments)
    assert outcome.code == code
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


def test_chat_says_what_to_use_instead(ask: Run) -> None:
    embedding = ask("chat", SEARCH, "Hello", "--component", "embedding")
    assert embedding.code == 1
    assert (
        "answers with embeddings, not with text: use `replicas invoke search --text TEXT --component" in embedding.err
    )
    reranker = ask("chat", SEARCH, "Hello", "--component", "reranker")
    assert (
        "answers with scores, not with text: use `replicas invoke search --text QUERY --text DOCUMENT" in reranker.err
    )


def test_a_chat_model_takes_one_text_as_a_message(run: Run, endpoints: dict[str, dict[str, str]]) -> None:
    outcome = run("invoke", VLLM, "--text", "What is a GPU?")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("This answer comes from a stand-in for ")
    several = run("invoke", VLLM, "--text", "one", "--text", "two")
    assert (several.code, "this model answers a single message" in several.err) == (2, True)


def test_an_image_for_a_model_of_text_is_refused(
    run: Run, endpoints: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n rest")
    outcome = run("chat", VLLM, "What is it?", "--image", str(picture))
    assert outcome.code == 1
    assert outcome.err == "--image: Qwen/Qwen3-8B has no vision tower and accepts only text: remove --image\n"


def test_an_image_goes_to_the_engine_where_the_model_is_known_to_see(
    run: Run, endpoints: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of the stand-in has no such model: it refuses in the words of an engine that was sent an image."""
    model = find_model("Qwen/Qwen3-8B")
    tower = Tower(modality="vision", parameters=1, width=1, feed_forward_width=1, most_patches=1)
    seeing = replace(model, architecture=replace(model.architecture, towers=(tower,)))
    monkeypatch.setattr("replicas.aws.target.find_model", lambda _: seeing)
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n rest")
    outcome = run("chat", VLLM, "What is it?", "--image", str(picture))
    assert "Qwen/Qwen3-8B is not a multimodal model" in outcome.err


def test_an_engine_of_plain_prompts_takes_no_image(run: Run, endpoints: dict[str, dict[str, str]]) -> None:
    outcome = run("chat", TGI, "What is it?", "--image", "https://example.com/a.png")
    assert outcome.code == 1
    assert "accept only text: remove --image" in outcome.err


def test_status_probes_each_component_in_its_own_way(ask: Run) -> None:
    document = ask("status", SEARCH, "--probe", "--json").json
    assert {probe["label"]: probe["answered"] for probe in document["probes"]} == {"embedding": True, "reranker": True}


@pytest.mark.parametrize("component", ["embedding", "reranker"])
def test_a_benchmark_measures_requests_and_says_that_there_are_no_tokens(ask: Run, component: str) -> None:
    arguments = ["--component", component, "--users", "3", "--duration", "1", "--input-tokens", "100", "--warmup", "1"]
    outcome = ask("benchmark", SEARCH, *arguments)
    assert outcome.code == 0, outcome.err
    assert "n/a: a component with task=" in outcome.out
    (folder,) = Path("benchmarks", SEARCH).iterdir()
    document = json.loads((folder / "result.json").read_text())
    (point,) = document["points"]
    assert point["requests_in_window"] > 0
    assert point["success_percent"] == 100
    assert point["ttft_seconds"] is None
    assert point["output_tokens_per_second"] == 0
    assert point["input_tokens_mean"] == pytest.approx(100, rel=0.3)
    assert document["forecast"]["points"][0]["ttft_p50_seconds"] is None


def test_awss_own_judge_is_refused_for_it(ask: Run) -> None:
    arguments = ["--output", "s3://bucket/prefix/", "--role", "arn:aws:iam::123456789012:role/judge"]
    outcome = ask("verify", SEARCH, "--component", "embedding", *arguments)
    assert outcome.code == 1
    assert "the job sends OpenAI chat requests" in outcome.err
