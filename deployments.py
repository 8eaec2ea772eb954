"""The deployments of this project. Edit this file: each entry is one stack with the same name.

`replicas plan NAME` shows the plan of an entry, `replicas plan NAME --explain` the reason for each number.
"""

from replicas import Component, Deployment


def article(name: str, model: str, copies: int, accelerators: int, startup: int = 300) -> Deployment:
    """Return a row of the article's table, with the settings of the article for Llama 2 13B.

    The article is "Scale LLM Inference on Amazon SageMaker with Multi-Replica Endpoints", 11 January 2024. It reserves
    10 CPU cores and 100 GiB per accelerator of a copy. Its start-up timeout of 300 s is too short to download 138 GB,
    so the 70B rows have a longer timeout.
    """
    return Deployment(
        name=name,
        instance_type="ml.p4d.24xlarge",
        components=[
            Component(
                model=model,
                engine="tgi-1.1.0",
                copies=copies,
                tensor_parallel=accelerators,
                cpus=10 * accelerators,
                memory_mib=100 * 1024 * accelerators,
                max_input_tokens=2048,
                max_total_tokens=4096,
                min_kv_cache_tokens=16384,
                startup_timeout_seconds=startup,
                # Set as in the article. TGI ignores it for Llama and measures the KV cache at warm-up instead.
                environment={"MAX_BATCH_TOTAL_TOKENS": "16384"},
            )
        ],
    )


