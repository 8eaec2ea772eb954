"""Application Auto Scaling for inference components: it follows metrics, alarms and schedules, within its limits."""

from replicas.local.autoscaling.service import ApplicationAutoScaling

__all__ = ["ApplicationAutoScaling"]
