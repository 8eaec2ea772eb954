"""The engine of a component that names none, and an example of a name with a version."""

DEFAULT_ENGINE = "vllm"
EXAMPLE = "tgi-1.1.0"
