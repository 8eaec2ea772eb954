"""Versions of SGLang: the models that they serve, their memory, and the variables that configure them."""

from __future__ import annotations

from collections.abc import Mapping

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import Quantization
from replicas.engines.containers import LOCAL_WEIGHTS
from replicas.engines.engine import DefaultLengths, Engine, Settings
from replicas.engines.environment import MemorySettings
from replicas.units import GIB, MIB_PER_GIB

_CONSTANT_MIB = 512
_MIB_PER_PREFILL_TOKEN = 1.5
_MIB_PER_GRAPH_REQUEST = 2
_LEAST_PREFILL_TOKENS = 2048
_LARGE_CARD_MIB, _LARGE_CARD_RESERVE_MIB = 60 * MIB_PER_GIB, 10 * MIB_PER_GIB
_SPLIT_DEGREE = 4
_PREFILL_GRAPHS = (
    *range(4, 33, 4),
    *range(48, 257, 16),
    *range(288, 513, 32),
    *range(576, 1025, 64),
    *range(1280, 4097, 256),
)
"""Prefill lengths up to 4,096 tokens for which graphs are captured. For longer prompts there is one more graph for
every 512 tokens."""


class SgLangVersion(Engine):
    """One version of SGLang. Weights and cache are inside its static share of the memory, activations and graphs
    outside.

    Source of the constants: `handle_gpu_memory_settings` in arg_groups/memory_hook.py (0.5.20), server_args.py before.
    """

    sequences = 256
    kv_block_tokens = 1
    # layers/vocab_parallel_embedding.py, DEFAULT_VOCAB_PADDING_SIZE
    vocabulary_multiple = 64
    # layers/quantization/marlin_utils.py, `verify_marlin_supports_shape`
    packed_tile = (64, 128)
    packed_tile_name = "Marlin"
    starts_with_any_cache = True
    plans_adapters = False

    def problems(self, model: Model, quantization: Quantization | None) -> list[str]:
        """Return why this version cannot serve the model, or why its memory is not known."""
        family, problems = model.architecture.model_type, []
        if model.architecture.is_known and family not in self.facts["families"]:
            served = ", ".join(self.facts["families"])
            problems.append(
                f"{self}: the memory of the family {family!r} of {model.id} is not known (known: {served}): "
                "use engine='vllm'"
            )
        for method in dict.fromkeys(format_.method for format_ in quantization.formats) if quantization else ():
            if method not in self.facts["quantizations"]:
                problems.append(f"{self}: the memory of {method} weights is not known: use engine='vllm'")
        for format_ in quantization.formats if quantization else ():
            problems += self.integer_problems(format_)
        if model.chat is False:
            problems.append(f"{self} accepts only chat bodies, and {model.id} has no chat template: use engine='vllm'")
        return problems

    def type_problems(
        self,
        model: Model,  # noqa: ARG002
        quantization: Quantization | None,
        settings: MemorySettings,
        instance: Instance | None,  # noqa: ARG002
    ) -> list[str]:
        """Return why SGLang runs the GPTQ weights only with float16; empty if it does not need float16."""
        return list(self.half_problems(quantization, settings))

    @property
    def oldest(self) -> str:
        """The oldest version whose formula for the cache is known."""
        version: str = self.facts["oldest"]
        return version

    def _row(self, instance: Instance) -> tuple[int, int, int]:
        """Return the defaults for a card's memory.

        These are the tokens of a prefill step, and the number of requests in the largest CUDA graph: for degrees below
        4, and for degrees of 4 and more.
        """
        rows = self.fact("cards")["rows"]
        memory = instance.accelerator_memory_mib
        _, prefill, whole, split = next(row for row in rows if row[0] is None or memory < row[0])
        return prefill, whole, split

    def default_prefill_tokens(self, instance: Instance, max_input_tokens: int) -> tuple[int, str]:  # noqa: ARG002
        """Return the default prompt tokens of a step, which depend on the card's memory, and the reason for them."""
        return self._row(instance)[0], f"default of {self} for the memory of {instance.accelerator}"

    def default_lengths(self, model: Model) -> DefaultLengths:  # noqa: ARG002
        """Return no limit: by default the engine accepts every request that fits in its cache."""
        return DefaultLengths(max_total_tokens=None)

    def least_prefill_tokens(self, max_input_tokens: int) -> int:  # noqa: ARG002
        """Return one token, because chunked prefill accepts prompts of any length."""
        return self.kv_block_tokens

    def least_kv_cache_tokens(self, max_total_tokens: int, prefill_tokens: int) -> tuple[int, str]:  # noqa: ARG002
        """Return the tokens of the longest request.

        SGLang also starts with a smaller cache, but then refuses requests that do not fit.
        """
        return max_total_tokens, "one request of max_total_tokens: SGLang refuses requests that do not fit"

    def share_on(self, instance: Instance, tensor_parallel: int, prefill_tokens: int) -> tuple[float, str]:
        """Return the static share that this version chooses on a card, and the reason for this value."""
        memory = instance.accelerator_memory_mib
        _, whole, split = self._row(instance)
        graphs = self.fact("prefill_graphs")["mib_each"] * _captured_lengths(prefill_tokens)
        reserve = (
            _CONSTANT_MIB
            + _MIB_PER_PREFILL_TOKEN * max(prefill_tokens, _LEAST_PREFILL_TOKENS)
            + _MIB_PER_GRAPH_REQUEST * (split if tensor_parallel >= _SPLIT_DEGREE else whole)
            + tensor_parallel / 8 * MIB_PER_GIB
            + graphs
        )
        if memory > _LARGE_CARD_MIB:
            reserve = max(reserve, _LARGE_CARD_RESERVE_MIB)
        reason = (
            f"default of {self}: the card's memory except {reserve / MIB_PER_GIB:.1f} GiB for activations and graphs"
        )
        return round((memory - reserve) / memory, 3), reason

    def outside_bytes(self, activations: float, tensor_parallel: int) -> float:  # noqa: ARG002
        """Return the bytes of activations and graphs, which are outside the static share."""
        graphs: float = self.fact("beside")["graphs_gib"]
        return activations + graphs * GIB

    def sampling_bytes(self, vocab_size: int, sequences: int | None) -> float:
        """Return the memory of sampling a full batch, bytes on one accelerator."""
        per_logit: float = self.fact("beside")["bytes_per_logit"]
        return per_logit * vocab_size * (sequences or self.sequences)

    def accepts_chat(self, model: Model) -> bool:
        """False if the model has no chat template."""
        return model.chat is not False

    def refused_variables(self) -> Mapping[str, str]:
        """Return the variables of other engines' images that SGLang's images ignore."""
        return {
            "SM_NUM_GPUS": "SGLang's images do not read this variable: use tensor_parallel=...",
            "HF_MODEL_ID": "SGLang's images do not read this variable: use model=...",
            "HF_MODEL_QUANTIZE": "SGLang's images do not read this variable: use quantization=...",
            "HF_MODEL_REVISION": "SGLang's images do not read this variable: use revision=...",
        }

    def environment(self, settings: Settings) -> dict[str, str]:
        """Return the container's variables for these settings."""
        variables = {
            "SM_SGLANG_MODEL_PATH": LOCAL_WEIGHTS if settings.from_s3 else settings.model.id,
            "SM_SGLANG_TP_SIZE": str(settings.tensor_parallel),
            "SM_SGLANG_CONTEXT_LENGTH": str(settings.max_total_tokens),
            "SM_SGLANG_CHUNKED_PREFILL_SIZE": str(settings.prefill_tokens),
            "SM_SGLANG_MAX_RUNNING_REQUESTS": str(settings.sequences),
            "SM_SGLANG_MEM_FRACTION_STATIC": f"{settings.share:g}",
        }
        if settings.revision:
            variables["SM_SGLANG_REVISION"] = settings.revision
        if settings.quantization and settings.quantization != settings.model.quantization:
            variables["SM_SGLANG_QUANTIZATION"] = settings.quantization.method
        return variables


def _captured_lengths(prefill_tokens: int) -> int:
    """Return the number of prefill lengths for which graphs are captured."""
    largest = _PREFILL_GRAPHS[-1]
    return sum(
        length <= prefill_tokens for length in (*_PREFILL_GRAPHS, *range(largest + 512, prefill_tokens + 1, 512))
    )