DEPLOYMENTS = [
    # The article's table, in its order.
    article("llama-2-7b", "NousResearch/Llama-2-7b-chat-hf", copies=8, accelerators=1),
    article("llama-2-7b-gptq", "TheBloke/Llama-2-7B-Chat-GPTQ", copies=8, accelerators=1),
    article("llama-2-7b-awq", "TheBloke/Llama-2-7B-Chat-AWQ", copies=8, accelerators=1),
    article("llama-2-13b", "NousResearch/Llama-2-13b-chat-hf", copies=8, accelerators=1),
    article("llama-2-13b-gptq", "TheBloke/Llama-2-13B-chat-GPTQ", copies=8, accelerators=1),
    article("llama-2-13b-awq", "TheBloke/Llama-2-13B-chat-AWQ", copies=8, accelerators=1),
    article("llama-2-70b", "NousResearch/Llama-2-70b-chat-hf", copies=2, accelerators=4, startup=1440),
    article("llama-2-70b-gptq", "TheBloke/Llama-2-70B-Chat-GPTQ", copies=4, accelerators=2, startup=600),
    article("llama-2-70b-awq", "TheBloke/Llama-2-70B-Chat-AWQ", copies=4, accelerators=2, startup=600),
    # The mix of the article: two models on one instance.
    Deployment(
        name="llama-13b-mistral-7b",
        instance_type="ml.p4d.24xlarge",
        components=[
            Component(
                name="llama",
                model="NousResearch/Llama-2-13b-chat-hf",
                engine="tgi-1.1.0",
                copies=4,
                tensor_parallel=1,
                max_total_tokens=4096,
                startup_timeout_seconds=540,
            ),
            Component(
                name="mistral",
                model="mistralai/Mistral-7B-Instruct-v0.1",
                engine="tgi-1.1.0",
                copies=4,
                tensor_parallel=1,
                max_total_tokens=4096,
                startup_timeout_seconds=420,
            ),
        ],
    ),
    # Current models. Engine version, parallel degree, copies and start-up timeout are set explicitly. If an entry omits
    # them, a new version of this project can change them and so update the endpoint (docs/updates.md).
    Deployment(
        name="llama-3-1-8b-g5",
        instance_type="ml.g5.12xlarge",
        components=[
            Component(
                model="NousResearch/Meta-Llama-3.1-8B-Instruct",
                engine="vllm-0.29.0",
                copies=4,
                tensor_parallel=1,
                startup_timeout_seconds=480,
            )
        ],
    ),
    Deployment(
        name="llama-3-1-8b-g6e",
        instance_type="ml.g6e.12xlarge",
        components=[
            Component(
                model="NousResearch/Meta-Llama-3.1-8B-Instruct",
                engine="vllm-0.29.0",
                copies=4,
                tensor_parallel=1,
                max_total_tokens=32768,
                startup_timeout_seconds=480,
            )
        ],
    ),
    Deployment(
        name="llama-3-3-70b-fp8",
        instance_type="ml.p5.48xlarge",
        components=[
            Component(
                model="RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
                engine="vllm-0.29.0",
                copies=4,
                tensor_parallel=2,
                max_total_tokens=32768,
                startup_timeout_seconds=900,
            )
        ],
    ),
    Deployment(
        name="mistral-7b",
        instance_type="ml.g6.12xlarge",
        components=[
            Component(
                model="mistralai/Mistral-7B-Instruct-v0.3",
                engine="vllm-0.29.0",
                copies=4,
                tensor_parallel=1,
                startup_timeout_seconds=420,
            )
        ],
    ),
    Deployment(
        name="qwen3-8b",
        instance_type="ml.g6e.xlarge",
        components=[
            Component(
                model="Qwen/Qwen3-8B",
                engine="vllm-0.29.0",
                copies=1,
                tensor_parallel=1,
                max_total_tokens=32768,
                startup_timeout_seconds=480,
            )
        ],
    ),
    Deployment(
        name="qwen3-30b-a3b",
        instance_type="ml.g6e.48xlarge",
        components=[
            Component(
                model="Qwen/Qwen3-30B-A3B-FP8",
                engine="vllm-0.29.0",
                copies=8,
                tensor_parallel=1,
                max_total_tokens=32768,
                startup_timeout_seconds=600,
            )
        ],
    ),
    Deployment(
        name="mixtral-8x7b",
        instance_type="ml.p4d.24xlarge",
        components=[
            Component(
                model="mistralai/Mixtral-8x7B-Instruct-v0.1",
                engine="vllm-0.29.0",
                copies=2,
                tensor_parallel=4,
                max_total_tokens=16384,
                startup_timeout_seconds=1080,
            )
        ],
    ),
    Deployment(
        name="starcoder2-15b",
        instance_type="ml.g5.12xlarge",
        components=[
            Component(
                model="bigcode/starcoder2-15b-instruct-v0.1",
                engine="vllm-0.29.0",
                copies=2,
                tensor_parallel=2,
                startup_timeout_seconds=600,
            )
        ],
    ),
    Deployment(
        name="flan-t5-xxl",
        instance_type="ml.g5.12xlarge",
        components=[
            Component(
                model="google/flan-t5-xxl",
                engine="tgi-3.3.6",
                copies=2,
                tensor_parallel=2,
                startup_timeout_seconds=540,
            )
        ],
    ),
    # Popular models in late 2026.
    Deployment(
        name="gpt-oss-20b",
        instance_type="ml.g6e.xlarge",
        components=[
            Component(
                model="openai/gpt-oss-20b",
                engine="vllm-0.30.0",
                copies=1,
                tensor_parallel=1,
                max_total_tokens=32768,
                startup_timeout_seconds=420,
            )
        ],
    ),
    Deployment(
        name="gpt-oss-120b",
        instance_type="ml.g7e.12xlarge",
        components=[
            Component(
                model="openai/gpt-oss-120b",
                engine="vllm-0.30.0",
                copies=2,
                tensor_parallel=1,
                max_total_tokens=32768,
                startup_timeout_seconds=840,
            )
        ],
    ),
    Deployment(
        name="qwen3-6-35b-a3b",
        instance_type="ml.g7e.2xlarge",
        components=[
            Component(
                model="Qwen/Qwen3.6-35B-A3B",
                engine="vllm-0.30.0",
                copies=1,
                tensor_parallel=1,
                max_total_tokens=32768,
                startup_timeout_seconds=900,
            )
        ],
    ),
    Deployment(
        name="deepseek-v3-1",
        instance_type="ml.p5en.48xlarge",
        components=[
            Component(
                model="deepseek-ai/DeepSeek-V3.1",
                engine="vllm-0.30.0",
                copies=1,
                tensor_parallel=8,
                max_total_tokens=65536,
                startup_timeout_seconds=3600,
            )
        ],
    ),
    Deployment(
        name="llama-4-scout",
        instance_type="ml.p5.48xlarge",
        components=[
            Component(
                model="unsloth/Llama-4-Scout-17B-16E-Instruct",
                engine="vllm-0.30.0",
                copies=2,
                tensor_parallel=4,
                max_total_tokens=65536,
                startup_timeout_seconds=2040,
            )
        ],
    ),
    Deployment(
        name="gemma-4-26b-a4b",
        instance_type="ml.g7e.2xlarge",
        components=[
            Component(
                model="google/gemma-4-26B-A4B-it",
                engine="vllm-0.30.0",
                copies=1,
                tensor_parallel=1,
                max_total_tokens=32768,
                startup_timeout_seconds=720,
            )
        ],
    ),
    Deployment(
        name="mistral-small-3-2",
        instance_type="ml.g7e.12xlarge",
        components=[
            Component(
                model="mistralai/Mistral-Small-3.2-24B-Instruct-2506",
                engine="vllm-0.30.0",
                copies=2,
                tensor_parallel=1,
                max_total_tokens=32768,
                startup_timeout_seconds=720,
            )
        ],
    ),
    Deployment(
        name="qwen3-vl-8b",
        instance_type="ml.g6e.xlarge",
        components=[
            Component(
                model="Qwen/Qwen3-VL-8B-Instruct",
                engine="vllm-0.30.0",
                copies=1,
                tensor_parallel=1,
                max_total_tokens=32768,
                startup_timeout_seconds=480,
            )
        ],
    ),
    # An embedding model and a reranker on one endpoint.
    Deployment(
        name="search",
        instance_type="ml.g6.12xlarge",
        components=[
            Component(
                name="embedding",
                model="BAAI/bge-m3",
                engine="vllm-0.30.0",
                copies=2,
                tensor_parallel=1,
                max_total_tokens=2048,
                max_batch_prefill_tokens=8192,
                startup_timeout_seconds=360,
            ),
            Component(
                name="reranker",
                model="BAAI/bge-reranker-v2-m3",
                engine="vllm-0.30.0",
                copies=2,
                tensor_parallel=1,
                max_total_tokens=2048,
                max_batch_prefill_tokens=8192,
                startup_timeout_seconds=360,
            ),
        ],
    ),
    # The other engines.
    Deployment(
        name="qwen3-8b-sglang",
        instance_type="ml.g6e.12xlarge",
        components=[
            Component(
                model="Qwen/Qwen3-8B",
                engine="sglang-0.5.20",
                copies=4,
                tensor_parallel=1,
                startup_timeout_seconds=480,
            )
        ],
    ),
    Deployment(
        name="llama-3-1-8b-lmi",
        instance_type="ml.g5.12xlarge",
        components=[
            Component(
                model="NousResearch/Meta-Llama-3.1-8B-Instruct",
                engine="lmi-29.0.0",
                copies=4,
                tensor_parallel=1,
                startup_timeout_seconds=480,
            )
        ],
    ),
]
