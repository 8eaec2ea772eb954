"""A search: an embedding model and the reranker of its results, side by side on one instance."""

from replicas import Component, Deployment, Traffic

DEPLOYMENTS = [
    Deployment(
        name="search",
        instance_type="ml.g6.12xlarge",
        components=[
            Component(
                name="embedding",
                model="Qwen/Qwen3-Embedding-0.6B",
                copies=3,
                tensor_parallel=1,
                traffic=Traffic(requests_per_second=100, input_tokens=500),
            ),
            Component(name="reranker", model="Qwen/Qwen3-Reranker-0.6B", copies=1, tensor_parallel=1),
        ],
    )
]
