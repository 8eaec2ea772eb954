"""Application Auto Scaling for inference components: scales copies by metrics, alarms and schedules."""

from embedded_aws.autoscaling.service import ApplicationAutoScaling

__all__ = ["ApplicationAutoScaling"]
