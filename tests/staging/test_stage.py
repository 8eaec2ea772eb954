"""`replicas stage`: what lies in S3 afterwards is what the Hub has at one commit, whatever went wrong on the way."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.server import EmbeddedAws
from replicas.aws.session import Aws
from replicas.catalogue.hub import Hub, HubFile
from replicas.staging import upload as stage_upload
from replicas.staging.bucket import parse_destination
from replicas.staging.upload import is_same
from tests.commands import Run
from tests.conftest import ROOT
from tests.staging.hub import COMMIT, TOKEN, HubStandIn, Repository, git_sha1, running_hub, sha256

MODEL = "org/tiny"
PART = 64 << 10
LONG = 160_000
"""Bytes of the first shard: three parts."""
SHARDS = {f"model-0000{number}-of-00002.safetensors" for number in (1, 2)}


@cache
def s3() -> Any:
    return boto3.client("s3")


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311


def repository(**more: Any) -> Repository:
    """Two shards of which one goes in three parts, and much that does not serve."""
    first, second = sorted(SHARDS)
    weight_map = {"a": first, "b": second}
    files = {
        "config.json": json.dumps({"auto_map": {"AutoModelForCausalLM": "modeling_tiny.Tiny"}}).encode(),
        "generation_config.json": b"{}",
        "tokenizer.json": b'{"vocab": {}}',
        "tokenizer_config.json": b"{}",
        "chat_template.jinja": b"{{ messages }}",
        "quantize_config.json": b'{"bits": 4}',
        "model.safetensors.index.json": json.dumps({"weight_map": weight_map}).encode(),
        first: noise(LONG, 1),
        second: noise(1000, 2),
        "modeling_tiny.py": b"from .configuration_tiny import Config\nimport torch\n",
        "configuration_tiny.py": b"",
        # what does not serve
        "README.md": b"# Tiny",
        ".gitattributes": b"*.safetensors filter=lfs",
        "picture.png": noise(100, 3),
        "pytorch_model.bin": noise(1000, 4),
        "pytorch_model.bin.index.json": b"{}",
        "consolidated.safetensors": noise(1000, 5),
        "training_args.bin": noise(10, 6),
        "trainer_state.json": b"{}",
        "convert.py": b"print()",
        "original/consolidated.00.pth": noise(10, 7),
        "onnx/model.onnx": noise(10, 8),
        "tiny.Q4_K_M.gguf": noise(10, 9),
    }
    return Repository(files, **more)


SERVES = SHARDS | {
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"),
    *("quantize_config.json", "model.safetensors.index.json", "modeling_tiny.py", "configuration_tiny.py"),
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubStandIn]:
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(stage_upload, "PART_BYTES", PART)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", PART)  # 5 MiB as on AWS would make these tests slow
    monkeypatch.setattr("replicas.catalogue.hub._FIRST_PAUSE_SECONDS", 0.0)
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.repositories[MODEL] = repository()
        yield running


@pytest.fixture
def bucket(embedded: EmbeddedAws, quick_retries: None) -> Iterator[str]:
    name = "weights-of-a-test"
    s3().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3().put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(BLOCKS, True))
    yield name
    embedded.faults.clear()
    for upload in s3().list_multipart_uploads(Bucket=name).get("Uploads", []):
        s3().abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    for key in keys(name):
        s3().delete_object(Bucket=name, Key=key)
    s3().delete_bucket(Bucket=name)


BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def keys(bucket: str) -> list[str]:
    return [entry["Key"] for entry in s3().list_objects_v2(Bucket=bucket).get("Contents", [])]


def content(bucket: str, key: str) -> bytes:
    body: bytes = s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def manifest(bucket: str, key: str = "tiny.manifest.json") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(content(bucket, key))
    return document


def uploads(bucket: str) -> list[str]:
    return [upload["Key"] for upload in s3().list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


def parts_there(bucket: str) -> int:
    found = s3().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    listed = [s3().list_parts(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"]) for one in found]
    return sum(len(parts.get("Parts", [])) for parts in listed)


def assert_staged(bucket: str, files: dict[str, bytes], prefix: str = "tiny") -> None:
    """Exactly what serves lies under the prefix, byte for byte, and the manifest says so."""
    assert {key.removeprefix(f"{prefix}/") for key in keys(bucket) if key.startswith(f"{prefix}/")} == SERVES
    for path in SERVES:
        found = s3().get_object(Bucket=bucket, Key=f"{prefix}/{path}")
        assert found["Body"].read() == files[path], path
        assert found["Metadata"]["sha256"] == sha256(files[path]), path
    document = manifest(bucket, f"{prefix}.manifest.json")
    assert document["is_complete"] is True
    assert {file["path"]: file["sha256"] for file in document["files"]} == {
        path: sha256(files[path]) for path in SERVES
    }
    assert uploads(bucket) == []


# ---- all is well


def test_what_serves_is_staged_and_the_line_to_paste_is_the_output(run: Run, hub: HubStandIn, bucket: str) -> None:
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 0, outcome.said
    assert outcome.out == f'weights="s3://{bucket}/tiny/",\n'
    assert_staged(bucket, hub.repositories[MODEL].files)
    document = manifest(bucket)
    assert (document["repository"], document["revision"]) == (MODEL, COMMIT)
    assert document["weights"] == f"s3://{bucket}/tiny/"
    config = next(file for file in document["files"] if file["path"] == "config.json")
    assert config["hub_id"] == f"git-sha1:{git_sha1(hub.repositories[MODEL].files['config.json'])}"


def test_the_deployment_takes_the_line(run: Run, hub: HubStandIn, bucket: str) -> None:
    from replicas import Component, Deployment, plan

    line = run("stage", MODEL, f"s3://{bucket}/tiny").out.strip()
    weights = eval(f"dict({line})")["weights"]  # noqa: S307
    component = Component(model="Qwen/Qwen3-8B", weights=weights)
    planned = plan(Deployment(name="x", instance_type="ml.g6e.xlarge", components=[component], network_isolation=True))
    assert planned.components[0].weights == weights


def test_a_second_run_sends_nothing(run: Run, hub: HubStandIn, bucket: str) -> None:
    run("stage", MODEL, f"s3://{bucket}/tiny")
    hub.asked.clear()
    document = run("stage", MODEL, f"s3://{bucket}/tiny", "--json").json
    assert document["bytes_sent"] == 0
    assert all(file["was_there"] for file in document["files"])
    assert not SHARDS & {path for path, *_ in hub.asked}
    assert_staged(bucket, hub.repositories[MODEL].files)


def test_a_file_that_was_changed_in_s3_is_sent_again(run: Run, hub: HubStandIn, bucket: str) -> None:
    run("stage", MODEL, f"s3://{bucket}/tiny")
    path = max(SHARDS)
    s3().put_object(Bucket=bucket, Key=f"tiny/{path}", Body=noise(1000, 99))  # of the same size
    assert run("stage", MODEL, f"s3://{bucket}/tiny").code == 0
    assert_staged(bucket, hub.repositories[MODEL].files)


def test_a_dry_run_changes_nothing(run: Run, hub: HubStandIn, bucket: str) -> None:
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny", "--dry-run")
    assert outcome.code == 0, outcome.said
    assert "README.md left out: not needed to serve" in outcome.said
    assert "trainer_state.json left out: training state" in outcome.said
    assert "pytorch_model.bin left out: weights in another format" in outcome.said
    assert "convert.py left out: code that no configuration refers to" in outcome.said
    document = run("stage", MODEL, f"s3://{bucket}/tiny", "--dry-run", "--json").json
    assert {file["path"] for file in document["files"]} == SERVES
    assert document["bytes_to_send"] == sum(len(hub.repositories[MODEL].files[path]) for path in SERVES)
    assert keys(bucket) == []


def test_what_is_included_and_excluded_by_hand(run: Run, hub: HubStandIn, bucket: str) -> None:
    arguments = ("stage", MODEL, f"s3://{bucket}/tiny", "--dry-run", "--json")
    document = run(*arguments, "--include", "README*", "--exclude", "*.py").json
    assert {file["path"] for file in document["files"]} == SERVES - {"modeling_tiny.py", "configuration_tiny.py"} | {
        "README.md"
    }
    assert "no file of the repository matches '*.mp3'" in run(*arguments, "--include", "*.mp3").err


def test_a_key_encrypts_the_weights_and_the_manifest(run: Run, hub: HubStandIn, bucket: str) -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]
    boto3.client("kms").create_alias(AliasName="alias/weights", TargetKeyId=key["KeyId"])
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny", "--kms-key", "alias/weights")
    assert outcome.code == 0, outcome.said
    assert "needs kms:Decrypt" in outcome.err
    for name in keys(bucket):
        assert s3().head_object(Bucket=bucket, Key=name)["ServerSideEncryption"] == "aws:kms", name
    boto3.client("kms").delete_alias(AliasName="alias/weights")


def test_it_works_where_no_file_can_be_written(embedded: EmbeddedAws, hub: HubStandIn, bucket: str) -> None:
    """Not one byte on disk: the process may not write to any file."""
    program = f"from replicas import cli; from replicas.staging import upload; upload.PART_BYTES = {PART}"
    done = subprocess.run(
        [sys.executable, "-B", "-c", f"{program}; cli.main()", "stage", MODEL, f"s3://{bucket}/tiny"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f'weights="s3://{bucket}/tiny/",\n'), done.stderr
    assert_staged(bucket, hub.repositories[MODEL].files)


# ---- interruptions


def test_a_connection_that_breaks_is_taken_up_where_it_broke(run: Run, hub: HubStandIn, bucket: str) -> None:
    path = min(SHARDS)
    hub.breaks[path] = [30_000, 17, 0, 12_345]
    hub.refusals[path] = [503, 429]
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 0, outcome.said
    assert_staged(bucket, hub.repositories[MODEL].files)
    begins = [int(str(asked).removeprefix("bytes=").split("-")[0]) for name, asked, _ in hub.asked if name == path]
    assert any(begin % PART for begin in begins), "a part goes on within itself"


@pytest.fixture
def interrupted(run: Run, hub: HubStandIn, bucket: str) -> str:
    """A run that ended when two of the three parts of this file were in S3."""
    path, real = min(SHARDS), Hub.read

    def until_the_last_part(self: Hub, snapshot: Any, file: HubFile, begin: int, end: int, *more: Any) -> bytearray:
        if file.path == path and end == file.size_bytes:
            while parts_there(bucket) < 2:
                time.sleep(0.01)
            raise KeyboardInterrupt
        return real(self, snapshot, file, begin, end, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hub, "read", until_the_last_part)
        outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 130
    assert "run the command again to continue" in outcome.err
    assert uploads(bucket) == [f"tiny/{path}"]
    assert manifest(bucket)["is_complete"] is False
    return path


def test_a_run_that_was_interrupted_goes_on(
    run: Run, hub: HubStandIn, bucket: str, interrupted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    watch_s3(monkeypatch, "UploadPart", lambda params: sent.append(params["PartNumber"]))
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 0, outcome.said
    assert f"{interrupted}: continuing an interrupted upload, 2 parts are already uploaded" in outcome.err
    assert sent == [3]
    assert_staged(bucket, hub.repositories[MODEL].files)


def test_a_part_that_is_another_is_sent_again(run: Run, hub: HubStandIn, bucket: str, interrupted: str) -> None:
    (upload,) = s3().list_multipart_uploads(Bucket=bucket)["Uploads"]
    s3().upload_part(
        Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"], PartNumber=1, Body=noise(PART, seed=99)
    )
    assert run("stage", MODEL, f"s3://{bucket}/tiny").code == 0
    assert_staged(bucket, hub.repositories[MODEL].files)


def test_another_commit_does_not_go_on_with_what_was_begun(
    run: Run, hub: HubStandIn, bucket: str, interrupted: str
) -> None:
    changed = hub.repositories[MODEL].files | {interrupted: noise(LONG, seed=98)}
    hub.repositories[MODEL] = Repository(changed, commit="e" * 40)
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny", "--replace")
    assert outcome.code == 0, outcome.said
    assert "goes on" not in outcome.err
    assert_staged(bucket, changed)


def test_what_an_interrupted_run_left_can_be_ended(run: Run, bucket: str, hub: HubStandIn) -> None:
    s3().create_multipart_upload(Bucket=bucket, Key="tiny/model.safetensors")
    s3().create_multipart_upload(Bucket=bucket, Key="other/model.safetensors")
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny/", "--abort")
    assert (outcome.code, outcome.out) == (0, f"aborted 1 unfinished upload under s3://{bucket}/tiny/\n")
    assert uploads(bucket) == ["other/model.safetensors"]
    assert run("stage", MODEL, f"s3://{bucket}/other", "--abort", "--json").json["ended_uploads"] == 1


def test_uploads_that_cannot_be_gone_on_with_are_ended(run: Run, bucket: str, hub: HubStandIn) -> None:
    for name in (min(SHARDS), "model-of-another-time.safetensors"):
        s3().create_multipart_upload(Bucket=bucket, Key=f"tiny/{name}")
    assert run("stage", MODEL, f"s3://{bucket}/tiny").code == 0
    assert_staged(bucket, hub.repositories[MODEL].files)


def test_a_part_is_known_by_its_hash_and_never_by_its_size() -> None:
    here, there = noise(1000, 1), noise(1000, 2)
    checksum = base64.b64encode(hashlib.sha256(here).digest()).decode()
    assert is_same({"Size": 1000, "ChecksumSHA256": checksum, "ETag": "x"}, here, checksum)
    assert is_same({"Size": 1000, "ETag": f'"{hashlib.md5(here, usedforsecurity=False).hexdigest()}"'}, here, checksum)
    assert not is_same(
        {"Size": 1000, "ETag": f'"{hashlib.md5(there, usedforsecurity=False).hexdigest()}"'}, here, checksum
    )
    assert not is_same({"Size": 1000, "ChecksumSHA256": "other", "ETag": ""}, here, checksum)
    assert not is_same({"Size": 999, "ChecksumSHA256": checksum, "ETag": "x"}, here, checksum)


# ---- content that is not what the Hub listed


@pytest.mark.parametrize("path", [min(SHARDS), max(SHARDS), "tokenizer.json"])
def test_other_content_of_the_same_size_is_not_staged(run: Run, hub: HubStandIn, bucket: str, path: str) -> None:
    size = len(hub.repositories[MODEL].files[path])
    hub.served_instead[path] = noise(size, 77)
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 1
    assert f"{path}: {'git' if path.endswith('.json') else 'SHA-256'}" in outcome.err
    assert "are kept" not in outcome.err
    assert f"tiny/{path}" not in keys(bucket)
    assert uploads(bucket) == [], "and nothing of it bills"
    assert manifest(bucket)["is_complete"] is False
    del hub.served_instead[path]
    assert run("stage", MODEL, f"s3://{bucket}/tiny").code == 0
    assert_staged(bucket, hub.repositories[MODEL].files)


@pytest.mark.parametrize("size", [10, LONG + 1])
def test_a_file_that_changes_its_size_is_refused(run: Run, hub: HubStandIn, bucket: str, size: int) -> None:
    hub.served_instead[min(SHARDS)] = noise(size, 1)
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 1
    assert f"{min(SHARDS)}: the Hub listed 160,000 bytes and serves" in outcome.err


def test_a_proxy_that_ignores_ranges_is_no_source_of_parts(run: Run, hub: HubStandIn, bucket: str) -> None:
    hub.no_ranges = True
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 1
    assert ", but the Hub (or a proxy) sends from 0" in outcome.err


def test_a_connection_that_always_breaks_ends_the_run(run: Run, hub: HubStandIn, bucket: str) -> None:
    hub.breaks["tokenizer.json"] = [0] * 50
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 1
    assert "tokenizer.json of org/tiny: byte 0 cannot be read from the Hub" in outcome.err
    assert "not finished: the uploaded parts are kept" in outcome.err


# ---- who may read


def test_a_gated_model_needs_a_token_that_nobody_sees(
    run: Run, hub: HubStandIn, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories[MODEL] = repository(gated=True)
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 1
    assert "is gated and no token was given: accept its terms at" in outcome.err
    assert "--token-env VARIABLE or --token-secret NAME" in outcome.err
    monkeypatch.setenv("MY_TOKEN", TOKEN + "\n")
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny", "--token-env", "MY_TOKEN", "--json")
    assert outcome.code == 0, outcome.said
    assert_staged(bucket, hub.repositories[MODEL].files)
    assert TOKEN not in outcome.said
    assert all(TOKEN.encode() not in content(bucket, key) for key in keys(bucket))
    told = {path for path, _, authorization in hub.asked if authorization}
    assert told, "the Hub is told"
    assert not told & SHARDS, "the host that it leads to is not"


def test_a_token_from_a_secret(run: Run, hub: HubStandIn, bucket: str) -> None:
    hub.repositories[MODEL] = repository(private=True)
    boto3.client("secretsmanager").create_secret(Name="hub", SecretString=TOKEN)
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny", "--token-secret", "hub")
    assert outcome.code == 0, outcome.said
    assert TOKEN not in outcome.said
    boto3.client("secretsmanager").delete_secret(SecretId="hub", ForceDeleteWithoutRecovery=True)
    missing = run("stage", MODEL, f"s3://{bucket}/tiny", "--token-secret", "hub")
    assert (missing.code, "GetSecretValue was refused (ResourceNotFoundException)" in missing.err) == (1, True)


@pytest.mark.parametrize("token", ["hf_wrong", "two words", "hf_with\nline", "hf_ümlaut", "hf_\x00null"], ids=range(5))
def test_a_token_that_is_not_accepted_is_not_shown_either(
    run: Run, hub: HubStandIn, bucket: str, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, "MY_TOKEN": token})
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny", "--token-env", "MY_TOKEN")
    assert outcome.code == 1
    assert "token" in outcome.err
    assert not any(part in outcome.said for part in token.split())


def test_wrong_usage_of_tokens(run: Run, hub: HubStandIn, bucket: str) -> None:
    place = f"s3://{bucket}/tiny"
    assert run("stage", MODEL, place, "--token-env", "NOT_SET").code == 2
    assert run("stage", MODEL, place, "--token-env", "A", "--token-secret", "b").code == 2


def test_what_the_hub_does_not_have(run: Run, hub: HubStandIn, bucket: str) -> None:
    place = f"s3://{bucket}/tiny"
    assert "the Hub has no model 'org/none' that can be read without a token" in run("stage", "org/none", place).err
    assert "no branch, tag or commit v9 of org/tiny" in run("stage", MODEL, place, "--revision", "v9").err
    assert "'a/b/c' is not a repository name" in run("stage", "a/b/c", place).err
    assert run("stage", MODEL, place, "--revision", COMMIT, "--dry-run").code == 0


def test_without_a_network(run: Run, hub: HubStandIn, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert (outcome.code, "org/tiny cannot be read from the Hub: " in outcome.err) == (1, True)
    assert "127.0.0.1:9" not in outcome.err


# ---- buckets


@pytest.mark.parametrize("place", ["bucket/prefix", "s3://bucket", "s3://bucket/", "s3://Bucket/x/", "s3://b/x//y", ""])
def test_a_place_that_is_none(run: Run, place: str) -> None:
    outcome = run("stage", MODEL, place)
    assert (outcome.code, "is not a valid destination" in outcome.err) == (1, True)


def test_the_manifest_does_not_lie_where_engines_load() -> None:
    place = parse_destination("s3://bucket/models/tiny/")
    assert place == parse_destination("s3://bucket/models/tiny")
    assert not place.manifest_key.startswith(place.prefix)


def test_a_bucket_that_is_not_there_and_a_model_that_is_not_are_told_together(
    run: Run, hub: HubStandIn, embedded: EmbeddedAws
) -> None:
    outcome = run("stage", "org/none", "s3://no-such-bucket-here/tiny")
    assert outcome.code == 1
    assert (
        "there is no bucket no-such-bucket-here: create it with `aws s3 mb s3://no-such-bucket-here --region us-west-2`"
        in outcome.err
    )
    assert "the Hub has no model 'org/none'" in outcome.err


def test_a_bucket_of_another_region(run: Run, hub: HubStandIn, bucket: str) -> None:
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny", "--region", "eu-west-1")
    assert outcome.code == 1
    assert "is in us-west-2, but the command runs in eu-west-1" in outcome.err


def test_a_bucket_that_is_open_to_everybody_gets_nothing(run: Run, hub: HubStandIn, bucket: str) -> None:
    s3().delete_public_access_block(Bucket=bucket)
    assert "has no public access block of its own" in run("stage", MODEL, f"s3://{bucket}/tiny", "--dry-run").err
    s3().put_bucket_acl(Bucket=bucket, ACL="public-read")
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert outcome.code == 1
    assert (
        "is public through its access control list, so no file was uploaded: aws s3api put-public-access" in outcome.err
    )
    assert keys(bucket) == []


def test_a_bucket_whose_policy_opens_it_gets_nothing(run: Run, hub: HubStandIn, bucket: str) -> None:
    s3().delete_public_access_block(Bucket=bucket)
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3().put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert (outcome.code, "is public through its policy, so no file was uploaded" in outcome.err) == (1, True), (
        outcome.said
    )


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("HeadBucket", "cannot be read with these credentials (s3:ListBucket)"),
        ("PutObject", "PutObject is not allowed"),
        ("CreateMultipartUpload", "CreateMultipartUpload is not allowed"),
        ("UploadPart", "UploadPart is not allowed"),
        ("CompleteMultipartUpload", "CompleteMultipartUpload is not allowed"),
        ("ListObjectsV2", "ListObjectsV2 is not allowed"),
    ],
)
def test_what_s3_does_not_allow_is_one_message(
    run: Run, hub: HubStandIn, bucket: str, monkeypatch: pytest.MonkeyPatch, operation: str, words: str
) -> None:
    refuse_s3(monkeypatch, operation)
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny")
    assert (outcome.code, words in outcome.err) == (1, True), outcome.said
    if operation == "PutObject":
        assert not SHARDS & {path for path, *_ in hub.asked}, "told before anything large was read"


@pytest.mark.parametrize("operation", ["GetPublicAccessBlock", "GetBucketPolicyStatus", "GetBucketAcl"])
def test_what_could_not_be_checked_is_said_and_hinders_nothing(
    run: Run, hub: HubStandIn, bucket: str, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    refuse_s3(monkeypatch, operation)
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny", "--dry-run")
    assert f": {operation} is not allowed" in outcome.err
    assert (outcome.code, "could not check whether" in outcome.err) == (0, True), outcome.said


@pytest.mark.parametrize("kind", [FaultKind.EXPIRED_CREDENTIALS, FaultKind.THROTTLING])
def test_a_secret_that_aws_does_not_give(
    run: Run, hub: HubStandIn, embedded: EmbeddedAws, bucket: str, kind: FaultKind
) -> None:
    embedded.faults.add(Fault(kind, "secretsmanager:*"))
    assert run("stage", MODEL, f"s3://{bucket}/tiny", "--token-secret", "hub").code == 1


# ---- prefixes that are taken


def test_another_model_is_replaced_only_when_told_to(run: Run, hub: HubStandIn, bucket: str) -> None:
    hub.repositories["org/other"] = Repository(
        {"config.json": b"{}", "model.safetensors": noise(9, 1), "vocab.txt": b"a"}, commit="f" * 40
    )
    place = f"s3://{bucket}/tiny"
    assert run("stage", "org/other", place).code == 0
    refused = run("stage", MODEL, place)
    assert refused.code == 1
    assert f"contains org/other at {'f' * 40}, but this run stages org/tiny at {COMMIT}" in refused.err
    outcome = run("stage", MODEL, place, "--replace")
    assert outcome.code == 0, outcome.said
    assert_staged(bucket, hub.repositories[MODEL].files)
    assert manifest(bucket)["to_delete"] == []


def test_another_commit_replaces_files_of_the_same_size(run: Run, hub: HubStandIn, bucket: str) -> None:
    place = f"s3://{bucket}/tiny"
    run("stage", MODEL, place)
    changed = hub.repositories[MODEL].files | {
        path: noise(size, 97) for path, size in zip(sorted(SHARDS), (LONG, 1000), strict=True)
    }
    hub.repositories[MODEL] = Repository(changed, commit="e" * 40)
    assert run("stage", MODEL, place).code == 1
    assert run("stage", MODEL, place, "--replace").code == 0
    assert_staged(bucket, changed)
    assert manifest(bucket)["revision"] == "e" * 40


def test_what_no_run_put_there_is_never_touched(run: Run, hub: HubStandIn, bucket: str) -> None:
    s3().put_object(Bucket=bucket, Key="tiny/notes.txt", Body=b"mine")
    for more in ([], ["--replace"]):
        outcome = run("stage", MODEL, f"s3://{bucket}/tiny", *more)
        assert outcome.code == 1
        assert f"s3://{bucket}/tiny/ contains notes.txt: engines load every object under the prefix" in outcome.err
    assert keys(bucket) == ["tiny/notes.txt"]


def test_what_is_not_a_manifest_is_not_overwritten(run: Run, hub: HubStandIn, bucket: str) -> None:
    s3().put_object(Bucket=bucket, Key="tiny.manifest.json", Body=b'{"manifest_version": 1}')
    outcome = run("stage", MODEL, f"s3://{bucket}/tiny", "--replace")
    assert (outcome.code, "is not a manifest that this version can read" in outcome.err) == (1, True)


# ---- S3's refusals, which the embedded AWS cannot name

Watch = Callable[[dict[str, Any]], None]


def watch_s3(monkeypatch: pytest.MonkeyPatch, operation: str, watch: Watch) -> None:
    made = Aws._client

    def client(self: Aws, service: str) -> Any:
        found = made(self, service)
        found.meta.events.register(f"provide-client-params.s3.{operation}", lambda params, **_: watch(params))
        return found

    monkeypatch.setattr(Aws, "_client", client)


def refuse_s3(monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """As S3 does: HTTP 403 with AccessDenied; a HEAD has no body, and so no word of why."""
    from botocore.awsrequest import AWSResponse
    from urllib3 import HTTPResponse

    made = Aws._client

    def answer(**_: Any) -> AWSResponse:
        body = b"" if operation.startswith("Head") else b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        return AWSResponse("http://s3", 403, {}, HTTPResponse(io.BytesIO(body), preload_content=False))

    def client(self: Aws, service: str) -> Any:
        found = made(self, service)
        found.meta.events.register(f"before-send.s3.{operation}", answer)
        return found

    monkeypatch.setattr(Aws, "_client", client)
