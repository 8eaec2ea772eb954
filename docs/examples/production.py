"""An endpoint with everything that production asks for. Copy what you need into `deployments.py`.

Account, network, key and bucket are placeholders: the example synthesises, and is deployed on the embedded AWS by the
tests; on AWS it needs your own.
"""

from replicas import (
    Adapter,
    Alarms,
    Component,
    Deployment,
    InstanceScaling,
    Monitoring,
    Placement,
    Rollout,
    Scaling,
    Schedule,
    Security,
    Traffic,
    Vpc,
)

DEPLOYMENTS = [
    Deployment(
        name="production",
        instance_type="ml.g6e.12xlarge",
        instances=1,
        # From no instance to two: the proof covers both ends, and the room that a roll needs.
        instance_scaling=InstanceScaling(
            max_instances=2, min_instances=0, scale_in="idle-release", scale_in_cooldown_minutes=10
        ),
        # Where the first type is not to be had: the copies must fit on each alone.
        fallback_instance_types=["ml.g6e.24xlarge"],
        network_isolation=True,
        security=Security(
            vpc=Vpc(subnets=["subnet-0a1b2c3d4e5f60718"], security_groups=["sg-0a1b2c3d4e5f60718"]),
            permissions_boundary="arn:aws:iam::123456789012:policy/endpoints",
            tags={"team": "assistants", "stage": "production"},
        ),
        monitoring=Monitoring(
            alarms=Alarms(latency_p90_seconds=30),
            topic="arn:aws:sns:us-west-2:123456789012:on-call",
            dashboard=True,
            log_retention_days=30,
            enhanced_metrics_seconds=60,
        ),
        components=[
            # Always there: two copies at least, more by load and in office hours, rolled one by one.
            Component(
                name="chat",
                model="NousResearch/Meta-Llama-3.1-8B-Instruct",
                weights="s3://123456789012-models/llama-3.1-8b-instruct/",
                max_total_tokens=16384,
                copies=2,
                tensor_parallel=1,
                traffic=Traffic(users=64, input_tokens=1000, output_tokens=200),
                scaling=Scaling(
                    max_copies=5,
                    schedules=[
                        Schedule(name="office", at="cron(0 8 ? * MON-FRI *)", timezone="Europe/Berlin", min_copies=3),
                        Schedule(name="evening", at="cron(0 20 ? * MON-FRI *)", timezone="Europe/Berlin", min_copies=2),
                    ],
                ),
                rollout=Rollout(wait_seconds=120),
                placement=Placement(strategy="spread"),
                data_cache=True,
                adapters=[Adapter(name="sql", weights="s3://123456789012-models/adapters/sql/", rank=16)],
            ),
            # Only when somebody asks.
            Component(
                name="code",
                model="Qwen/Qwen3-8B",
                weights="s3://123456789012-models/qwen3-8b/",
                tensor_parallel=1,
                scaling=Scaling(to_zero=True, max_copies=2, concurrent_requests_per_copy=8),
            ),
        ],
    ),
]
