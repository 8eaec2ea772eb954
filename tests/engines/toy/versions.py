"""Versions of the toy."""

from __future__ import annotations

from collections.abc import Mapping

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import Quantization
from replicas.engines.containers import LOCAL_WEIGHTS
from replicas.engines.engine import Engine, Settings


class ToyVersion(Engine):
    """One version of the toy: Llamas without quantization, up to eight requests at once."""

    sequences = 8

    def problems(self, model: Model, quantization: Quantization | None) -> list[str]:
        """Anything but plain Llamas."""
        problems = []
        if model.architecture.model_type not in self.facts["families"]:
            problems.append(f"{self} does not serve {model.id}: a Llama")
        if quantization:
            problems.append(f"{self} does not run {quantization.method} weights")
        return problems

    def default_prefill_tokens(self, instance: Instance, max_input_tokens: int) -> tuple[int, str]:
        """Whole prompts."""
        return max_input_tokens, "the longest prompt: the toy does not split one"

    def least_prefill_tokens(self, max_input_tokens: int) -> int:
        """Whole prompts."""
        return max_input_tokens

    def least_kv_cache_tokens(self, max_total_tokens: int, prefill_tokens: int) -> tuple[int, str]:
        """One request."""
        return max_total_tokens, "one request of max_total_tokens"

    def accepts_chat(self, model: Model) -> bool:
        """No OpenAI bodies."""
        return False

    def refused_variables(self) -> Mapping[str, str]:
        """The old name of the longest request."""
        return {"TOY_OLD_LENGTH": f"{self} is given TOY_LENGTH: max_total_tokens=..."}

    def environment(self, settings: Settings) -> dict[str, str]:
        """The variables of the toy."""
        return {
            "TOY_MODEL": LOCAL_WEIGHTS if settings.from_s3 else settings.model.id,
            "TOY_SHARDS": str(settings.tensor_parallel),
            "TOY_LENGTH": str(settings.max_total_tokens),
            "TOY_PREFILL": str(settings.prefill_tokens),
            "TOY_SEATS": str(settings.sequences),
        }
