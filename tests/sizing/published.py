"""Token counts that engines printed at start-up, and what the memory model says for the same settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from replicas.catalogue.instances import find_instance
from replicas.catalogue.models import find_model
from replicas.catalogue.quantization import METHODS
from replicas.engines import find_engine
from replicas.sizing.memory import CopyMemory, copy_memory

Row = dict[str, Any]

PUBLISHED = json.loads((Path(__file__).parent / "published_kv_cache.json").read_text())
# Models that are not in the table, with the shape that their model cards state.
SAME_SHAPE = {
    "Qwen/Qwen2-7B-Instruct": "Qwen/Qwen2.5-7B-Instruct",
    "meta-llama/Meta-Llama-3-8B": "meta-llama/Llama-3.1-8B",
    "RedHatAI/Qwen2.5-7B-Instruct-FP8-dynamic": "Qwen/Qwen2.5-7B-Instruct",
    "deepseek-ai/DeepSeek-R1-Distill-Llama-8B": "meta-llama/Llama-3.1-8B",
    "Qwen/QwQ-32B": "Qwen/Qwen2.5-32B-Instruct",
}

# Rows that hold nothing against the model, by the name of their test.
LEFT_OUT = {
    "Llama-2-70b-hf-vllm-0.2.5-tp4": "outlier: that pull request counted 13 GiB a card of NCCL peaks",
    "Llama-3.1-8B-Instruct-vllm-0.19.0-tp1-fp8-cache": "a cache of one byte: the project sizes caches of two",
    "Qwen2.5-7B-Instruct-vllm-0.19.0-tp1-fp8-cache": "a cache of one byte: the project sizes caches of two",
    "Llama-3.1-8B-Instruct-vllm-unstated-tp1": "version of vLLM not stated",
    "Qwen3-32B-vllm-unstated-tp1": "version of vLLM not stated",
    "Llama-3.3-70B-Instruct-FP8-dynamic-vllm-unstated-tp2": "version of vLLM not stated",
    "Llama-3.1-8B-Instruct-vllm-0.7-tp1": "an A10, not an A10G; model and version inferred from the log",
    "Swallow-7b-hf-tgi-2.0.3-tp1": "an A10, not an A10G; another vocabulary; share and dtype inferred",
}


def name_of(row: Row) -> str:
    """A row's name in tests and tables."""
    suffixes = ["fp8-cache"] * (row.get("kv_cache_dtype") == "fp8")
    return "-".join([row["model"].split("/")[1], row["engine"], f"tp{row['tensor_parallel']}", *suffixes])


def memory_of(row: Row) -> CopyMemory:
    """What the memory model says for the settings of a row."""
    model = find_model(SAME_SHAPE.get(row["model"], row["model"]))
    quantization = model.quantization
    if quantization is None and row.get("quantization"):
        quantization = METHODS["fp8"]  # both rows without a repository of the table store eight bits by column
    return copy_memory(
        model,
        quantization,
        find_instance(row["instance_type"]),
        find_engine(row["engine"]),
        tensor_parallel=row["tensor_parallel"],
        prefill_tokens=row["prefill_tokens"],
        sequences=row.get("max_num_seqs") or 256,
        share=row["gpu_memory_share"],
    )
