"""The engine of a component that names none."""

DEFAULT_ENGINE = "vllm"
