"""Versions of vLLM: the models that they serve, their memory, and the variables that configure them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.version import Version

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import Quantization
from replicas.catalogue.tasks import TASKS, Task
from replicas.engines.cache import CachePool
from replicas.engines.containers import LOCAL_WEIGHTS
from replicas.engines.engine import Engine, Settings
from replicas.engines.environment import MemorySettings
from replicas.engines.vllm import cache, mxfp4
from replicas.units import GIB, MIB_PER_GIB

_ADAPTER_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Values that --max-lora-rank accepts (vllm/config/lora.py, 0.11 to 0.30)."""


def _is_in(tier: Mapping[str, Any], instance: Instance) -> bool:
    """Return True if a tier of defaults applies to the accelerators of an instance type."""
    card = instance.accelerator
    is_named = card in tier["cards"] if "cards" in tier else card not in tier.get("without", ())
    return is_named and instance.accelerator_memory_mib >= tier.get("least_gib", 0) * MIB_PER_GIB


class VllmVersion(Engine):
    """One version of vLLM. Its environment sets every limit that the plan assumes, so vLLM uses no more than that."""

    sequences = 256
    tasks = frozenset(TASKS)
    # layers/vocab_parallel_embedding.py, DEFAULT_VOCAB_PADDING_SIZE
    vocabulary_multiple = 64
    # layers/quantization/utils/marlin_utils.py, `verify_marlin_supports_shape`. From 0.28 on a dense layer of other
    # widths is padded. No published run shows the loss of speed, so such a width is still refused.
    packed_tile = (64, 128)
    packed_tile_name = "Marlin"

    def serving(self, model: Model, task: Task) -> Engine:
        """Return the pooling runner of this version for embeddings and scores; otherwise the version itself."""
        from replicas.engines.vllm.pooling import PoolingVllmVersion

        return PoolingVllmVersion(self, model, task) if task in self.tasks - {"generate"} else self

    def problems(self, model: Model, quantization: Quantization | None) -> list[str]:
        """Return why this version cannot serve the model: no implementation of the family, or no kernels for the
        quantization.
        """
        problems = []
        shape, unserved = model.architecture, self.facts["unserved"]
        first = self.facts["classes"].get(shape.class_name)
        if reason := unserved.get(shape.class_name) or unserved.get(shape.model_type):
            problems.append(f"{self} does not serve {model.id}: {reason}")
        elif shape.is_known and first is None:
            problems.append(
                f"{self} does not serve {model.id}: no version has its class {shape.class_name}: use another model"
            )
        elif shape.is_known and not self.since(first):
            later = self.first_with(first)
            problems.append(f"{self} does not serve {model.id} ({shape.class_name}): use engine='{later}' or later")
        elif shape.is_known and self._is_after(until := self.facts["classes_until"].get(shape.class_name)):
            problems.append(
                f"{self} does not serve {model.id} ({shape.class_name}), which vLLM removed after {until}: "
                f"{self.advice_with(until)}"
            )
        if quantization and quantization.method == "eetq":
            problems.append(f"{self} does not run eetq weights: use quantization='fp8', or engine='tgi'")
        formats = quantization.formats if quantization else ()
        for method in dict.fromkeys(format_.method for format_ in formats):
            first = self.facts["quantizations"].get(method)
            if first and not self.since(first):
                later = self.first_with(first)
                problems.append(f"{self} does not run {method} weights: use engine='{later}' or later")
        problems += dict.fromkeys(sentence for format_ in formats for sentence in self.integer_problems(format_))
        return problems

    def type_problems(
        self, model: Model, quantization: Quantization | None, settings: MemorySettings, instance: Instance | None
    ) -> list[str]:
        """Return why vLLM refuses the data type of the activations or of the KV cache."""
        fact, family = self.facts["types"], model.architecture.model_type
        given = fact["names"].get(settings.weight_type, settings.weight_type)
        problems = []
        if given == "float16" and family in fact["families_without_float16"]:
            problems.append(
                f"{self} refuses float16 for the model family {family!r}, which is numerically unstable in float16: "
                "set bfloat16, or leave out the data type"
            )
        for format_ in quantization.formats if quantization else ():
            allowed = fact["of_methods"].get(format_.method, [])
            if allowed and given not in ("", "auto", *allowed):
                types = " or ".join(allowed)
                problems.append(
                    f"{self} runs {format_.method} weights with {types}, not with {given}: leave out the data type"
                )
        stored = model.quantization
        problems += self.half_problems(quantization, settings)
        request = self.followed_request(model)
        if request and request.format == "nvfp4" and settings.cache_bytes is None:
            problems += self._nvfp4_cache_problems(model, instance)
        has_scales = (model.cache_request is not None and model.cache_request.format == "fp8") or (
            stored is not None and stored.has("fp8")
        )
        if settings.cache_type == "fp8_e5m2" and has_scales:
            problems.append(f"{self} refuses a cache of fp8_e5m2 for FP8 checkpoints: use fp8")
        return problems

    def longest_context(self, model: Model) -> int | None:
        """Return the context that vLLM derives: its rope_scaling multiplies max_position_embeddings, or for yarn
        original_max_position_embeddings (vllm/config/model.py, _get_and_verify_max_len, read on 29 November 2026).
        """
        context, scaling = super().longest_context(model), model.context_scaling
        if context is None or scaling is None:
            return context
        base = scaling.original_tokens if scaling.is_yarn else None
        return int((base or context) * scaling.factor)

    def _nvfp4_cache_problems(self, model: Model, instance: Instance | None) -> Iterator[str]:
        """Yield why no kernel reads the NVFP4 cache that the checkpoint requests.

        Source: `FlashInferBackend.supports_kv_cache_dtype` in vllm/v1/attention/backends/flashinfer.py, 0.20.2 to
        0.30.0.
        """
        setting = self.kind.variables.cache_precision[0]
        reason = ""
        if any(cache.kind == "latent" for cache, _ in model.architecture.caches):
            reason = "no kernel of latent attention reads it"
        elif instance and instance.capability and not (10, 0) <= instance.capability < (11, 0):
            reason = f"no kernel reads it on the {instance.accelerator} of {instance.name}"
        if reason:
            yield (
                f"{model.id} requests a KV cache in NVFP4, and {self} does not start: {reason}: set {setting}=bfloat16"
            )

    def has_no_kernel(self, model: Model, instance: Instance) -> str | None:
        """Return a reason if the accelerators lack kernels for the checkpoint's arithmetic or for sparse latent
        attention; otherwise None.
        """
        for format_ in model.quantization.formats if model.quantization else ():
            if reason := self._has_no_arithmetic(format_, instance):
                return reason
        least = tuple(self.facts["sparse_attention"]["least_capability"])
        sparse = model.architecture.attends_sparsely
        if not sparse or instance.capability is None or instance.capability >= least:
            return None
        needed = ".".join(map(str, least))
        return (
            f"{self} has no kernel of sparse attention for the {instance.accelerator} of {instance.name}: "
            f"use an instance type of compute capability {needed} or newer"
        )

    def _has_no_arithmetic(self, format_: Quantization, instance: Instance) -> str | None:
        """Return a reason if no kernel multiplies these weights by such inputs on the accelerator; otherwise None."""
        for fact in self.facts["activations"]:
            if (fact["bits"], fact["activations"]) != (format_.bits, format_.activations):
                continue
            least, below = tuple(fact["least_capability"]), tuple(fact["below_capability"])
            if instance.capability and not least <= instance.capability < below:
                return (
                    f"{self} has no kernel for weights of {format_.bits} bits and {format_.activations} activations on "
                    f"the {instance.accelerator} of {instance.name}: use an instance type with {fact['runs_on']}, or "
                    "another checkpoint of the model"
                )
        return None

    def first_with(self, version: str) -> str:
        """Return the first version of this engine with this version of vLLM, as name and version."""
        return f"{self.name}-{version}"

    def _is_after(self, version: str | None) -> bool:
        return version is not None and self._version > Version(version)

    def _versions_inside(self) -> Mapping[str, str]:
        """Return the version of vLLM in each version of the engine that has an image, oldest first."""
        return {version: version for version in self.kind.image_versions()}

    def advice_with(self, version: str) -> str:
        """Return the advice to use the newest image whose version of vLLM is not newer than `version`."""
        older = [own for own, vllm in self._versions_inside().items() if Version(vllm) <= Version(version)]
        return f"use engine='{self.name}-{older[-1]}'" if older else "use another model"

    def default_prefill_tokens(self, instance: Instance, max_input_tokens: int) -> tuple[int, str]:  # noqa: ARG002
        """Return the default prompt tokens of a step, which depend on the card, and the reason for this value."""
        default = self._batch_defaults(instance)
        return default["prefill_tokens"], f"default of vLLM's server on {default['on']}"

    def default_sequences(self, instance: Instance) -> int:
        """Return the server's default limit of requests in a batch, which depends on the card."""
        sequences: int = self._batch_defaults(instance)["sequences"]
        return sequences

    def _batch_defaults(self, instance: Instance) -> Mapping[str, Any]:
        """Return the server's defaults for the accelerator (`get_batch_defaults` in vllm/engine/arg_utils.py)."""
        tiers: list[dict[str, Any]] = self.fact("batch_defaults")["tiers"]
        return next(tier for tier in tiers if _is_in(tier, instance))

    def least_prefill_tokens(self, max_input_tokens: int) -> int:  # noqa: ARG002
        """Return the size of one block, because chunked prefill accepts prompts of any length."""
        return self.kv_block_tokens

    def sequences_within(self, sequences: int | None, prefill_tokens: int) -> int | None:
        """Return the smaller of the request limit and the prefill budget (vllm/engine/arg_utils.py,
        `_set_default_max_num_seqs_and_batched_tokens_args`).
        """
        return sequences and min(sequences, prefill_tokens)

    def batch_problem(self, prefill_tokens: int, sequences: int | None) -> str | None:
        """Return a problem if the limits of a batch allow more requests than tokens (vllm/config/scheduler.py,
        `verify_max_model_len`).
        """
        if sequences is None or sequences <= prefill_tokens:
            return None
        return (
            f"max_sequences={sequences} is more than max_batch_prefill_tokens={prefill_tokens}, with which {self} "
            f"does not start: set max_sequences={prefill_tokens}"
        )

    def least_kv_cache_tokens(self, max_total_tokens: int, prefill_tokens: int) -> tuple[int, str]:  # noqa: ARG002
        """Return the length of the longest request: vLLM does not start if its cache is smaller."""
        return max_total_tokens, "one request of max_total_tokens, without which vLLM does not start"

    def padding_bytes(
        self, architecture: Architecture, quantization: Quantization | None, instance: Instance, tensor_parallel: int
    ) -> tuple[float, str]:
        """Return the bytes that kernels for MXFP4 experts add to the stored weights."""
        if quantization is None or not quantization.has("mxfp4") or instance.capability is None:
            return 0, ""
        return mxfp4.padding_bytes(architecture, self.fact("mxfp4"), instance.capability, tensor_parallel)

    @property
    def counts_cache_in_requests(self) -> bool:  # type: ignore[override]
        """True for versions that report the cache as a number of full-length requests."""
        counts: bool = self.fact("windows")["counts_requests"]
        return counts

    def cache_pool(
        self,
        architecture: Architecture,
        tensor_parallel: int,
        element_bytes: float,
        *,
        block_tokens: int,
        prefill_tokens: int,
    ) -> CachePool:
        """Return the KV cache pool. In versions before vLLM's hybrid manager, every layer keeps whole requests."""
        fact = self.fact("windows")
        batches: int = fact["batches_in_flight"]
        return cache.pool(
            architecture,
            tensor_parallel,
            element_bytes,
            block_tokens=block_tokens,
            in_flight_tokens=batches * prefill_tokens if batches else None,
            blocks_of_state=fact["state_blocks"],
        )

    def sampling_bytes(self, vocab_size: int, sequences: int | None) -> float:
        """Return the bytes that sampling a full batch takes in the profiling run."""
        per_logit: float = self.fact("sampling")["bytes_per_logit"]
        return per_logit * vocab_size * (sequences or self.sequences)

    def workspace_bytes(
        self, architecture: Architecture, quantization: Quantization | None, tensor_parallel: int, prefill_tokens: int
    ) -> float:
        """Return the bytes of the work buffers of routed experts, which versions with modular kernels keep.

        The result is 0 for MXFP4, whose kernels have separate buffers.
        """
        is_own = quantization is not None and quantization.has("mxfp4")
        if is_own or not self.fact("expert_workspace")["kept"]:
            return 0
        return prefill_tokens * architecture.expert_workspace_bytes_per_token(tensor_parallel)

    def start_bytes(
        self,
        architecture: Architecture,
        quantization: Quantization | None,
        instance: Instance,
        sequences: int | None,
    ) -> float:
        """Return the memory that a start with MXFP4 experts takes outside the share of the engine.

        It consists of CUDA graphs, and of the logits of a full batch.
        """
        if quantization is None or not quantization.has("mxfp4") or instance.capability is None:
            return 0
        gib: float = self.fact("mxfp4_start")["gib"]
        if not gib or not mxfp4.is_hopper(instance.capability):
            return 0
        return gib * GIB + 4 * architecture.vocab_size * (sequences or self.sequences)

    def graph_bytes(self, tensor_parallel: int) -> float:
        """Return the memory of CUDA graphs within the share of the engine; 0 for versions that take this memory from
        outside the share.
        """
        fact = self.fact("graphs")
        gib: float = fact["gib"] if tensor_parallel == 1 else fact["split_gib"]
        return gib * GIB

    def accepts_chat(self, model: Model) -> bool:
        """False if the model has no chat template."""
        return model.chat is not False

    def adapter_slot_rank(self, rank: int) -> int | None:
        """Return the smallest accepted --max-lora-rank for adapters of this rank; None if the rank is too large."""
        return next((taken for taken in _ADAPTER_RANKS if taken >= rank), None)

    @property
    def _has_host_cache(self) -> bool:
        """False if the image is known to have no cache in the host's memory."""
        cache = self.kind.host_cache
        return cache is not None and (self.image is None or self.image.repository == cache.repository)

    def refused_variables(self) -> Mapping[str, str]:
        """Return the variables that these images ignore: TGI's variables and, in some images, the variables of the host
        cache.
        """
        refused = {
            "SM_NUM_GPUS": "vLLM's images do not read this variable: use tensor_parallel=...",
            "HF_MODEL_QUANTIZE": "vLLM's images do not read this variable: use quantization=...",
            "HF_MODEL_REVISION": "vLLM's images do not read this variable: use revision=...",
        }
        if self.kind.host_cache and not self._has_host_cache:
            cache = self.kind.host_cache
            ignored = (
                f"the image {self.image.repository if self.image else self} has no such cache: remove the variable"
            )
            refused |= {cache.switch: ignored, cache.share_variable: ignored}
        return refused

    @staticmethod
    def made_quantization(settings: Settings) -> str | None:
        """Return vLLM's name of a quantization applied at start-up; None if the checkpoint contains quantized
        weights.
        """
        if settings.quantization is None or settings.quantization == settings.model.quantization:
            return None
        return settings.quantization.method.removesuffix("-nf4")

    def environment(self, settings: Settings) -> dict[str, str]:
        """Return the container's variables. They do not include SM_NUM_GPUS and HF_MODEL_REVISION, which the images
        ignore.
        """
        variables = {
            "SM_VLLM_MODEL": LOCAL_WEIGHTS if settings.from_s3 else settings.model.id,
            "SM_VLLM_TENSOR_PARALLEL_SIZE": str(settings.tensor_parallel),
            "SM_VLLM_MAX_MODEL_LEN": str(settings.max_total_tokens),
            "SM_VLLM_MAX_NUM_BATCHED_TOKENS": str(settings.prefill_tokens),
            "SM_VLLM_MAX_NUM_SEQS": str(settings.sequences),
            "SM_VLLM_GPU_MEMORY_UTILIZATION": f"{settings.share:g}",
        }
        if self._has_host_cache:
            # By default each copy would reserve half of the host's memory, whatever the component requests.
            variables["HF_ENABLE_LMCACHE"] = "0"
        if settings.revision:
            variables["SM_VLLM_REVISION"] = settings.revision
        if method := self.made_quantization(settings):
            variables["SM_VLLM_QUANTIZATION"] = method
        if settings.adapters:
            variables["SM_VLLM_ENABLE_LORA"] = "true"
            variables["SM_VLLM_MAX_LORAS"] = str(settings.adapters)
            variables["SM_VLLM_MAX_LORA_RANK"] = str(settings.adapter_rank)
            # SageMaker loads adapters through requests to the running container.
            variables["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "True"
        return variables
