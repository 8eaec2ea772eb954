"""vLLM's pooling runner: embeddings and scores.

A prompt passes through the model once, and the pooler computes a vector or a number from the last hidden states. No
token is sampled, so a request is as long as its prompt. A model with bidirectional attention keeps no KV cache
(`EncoderOnlyAttention.get_kv_cache_spec` in vllm/model_executor/layers/attention/encoder_only_attention.py) and cannot
split a prompt (`is_chunked_prefill_supported` in vllm/config/model.py). A decoder keeps a cache while it computes a
prompt. Source: vLLM 0.32.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import Quantization
from replicas.catalogue.tasks import Task
from replicas.engines.cache import NO_CACHE, CachePool
from replicas.engines.engine import Settings
from replicas.engines.vllm.versions import VllmVersion

_CONVERT: Mapping[Task, str] = {"embed": "embed", "score": "classify"}
"""Value of --convert. It has no effect on a class that already pools (vllm/model_executor/models/adapters.py)."""


class PoolingVllmVersion(VllmVersion):
    """One version of vLLM that serves one model with the pooling runner."""

    def __init__(self, version: VllmVersion, model: Model, task: Task) -> None:
        super().__init__(version.kind, version.version)
        self.image = version.image
        self._task = task
        self._model = model
        self._caches = keeps_cache(model)

    def problems(self, model: Model, quantization: Quantization | None) -> list[str]:
        """Return why this version cannot serve the model. A language model can score only if the method is known."""
        problems = super().problems(model, quantization)
        if self._task == "score" and model.architecture.head == "language_model" and self._overrides is None:
            known = ", ".join(entry["models"] for entry in self.facts["rerankers"])
            problems.append(
                f"task='score': {model.id} has no classification head, and how {self} computes scores with a "
                f"language model "
                f"is known only for {known}: use a repository with a classification head"
            )
        return problems

    def warnings(self, model: Model) -> list[str]:
        """Return a warning if requests must contain the prompt of a reranker that was published as a language model."""
        if self._task != "score" or model.architecture.head != "language_model":
            return []
        return [
            f"{model.id} scores a prompt with the instruction in its model card, which the container does not add: put "
            "the instruction around query and document in each request, or the scores mean little"
        ]

    def default_prefill_tokens(self, instance: Instance, max_input_tokens: int) -> tuple[int, str]:
        """Return the server's default, but at least the longest prompt: the pooler needs all its tokens at once."""
        tokens, reason = super().default_prefill_tokens(instance, max_input_tokens)
        if max_input_tokens > tokens:
            return max_input_tokens, "the longest prompt, because the pooler needs all tokens at once"
        return tokens, reason

    def least_prefill_tokens(self, max_input_tokens: int) -> int:
        """Return the longest prompt for bidirectional attention, which cannot process prompts in chunks."""
        return super().least_prefill_tokens(max_input_tokens) if self._caches else max_input_tokens

    def least_kv_cache_tokens(self, max_total_tokens: int, prefill_tokens: int) -> tuple[int, str]:
        """Return the smallest KV cache with which this version starts, tokens, and the reason for this size.

        The size is 0 for an encoder, which keeps no cache.
        """
        if not self._caches:
            return 0, "bidirectional attention keeps no KV cache"
        return super().least_kv_cache_tokens(max_total_tokens, prefill_tokens)

    def cache_pool(
        self,
        architecture: Architecture,
        tensor_parallel: int,
        element_bytes: float,
        *,
        block_tokens: int,
        prefill_tokens: int,
    ) -> CachePool:
        """Return the KV cache pool of a decoder. The pool of an encoder, which keeps no cache, is empty."""
        if not self._caches:
            return NO_CACHE
        return super().cache_pool(
            architecture, tensor_parallel, element_bytes, block_tokens=block_tokens, prefill_tokens=prefill_tokens
        )

    def longest_prompt(self, max_total_tokens: int) -> tuple[int, str]:
        """Return the length of the whole request, because no token is generated."""
        return max_total_tokens, "the whole request, because no token is generated"

    def sampling_bytes(self, vocab_size: int, sequences: int | None) -> float:  # noqa: ARG002
        """Return 0, because no token is sampled.

        A pooler's vectors are smaller than the activations of its prompts (`_dummy_pooler_run` in
        vllm/v1/worker/gpu_model_runner.py).
        """
        return 0

    def accepts_chat(self, model: Model) -> bool:  # noqa: ARG002
        """Return False, because chat completions need a model that generates text."""
        return False

    def environment(self, settings: Settings) -> dict[str, str]:
        """Return the container's variables. They set runner and conversion, which files of the repository could change
        otherwise.
        """
        variables = super().environment(settings)
        variables["SM_VLLM_RUNNER"] = "pooling"
        variables["SM_VLLM_CONVERT"] = _CONVERT[self._task]
        if self._task == "score" and settings.model.architecture.head == "language_model" and self._overrides:
            variables["SM_VLLM_HF_OVERRIDES"] = json.dumps(self._overrides, separators=(",", ":"))
        return variables

    @property
    def _overrides(self) -> dict[str, Any] | None:
        """Return the --hf-overrides for a reranker that was published as a language model; None if unknown."""
        name = self._model.id.rpartition("/")[2].lower()
        entries: list[dict[str, Any]] = self.facts["rerankers"]
        return next((entry["overrides"] for entry in entries if re.fullmatch(entry["pattern"], name)), None)


def keeps_cache(model: Model) -> bool:
    """True if a layer of the model keeps keys and values."""
    return model.declared.kv_bytes_per_token is not None or bool(model.architecture.caches)
