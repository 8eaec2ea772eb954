"""A SageMaker that does at once what it is asked for, and notes it. Requests are held against botocore's model."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

_MODEL = botocore.session.get_session().get_service_model("sagemaker")
_OPERATIONS = {xform_name(name): name for name in _MODEL.operation_names}
_READY = {"Endpoint": "EndpointStatus", "InferenceComponent": "InferenceComponentStatus"}


@dataclass
class SageMakerDouble:
    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What exists: kind and name (as `Model/llama`) to what was asked for."""
    calls: list[str] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)
    """Operation to the FailureReason of what it does next."""
    refusing: dict[str, str] = field(default_factory=dict)
    """Operation to the message with which it refuses."""
    throttled: int = 0
    refuse_tags: str | None = None
    """The message with which AddTags and DeleteTags refuse."""

    def __getattr__(self, name: str) -> Any:
        if name not in _OPERATIONS:
            raise AttributeError(name)
        operation = _OPERATIONS[name]

        def call(**request: Any) -> dict[str, Any]:
            report = ParamValidator().validate(request, _MODEL.operation_model(operation).input_shape)
            assert not report.has_errors(), report.generate_report()
            return self._answer(operation, copy.deepcopy(request))

        return call

    @property
    def meta(self) -> Any:
        class Meta:
            service_model = _MODEL

        return Meta

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """What exists of a kind, by name."""
        return {key.split("/", 1)[1]: one for key, one in self.live.items() if key.startswith(f"{kind}/")}

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation in ("AddTags", "DeleteTags"):
            self.calls.append(operation)
            if self.refuse_tags:
                raise refusal(operation, self.refuse_tags, "AccessDeniedException")
            self._tag(request)
            return {}
        word = next(word for word in ("Create", "Describe", "Update", "Delete") if operation.startswith(word))
        kind = operation.removeprefix(word).removesuffix("RuntimeConfig")
        name = request[f"{kind}Name"]
        if word != "Describe":
            self._note(operation)
        if word == "Create":
            if f"{kind}/{name}" in self.live:
                raise refusal(operation, f"Cannot create already existing {kind}")
            return self._create(operation, kind, name, request)
        if f"{kind}/{name}" not in self.live:
            raise refusal(operation, f'Could not find {kind} "{name}".')
        if word == "Delete":
            del self.live[f"{kind}/{name}"]
            return {}
        if word == "Update":
            self._update(operation, kind, name, request)
        return self.live[f"{kind}/{name}"]

    def _create(self, operation: str, kind: str, name: str, request: dict[str, Any]) -> dict[str, Any]:
        kebab = {"InferenceComponent": "inference-component", "EndpointConfig": "endpoint-config"}.get(
            kind, kind.lower()
        )
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:{kebab}/{name}"
        times = {"CreationTime": datetime.now(UTC), "LastModifiedTime": datetime.now(UTC)}
        one = self.live[f"{kind}/{name}"] = {**request, f"{kind}Arn": arn, **times}
        if kind in _READY:
            one[_READY[kind]] = "InService"
        if operation in self.failing:
            one |= {_READY[kind]: "Failed", "FailureReason": self.failing.pop(operation)}
        return one

    def _update(self, operation: str, kind: str, name: str, request: dict[str, Any]) -> None:
        one = self.live[f"{kind}/{name}"]
        one.pop("FailureReason", None)
        if operation in self.failing:
            one["FailureReason"] = self.failing.pop(operation)
            return
        if "DesiredRuntimeConfig" in request:
            request["RuntimeConfig"] = request.pop("DesiredRuntimeConfig")
        one.update(request)

    def _tag(self, request: dict[str, Any]) -> None:
        changed = {tag["Key"] for tag in request.get("Tags", [])} | set(request.get("TagKeys", []))
        for one in self.live.values():
            if request["ResourceArn"] in one.values():
                kept = [tag for tag in one.get("Tags", []) if tag["Key"] not in changed]
                one["Tags"] = [*kept, *request.get("Tags", [])]

    def get_paginator(self, operation: str) -> Any:
        """The pages of list_tags, in one page."""
        assert operation == "list_tags", operation

        class Pages:
            @staticmethod
            def paginate(ResourceArn: str) -> list[dict[str, Any]]:  # noqa: N803
                return [{"Tags": one.get("Tags", [])} for one in self.live.values() if ResourceArn in one.values()]

        return Pages

    def _note(self, operation: str) -> None:
        self.calls.append(operation)
        if self.throttled:
            self.throttled -= 1
            raise refusal(operation, "Rate exceeded", "ThrottlingException")
        if operation in self.refusing:
            raise refusal(operation, self.refusing[operation])


def refusal(operation: str, message: str, code: str = "ValidationException") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(answer, operation)
