"""Versions of TGI: the models that they serve, their memory, and the variables that configure them."""

from __future__ import annotations

from collections.abc import Mapping

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import Quantization
from replicas.engines.containers import LOCAL_WEIGHTS
from replicas.engines.engine import DefaultLengths, Engine, Settings

_DECLARED_BY_CHECKPOINT = ("compressed-tensors",)
"""Formats that TGI reads from the checkpoint but does not accept as an option."""


class TgiVersion(Engine):
    """One version of TGI."""

    sequences = None
    # server/text_generation_server/layers/marlin/util.py, `_check_valid_shape`
    packed_tile = (64, 128)
    packed_tile_name = "Marlin"
    refuses_longer_context = False

    def problems(self, model: Model, quantization: Quantization | None) -> list[str]:
        """Return the reasons why this version cannot serve the model: its family or its quantization needs another
        version or engine.
        """
        problems = []
        family = model.architecture.model_type
        first = self.facts["families"].get(family)
        if not model.architecture.is_known:
            pass  # the family of a model with declared sizes is not known
        elif first is None:
            problems.append(f"{self} does not serve the model family {family!r} of {model.id}: use engine='vllm'")
        elif not self.since(first):
            problems.append(
                f"{self} does not serve the model family {family!r} of {model.id}: use engine='tgi-{first}' or later"
            )
        scaling = model.architecture.position_scaling
        first = self.facts["position_scalings"].get(scaling, self.oldest)
        if not self.since(first):
            problems.append(
                f"{self} does not read rope_scaling of the type {scaling!r} of {model.id}: use engine='tgi-{first}' or "
                "later"
            )
        if quantization:
            first = self.facts["quantizations"].get(quantization.method)
            if first is None:
                problems.append(f"{self} does not run {quantization.method} weights: use engine='vllm'")
            elif not self.since(first):
                problems.append(f"{self} does not run {quantization.method} weights: use engine='tgi-{first}' or later")
            problems += dict.fromkeys(
                sentence for format_ in quantization.formats for sentence in self.integer_problems(format_)
            )
        return problems

    def default_prefill_tokens(self, instance: Instance, max_input_tokens: int) -> tuple[int, str]:  # noqa: ARG002
        """Return the default prefill budget, tokens, and the reason for this value.

        In 1.x it is a fixed number, but at least the longest prompt. In later versions it is the longest prompt plus 50
        tokens.
        """
        fact = self.fact("prefill")
        if fact["tokens"] is None:
            return max_input_tokens + 50, fact["source"]
        if max_input_tokens > fact["tokens"]:
            return max_input_tokens, "the longest prompt, which must fit in a prefill step"
        return fact["tokens"], fact["source"]

    def default_lengths(self, model: Model) -> DefaultLengths:
        """Return the default lengths: fixed numbers before 2.0.3, the model's context up to a maximum before 3.0.0, and
        no limit from 3.0.0 on.
        """
        fact = self.fact("lengths")
        if "most" not in fact:
            return DefaultLengths(max_total_tokens=fact["total"], max_input_tokens=fact["input"])
        total = min(fact["most"], model.architecture.context_tokens or fact["most"])
        return DefaultLengths(max_total_tokens=total, max_input_tokens=total - 1)

    def least_prefill_tokens(self, max_input_tokens: int) -> int:
        """Return the longest prompt, because TGI does not split prompts."""
        return max_input_tokens

    def least_kv_cache_tokens(self, max_total_tokens: int, prefill_tokens: int) -> tuple[int, str]:
        """Return the larger of a full prefill step, which the warm-up runs, and a request of full length."""
        if prefill_tokens > max_total_tokens:
            return prefill_tokens, "TGI's warm-up caches a full prefill step"
        return max_total_tokens, "one request of max_total_tokens"

    def accepts_chat(self, model: Model) -> bool:  # noqa: ARG002
        """Return False: in every supported version the containers take `inputs` and `parameters`.

        From 1.4 on, MESSAGES_API_ENABLED switches to chat bodies, but then `inputs` no longer works.
        """
        return False

    def share_for(self, share: float) -> float:
        """Return the share of the card's memory that TGI uses: CUDA_MEMORY_FRACTION, minus a reserve from 1.4.5 on."""
        own, _ = self.gpu_memory_share()
        return share * own

    def refused_variables(self) -> Mapping[str, str]:
        """Return the other name of the prompt limit: the launcher exits if both names are set."""
        ours, other = self._input_variables
        return {
            other: f"the plan sets {ours}, and the launcher of {self} does not start with both: use "
            "max_input_tokens=..."
        }

    @property
    def _input_variables(self) -> tuple[str, str]:
        """Two names of the variable for the longest prompt: the name that this version reads, and the name that it does
        not accept.
        """
        names = ("MAX_INPUT_LENGTH", "MAX_INPUT_TOKENS")
        return (names[1], names[0]) if self.since("2.0.3") else names

    def environment(self, settings: Settings) -> dict[str, str]:
        """Return the variables for model, degree and lengths, and the variables whose values differ from this version's
        defaults.
        """
        model = settings.model
        variables = {
            "HF_MODEL_ID": LOCAL_WEIGHTS if settings.from_s3 else model.id,
            "SM_NUM_GPUS": str(settings.tensor_parallel),
            self._input_variables[0]: str(settings.max_input_tokens),
            "MAX_TOTAL_TOKENS": str(settings.max_total_tokens),
        }
        if settings.revision:
            variables["HF_MODEL_REVISION"] = settings.revision
        if settings.quantization and settings.quantization.method not in _DECLARED_BY_CHECKPOINT:
            variables["HF_MODEL_QUANTIZE"] = settings.quantization.method
        if not settings.prefill_is_default:
            variables["MAX_BATCH_PREFILL_TOKENS"] = str(settings.prefill_tokens)
        if settings.requested_share is not None:
            variables["CUDA_MEMORY_FRACTION"] = f"{settings.requested_share:g}"
        if model.architecture.encoder_decoder:
            # For these models TGI does not measure the cache at warm-up; this variable sets its size.
            variables["MAX_BATCH_TOTAL_TOKENS"] = str(settings.kv_cache_tokens)
        return variables
