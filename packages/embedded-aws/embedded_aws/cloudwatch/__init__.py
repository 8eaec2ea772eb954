"""CloudWatch's metrics and alarms. Dashboards and the rest of it are moto's."""
