"""Build models without weights with the engine's own code: count parameters, and read the cache of each layer.

    .oracle/bin/python -m scripts.oracle.engine.build < configs.jsonl > figures.jsonl

A line of input is `{"name": ..., "config": {...}}`. Each model is built on PyTorch's meta device, which needs no
memory, in a separate process that is forked after the engine is imported.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import tempfile
import traceback
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.update(
    HF_HUB_OFFLINE="1",
    VLLM_ALLOW_LONG_MAX_MODEL_LEN="1",
    VLLM_CPU_KVCACHE_SPACE="1",
    VLLM_ENABLE_GEMM_RS="0",
    VLLM_KIMI_K3_GEMM_AR="0",
    VLLM_LOGGING_LEVEL="ERROR",
)

import torch
from vllm.config import VllmConfig, set_current_vllm_config
from vllm.distributed import init_distributed_environment, initialize_model_parallel
from vllm.engine.arg_utils import EngineArgs
from vllm.model_executor.model_loader.utils import initialize_model
from vllm.model_executor.models import registry
from vllm.utils.torch_utils import set_default_torch_dtype
from vllm.v1.worker.workspace import init_workspace_manager

from scripts.oracle.engine import adapting

LENGTH = 2048
"""Maximum request length of the models. Sizes do not depend on this value."""


def main() -> None:
    """Answer each line of stdin with a line on stdout."""
    torch.set_num_threads(1)
    # By default the registry imports each model class in a new process, which would import the whole engine again.
    registry._LazyRegisteredModel.inspect_model_cls = lambda model: registry._ModelInfo.from_model_cls(
        model.load_model_cls()
    )
    for line in sys.stdin:
        case = json.loads(line)
        print(json.dumps({"name": case["name"], **_in_process(case["config"])}), flush=True)


def _in_process(config: dict[str, Any]) -> dict[str, Any]:
    """Build a model in a forked process. Return its parameters and cache, or the reason why it cannot be built."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(2, 1)
        with os.fdopen(writing, "w") as answer:
            try:
                answer.write(json.dumps(figures(config)))
            except BaseException as fault:
                traceback.print_exc()
                answer.write(json.dumps({"not_built": f"{type(fault).__name__}: {fault}".splitlines()[0]}))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    document: dict[str, Any] = json.loads(text) if text else {"not_built": "the process ended without an answer"}
    return document


def figures(config: dict[str, Any]) -> dict[str, Any]:
    """Return the number of parameters of a model and its cache per layer.

    Quantization is removed first, because its kernels depend on the platform. It does not change the number of
    parameters.
    """
    config, changes = adapting.config_for_engine(config)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config))
        patches = adapting.patch_platform()
        engine = EngineArgs(
            model=folder,
            skip_tokenizer_init=True,
            load_format="dummy",
            enforce_eager=True,
            max_model_len=LENGTH,
            mamba_block_size=LENGTH if config.get("model_type") == "kimi_k3" else None,
            dtype="bfloat16",
        ).create_engine_config()
        with set_current_vllm_config(engine):
            init_distributed_environment(
                world_size=1,
                rank=0,
                distributed_init_method=f"file://{folder}/rendezvous",
                local_rank=0,
                backend="gloo",
            )
            initialize_model_parallel(1, 1)
            init_workspace_manager(torch.device("meta"))
            model, moved = _built(engine)
            return {
                "class": type(model).__name__,
                "changes": sorted({*changes, *patches, *moved}),
                "parameters": sum(parameter.numel() for parameter in model.parameters()),
                **_parts(model),
                "cache_layers": _cache_layers(engine),
            }


def _built(engine: VllmConfig) -> tuple[torch.nn.Module, list[str]]:
    """Build the model on the meta device. Return the model and a list of changes.

    Some classes compute with their weights as they are built. Their weights get memory, and therefore only configs with
    few layers can be built.
    """
    try:
        with set_default_torch_dtype(torch.bfloat16), torch.device("meta"):
            return initialize_model(engine), []
    except (NotImplementedError, RuntimeError) as fault:
        if "meta tensor" not in str(fault):
            raise
    engine.compilation_config.static_forward_context.clear()
    with set_default_torch_dtype(torch.bfloat16), torch.device("cpu"):
        return initialize_model(engine), ["weights have memory, because the class computes with them as it is built"]


def _parts(model: torch.nn.Module) -> dict[str, Any]:
    """Return the number of parameters by top-level module, and by path without layer numbers."""
    parts: Counter[str] = Counter()
    paths: Counter[str] = Counter()
    for name, parameter in model.named_parameters():
        parts[name.partition(".")[0]] += parameter.numel()
        paths[re.sub(r"\.\d+(?=\.|$)", ".*", name)] += parameter.numel()
    return {"parts": parts, "paths": paths}


def _cache_layers(engine: VllmConfig) -> list[dict[str, Any]]:
    """Return the cache specifications of the layers. Layers with the same specification share one entry."""
    alike: Counter[str] = Counter()
    for layer in engine.compilation_config.static_forward_context.values():
        if getattr(layer, "kv_sharing_target_layer_name", None):  # as GPUModelRunner.get_kv_cache_spec does
            continue
        spec = layer.get_kv_cache_spec(engine) if hasattr(layer, "get_kv_cache_spec") else None
        if spec is not None:
            alike[json.dumps(_document(spec), sort_keys=True)] += 1
    return [{"layers": layers, **json.loads(entry)} for entry, layers in alike.items()]


def _document(spec: Any) -> dict[str, Any]:
    values = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    written = {
        name: value if isinstance(value, int | float | str) else str(value) for name, value in values.items() if value
    }
    return {"kind": type(spec).__name__, "page_bytes": spec.page_size_bytes, **written}


if __name__ == "__main__":
    print(json.dumps({"engine": f"vllm-cpu {version('vllm-cpu')}", "torch": torch.__version__}), flush=True)
    main()
