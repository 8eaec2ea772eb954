"""Application Auto Scaling for inference components: it follows metrics, alarms and schedules, within its limits."""

from embedded_aws.autoscaling.service import ApplicationAutoScaling

__all__ = ["ApplicationAutoScaling"]
