"""Bodies of Text Generation Inference: `inputs` and `parameters`. Names and words as its router 1.1 to 3.3 has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from embedded_aws.serving.dialect import Ask, Refusal, compact, event, read
from embedded_aws.serving.text import count_tokens
from replicas.planning.plans import ComponentPlan

_DEFAULT_NEW_TOKENS = 20
_POSITIVE = ("temperature", "repetition_penalty")
_OPEN_INTERVAL = ("top_p", "typical_p")


class TgiAsk(Ask):
    """One generation."""

    def __init__(self, plan: ComponentPlan, body: bytes) -> None:
        """Read and validate a body.

        Raises:
            Refusal: 422, in the router's words.

        """
        try:
            document = read(body)
        except ValueError as fault:
            raise Refusal(422, {"error": f"Failed to deserialize the JSON body: {fault}"}) from None
        self._inputs = document.get("inputs")
        parameters = document.get("parameters") or {}
        if not isinstance(self._inputs, str) or not isinstance(parameters, dict):
            raise Refusal(
                422, {"error": "Failed to deserialize the JSON body into the target type: missing field `inputs`"}
            )
        self.stream = bool(document.get("stream", False))
        self.input_tokens = count_tokens(self._inputs) + 1  # the beginning of the sequence
        wanted = parameters.get("max_new_tokens")
        self.output_tokens = _DEFAULT_NEW_TOKENS if wanted is None else wanted
        self._details = bool(parameters.get("details", False))
        # On the path that SageMaker calls the prompt comes back unless it is told not to.
        full = parameters.get("return_full_text")
        self._full_text = True if full is None else bool(full)
        _validate(plan, parameters, self._inputs, self.input_tokens, self.output_tokens)

    def whole(self, tokens: Sequence[str]) -> bytes:
        """A list of one generation."""
        generation: dict[str, Any] = {"generated_text": self._text(tokens)}
        if self._details:
            generation["details"] = {
                **self._summary(tokens),
                "prefill": [],
                "tokens": [_token(index, text) for index, text in enumerate(tokens)],
            }
        return compact([generation]).encode()

    def events(self, tokens: Sequence[str], told: int, generated: int) -> bytes:
        """One event a token; the last holds the whole text."""
        parts = []
        for index in range(told, generated):
            last = index + 1 == len(tokens)
            parts.append(
                event(
                    {
                        "token": _token(index, tokens[index]),
                        "generated_text": self._text(tokens) if last else None,
                        "details": self._summary(tokens) if last and self._details else None,
                    },
                    "data:",
                )
            )
        return b"".join(parts)

    def _text(self, tokens: Sequence[str]) -> str:
        return (str(self._inputs) if self._full_text and not self.stream else "") + "".join(tokens)

    def _summary(self, tokens: Sequence[str]) -> dict[str, Any]:
        return {"finish_reason": "length", "generated_tokens": len(tokens), "seed": None}


def _token(index: int, text: str) -> dict[str, Any]:
    return {"id": index + 3, "text": text, "logprob": -0.5, "special": False}


def overloaded() -> Refusal:
    """As many requests as it takes are there."""
    return Refusal(429, {"error": "Model is overloaded", "error_type": "overloaded"})


def _validate(plan: ComponentPlan, parameters: dict[str, Any], inputs: str, given: int, wanted: Any) -> None:
    problem = None
    if not inputs:
        problem = "`inputs` cannot be empty"
    for name in _POSITIVE:
        if parameters.get(name) is not None and not parameters[name] > 0:
            problem = f"`{name}` must be strictly positive"
    for name in _OPEN_INTERVAL:
        if parameters.get(name) is not None and not 0 < parameters[name] < 1:
            problem = f"`{name}` must be > 0.0 and < 1.0"
    if parameters.get("top_k") is not None and not parameters["top_k"] > 0:
        problem = "`top_k` must be strictly positive"
    if not isinstance(wanted, int) or wanted < 1:
        problem = "`max_new_tokens` must be strictly positive"
    elif given > plan.max_input_tokens:
        problem = f"`inputs` must have less than {plan.max_input_tokens} tokens. Given: {given}"
    elif given + wanted > plan.max_total_tokens:
        problem = (
            f"`inputs` tokens + `max_new_tokens` must be <= {plan.max_total_tokens}. "
            f"Given: {given} `inputs` tokens and {wanted} `max_new_tokens`"
        )
    if problem:
        raise Refusal(422, {"error": f"Input validation error: {problem}", "error_type": "validation"})
