"""Default engine of a component, and an example of an engine name with a version."""

DEFAULT_ENGINE = "vllm"
EXAMPLE = "tgi-1.1.0"
