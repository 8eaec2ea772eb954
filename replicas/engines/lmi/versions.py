"""Versions of LMI: each contains one version of vLLM, which determines memory and speed."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.version import Version

from replicas.catalogue.instances import Instance
from replicas.engines.containers import LOCAL_WEIGHTS
from replicas.engines.engine import Settings
from replicas.engines.kind import EngineKind
from replicas.engines.vllm.versions import VllmVersion

_ASYNC_SEQUENCES, _ROLLING_SEQUENCES = 32, 256
_PREFILL_TOKENS = 2048


class LmiVersion(VllmVersion):
    """One version of LMI, with vLLM's async handler. `since` compares the version of vLLM inside."""

    tasks = frozenset({"generate"})  # how LMI's handler serves embeddings and scores is not known
    sequences = _ROLLING_SEQUENCES

    def __init__(self, kind: EngineKind, version: str, publisher: str | None = None) -> None:
        """Look up the version of vLLM inside.

        Raises:
            LookupError: the version of vLLM inside is not known.

        """
        super().__init__(kind, version, publisher)
        carried: Mapping[str, str] = self.facts["vllm"]
        if version not in carried:
            raise LookupError(
                f"engine '{self}': this version is not supported; supported versions: {', '.join(carried)}"
            )
        self._version = Version(carried[version])

    @property
    def _is_async_by_itself(self) -> bool:
        first: str = self.facts["async_since"]
        return Version(self.version) >= Version(first)

    @property
    def outlook(self) -> str:
        """End of the engine's support, and the version of vLLM inside."""
        return f"vLLM {self._version} inside; {super().outlook}"

    def default_prefill_tokens(self, instance: Instance, max_input_tokens: int) -> tuple[int, str]:  # noqa: ARG002
        """Return the default maximum of prompt tokens per engine step, and its origin.

        It is the same for all accelerators.
        """
        return _PREFILL_TOKENS, "default of vLLM's engine, which LMI starts without its server"

    def default_sequences(self, instance: Instance) -> int:  # noqa: ARG002
        """Return the maximum number of requests in a batch, for a container whose variables do not set it.

        This is the default of the async handler, or of the rolling batch in versions that do not select the handler.
        """
        return _ASYNC_SEQUENCES if self._is_async_by_itself else _ROLLING_SEQUENCES

    def adapter_slot_rank(self, rank: int) -> int | None:
        """Return the smallest rank that vLLM accepts for `rank`; None if the async handler serves no such adapters."""
        first: str = self.facts["async_adapters_since"]
        return super().adapter_slot_rank(rank) if Version(self.version) >= Version(first) else None

    def refused_variables(self) -> Mapping[str, str]:
        """Return the variables that select another library than the plan assumes, or with which LMI does not start."""
        return {
            "OPTION_ROLLING_BATCH": f"{self} is planned with vLLM's async handler: remove the variable",
            "OPTION_ASYNC_MODE": f"{self} is planned with vLLM's async handler: remove the variable",
            "OPTION_ENTRYPOINT": f"{self} is planned with vLLM's async handler: remove the variable",
            "OPTION_MAX_NUM_SEQS": "LMI does not start with vLLM's name of this setting: use max_sequences=...",
            "OPTION_TENSOR_PARALLEL_SIZE": "LMI does not start with vLLM's name of this setting: use "
            "tensor_parallel=...",
            "HF_MODEL_REVISION": "LMI does not read this variable: use revision=...",
        }

    def environment(self, settings: Settings) -> dict[str, str]:
        """Return the container's variables. LMI passes `OPTION_<ARGUMENT>` on to vLLM as `--argument`."""
        variables = {
            "HF_MODEL_ID": LOCAL_WEIGHTS if settings.from_s3 else settings.model.id,
            "OPTION_ROLLING_BATCH": "disable",
            "OPTION_ASYNC_MODE": "true",
            "OPTION_ENTRYPOINT": "djl_python.lmi_vllm.vllm_async_service",
            "OPTION_TENSOR_PARALLEL_DEGREE": str(settings.tensor_parallel),
            "OPTION_MAX_MODEL_LEN": str(settings.max_total_tokens),
            "OPTION_MAX_ROLLING_BATCH_PREFILL_TOKENS": str(settings.prefill_tokens),
            "OPTION_MAX_ROLLING_BATCH_SIZE": str(settings.sequences),
            "OPTION_GPU_MEMORY_UTILIZATION": f"{settings.share:g}",
            # Without this variable, the server passes health checks although its model failed to load.
            "SERVING_FAIL_FAST": "true",
        }
        if settings.revision:
            variables["OPTION_REVISION"] = settings.revision
        if method := self.made_quantization(settings):
            variables["OPTION_QUANTIZE"] = method
        if settings.adapters:
            variables["OPTION_ENABLE_LORA"] = "true"
            variables["OPTION_MAX_LORAS"] = str(settings.adapters)
            variables["OPTION_MAX_LORA_RANK"] = str(settings.adapter_rank)
        return variables

    def first_with(self, version: str) -> str:
        """Return the name of the first version of LMI with at least this version of vLLM."""
        carried: Mapping[str, str] = self.facts["vllm"]
        return f"{self.name}-{next(own for own, vllm in carried.items() if Version(vllm) >= Version(version))}"

    def _versions_inside(self) -> Mapping[str, str]:
        """Return the version of vLLM in each version of LMI that has an image, oldest first."""
        carried: Mapping[str, str] = self.facts["vllm"]
        return {version: carried[version] for version in self.kind.image_versions() if version in carried}
