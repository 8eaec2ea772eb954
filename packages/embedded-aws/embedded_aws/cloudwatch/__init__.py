"""CloudWatch's metrics and metric alarms. moto answers the other operations, such as dashboards."""
