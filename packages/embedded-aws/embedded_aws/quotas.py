"""Service Quotas for SageMaker. The quota of every instance type is two instances for endpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, ClassVar

from embedded_aws.evidence import documented
from embedded_aws.service import Answer, Parameters, Service, ServiceError
from replicas.rules.hosting import host_types

_INSTANCES = 2.0
"""Quota of every instance type. In a new AWS account it is 0 for most accelerated types."""
_PAGE = 100


class ServiceQuotas(Service):
    """Quotas of the service code `sagemaker`. Other service codes are refused."""

    name: ClassVar[str] = "service-quotas"

    def list_service_quotas(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        quotas = list(self._quotas(params["ServiceCode"]))
        begin, size = int(params.get("NextToken", 0)), params.get("MaxResults", _PAGE)
        answer: Answer = {"Quotas": quotas[begin : begin + size]}
        return {**answer, "NextToken": str(begin + size)} if begin + size < len(quotas) else answer

    def get_service_quota(self, params: Parameters) -> Answer:  # noqa: D102
        for quota in self._quotas(params["ServiceCode"]):
            if quota["QuotaCode"] == params["QuotaCode"]:
                return {"Quota": quota}
        raise ServiceError(
            "NoSuchResourceException",
            "The request failed because the specified quota does not exist.",
            documented("Service Quotas API: NoSuchResourceException"),
        )

    def _quotas(self, service: str) -> Iterator[dict[str, Any]]:
        if service != "sagemaker":
            raise ServiceError(
                "NoSuchResourceException",
                f"The service {service} does not exist.",
                documented("Service Quotas API: NoSuchResourceException"),
            )
        for instance_type in host_types():
            code = f"L-{hashlib.sha256(instance_type.encode()).hexdigest()[:8].upper()}"
            yield {
                "ServiceCode": "sagemaker",
                "ServiceName": "Amazon SageMaker",
                "QuotaArn": self.surroundings.arn("servicequotas", f"sagemaker/{code}"),
                "QuotaCode": code,
                "QuotaName": f"{instance_type} for endpoint usage",
                "Value": _INSTANCES,
                "Unit": "None",
                "Adjustable": True,
                "GlobalQuota": False,
            }
