"""Sentences in the words of CloudFormation that need only the numbers of a finding."""

from __future__ import annotations

from collections.abc import Mapping

_TIMEOUTS = {
    "download": "ModelDataDownloadTimeoutInSeconds",
    "startup": "ContainerStartupHealthCheckTimeoutInSeconds",
}
_CLAIMS = "ComputeResourceRequirements with MinMemoryRequiredInMb and NumberOfAcceleratorDevicesRequired"
_PIN = "a tag with the whole version, or a digest (IMAGE@sha256:...)"

_WITHOUT_WAKE = (
    "{component.name} scales to 0 copies, and no alarm on NoCapacityInvocationFailures runs a step policy of it",
    "a StepScaling policy (+1) and an alarm on NoCapacityInvocationFailures of the component that runs it, or "
    "MinCapacity=1",
)

SENTENCES: Mapping[str, tuple[str, str]] = {
    # memory, adapters
    "adapter-without-engine/never": (
        "{engine}, the engine of {base}, serves no adapters in addition to a model",
        "an image of {engines}",
    ),
    "adapter-without-engine": ("{switch} is not true on {base}", "{switch}=true"),
    "adapter-limits/rank": (
        "{variable} is not set: {engine} takes adapters up to its default rank",
        "{variable} with the largest rank of the adapters (r in adapter_config.json)",
    ),
    "adapter-limits/loading": ("{variable} is not set", "{variable}=True"),
    "adapter-limits/slots": (
        "{adapters} adapters, and {variable} holds {slots} at once",
        "{variable}={adapters}",
    ),
    "startup-too-short": (
        "ContainerStartupHealthCheckTimeoutInSeconds={seconds}; a plan gives this model {planned} s",
        "ContainerStartupHealthCheckTimeoutInSeconds={planned}",
    ),
    "gated-without-token": (
        "the repository {repository} is gated, and no variable holds a Hugging Face token",
        "{variable} as a dynamic reference ({{{{resolve:secretsmanager:NAME}}}}), or weights in S3",
    ),
    # components
    "claims-missing": ("no ComputeResourceRequirements", _CLAIMS),
    "memory-missing": (
        "no MinMemoryRequiredInMb",
        "MinMemoryRequiredInMb=1024 or more: it is it is a reservation, not a cap",
    ),
    "accelerators-not-whole": (
        "NumberOfAcceleratorDevicesRequired={accelerators}",
        "a whole number from 1 up, or leave it out on CPU instances",
    ),
    "claim-too-small/cpus": (
        "NumberOfCpuCoresRequired={value}",
        "NumberOfCpuCoresRequired=0.25 or more, or leave it out",
    ),
    "claim-too-small/memory": ("MinMemoryRequiredInMb={value}", "MinMemoryRequiredInMb=128 or more"),
    "accelerators-on-cpu": (
        "NumberOfAcceleratorDevicesRequired={accelerators} on {instance_type}",
        "leave NumberOfAcceleratorDevicesRequired out, or take an instance type with accelerators",
    ),
    "accelerators-missing": (
        "no NumberOfAcceleratorDevicesRequired for the image {repository}",
        "NumberOfAcceleratorDevicesRequired=1 or more",
    ),
    "copies-missing": ("no RuntimeConfig with a CopyCount", "RuntimeConfig with CopyCount=1 or more"),
    "copies-below-one": ("CopyCount={copies}", "CopyCount=1 or more; autoscaling can take it to 0 afterwards"),
    "variant-missing": ("no VariantName", "VariantName of the endpoint's production variant"),
    "name-taken": ("InferenceComponentName={name!r} is also the name of {owner.name}", "another name, or none"),
    "environment-too-large": (
        "Container.Environment has {entries} entries",
        "the environment on an AWS::SageMaker::Model, which takes 100",
    ),
    "specification-forms": ("it has both Specification and Specifications", "one of the two"),
    "specification-types/missing": (
        "one of its Specifications has no InstanceType",
        "an InstanceType in each of the Specifications",
    ),
    "specification-types/twice": (
        "several of its Specifications have InstanceType={instance_type}",
        "one of the Specifications for each instance type",
    ),
    "specification-types/foreign": (
        "it has a specification for {instance_type}, and its variant has only {hosts}",
        "a specification for {hosts}",
    ),
    "container-missing": (
        "a specification has no ModelName, and no Container with an Image",
        "ModelName, or a Container with an Image",
    ),
    "container-missing/model": (
        "its model has neither PrimaryContainer nor Containers",
        "PrimaryContainer with an Image on the AWS::SageMaker::Model",
    ),
    "adapter-artifact": (
        "an adapter of {base} has no Container with an ArtifactUrl",
        "Container with ArtifactUrl=s3://BUCKET/PREFIX/",
    ),
    # models and configurations
    "model-containers": ("both PrimaryContainer and Containers", "one of the two"),
    "role-missing": (
        "no ExecutionRoleArn, yet inference components are on its endpoint",
        "ExecutionRoleArn on the AWS::SageMaker::EndpointConfig",
    ),
    "role-missing/without model": (
        "no ExecutionRoleArn, and its variant {variant} names no model: it is for inference components",
        "ExecutionRoleArn on the AWS::SageMaker::EndpointConfig",
    ),
    "model-on-variant": (
        "variant {variant} has a ModelName, yet inference components are on it",
        "leave ModelName out of the variant; the components name their models",
    ),
    "zero-instances-with-model": (
        "variant {variant} has a ModelName and MinInstanceCount=0",
        "MinInstanceCount=1, or inference components instead of ModelName",
    ),
    "fixed-name/model": ("ModelName={name!r} is fixed", "leave ModelName out: CloudFormation makes one"),
    "fixed-name/configuration": (
        "EndpointConfigName={name!r} is fixed",
        "leave EndpointConfigName out: CloudFormation makes one",
    ),
    "scaling-range/start": (
        "MaxInstanceCount={most} is less than InitialInstanceCount={bound}",
        "MaxInstanceCount={bound} or more, or InitialInstanceCount={most} or less",
    ),
    "scaling-range/fewest": (
        "MaxInstanceCount={most} is less than MinInstanceCount={bound}",
        "MaxInstanceCount={bound} or more, or MinInstanceCount={most} or less",
    ),
    "scaling-range/start below fewest": (
        "InitialInstanceCount={start} is less than MinInstanceCount={least}",
        "InitialInstanceCount={least} or more, or MinInstanceCount={start} or less",
    ),
    **{f"startup-timeout/{kind}": (f"{name}={{seconds}}", f"{name}={{nearest}}") for kind, name in _TIMEOUTS.items()},
    # variants
    "volume-on-local-storage": ("VolumeSizeInGB with {instance_type}", "leave VolumeSizeInGB out"),
    "serverless-variant": (
        "variant {variant} has a ServerlessConfig, yet it is for inference components",
        "InstanceType and InitialInstanceCount in place of ServerlessConfig",
    ),
    "variant-without-instances/type": (
        "variant {variant} has neither InstanceType nor InstancePools",
        "InstanceType with InitialInstanceCount",
    ),
    "variant-without-instances/both": ("variant {variant} has InstanceType and InstancePools", "one of the two"),
    "variant-without-instances/count": ("variant {variant} has no InitialInstanceCount", "InitialInstanceCount=1"),
    "pool-twice": (
        "two InstancePools of variant {variant} have {setting}={value}",
        "{setting} of its own for each pool",
    ),
    "pool-names-model": (
        "an instance pool of variant {variant} has a ModelNameOverride",
        "leave ModelNameOverride out; the Specifications of the components name their models",
    ),
    "routing-mismatch": ("RoutingStrategy is {given}", "RoutingStrategy={right}"),
    "variant-without-components": (
        "variant {variant} has no component and names no model",
        "a component with VariantName={variant}, or leave the variant out",
    ),
    "instances-scaled-twice": (
        "it scales the instances of variant {variant}, which has ManagedInstanceScaling",
        "leave this target out: ManagedInstanceScaling follows the copies",
    ),
    "memory-range": (
        "MaxMemoryRequiredInMb={most} is below MinMemoryRequiredInMb={least}",
        "MaxMemoryRequiredInMb={least} or more, or leave it out",
    ),
    # scaling policies and alarms
    **dict.fromkeys(
        ("policy-configuration", "step-adjustments", "tracked-metric", "alarm-refused"), ("{words}", "{fix}")
    ),
    "scheduled-action": ("scheduled action {action}: {words}", "{fix}"),
    "target-value": ("TargetValue={value}", "TargetValue above 0"),
    "alarm-without-data": ("the dimension {dimension} is {value}", "the name at the end of the ARN"),
    # references
    "property-refused": ("{place}{message}", "{fix}"),
    "reference-of-the-wrong-kind": ("{path} is {given}, which gives {value}", "{path} with {right}"),
    "attribute-absent": ("{resource} has no attribute {attribute}", "an attribute of it: {attributes}"),
    "wait-missing": (
        "it names {awaited.name} and does not wait for it",
        "DependsOn: {awaited.name}, or its name by a reference",
    ),
    # money and alarms without effect
    "alarm-without-action": (
        "the alarm on {metrics} has no action",
        "AlarmActions with an SNS topic, or a RollingUpdatePolicy that names the alarm",
    ),
    "scaling-saves-nothing": (
        "{component} scales from {fewest} to {most} copies on the same paid instances ({instances})",
        "CopyCount={most} without scaling, or ManagedInstanceScaling with fewer instances for the fewest copies",
    ),
    "scaling-saves-nothing/fixed": (
        "{component} scales from {fewest} to {most} copies: never",
        "a higher MaxCapacity with more instances, or no scalable target",
    ),
    # adapters
    "adapter-prefix": ("ArtifactUrl={artifact}", "ArtifactUrl={artifact}/"),
    "adapter-base/foreign": (
        "BaseInferenceComponentName is that of {base}, which is no inference component of this template",
        "the name of the component that hosts the model",
    ),
    "adapter-base/adapter": (
        "BaseInferenceComponentName is that of {base}, which is an adapter itself",
        "the name of the component that hosts the model",
    ),
    "adapter-base/elsewhere": (
        "BaseInferenceComponentName is that of {base}, which is on another endpoint ({endpoint})",
        "the name of the component that hosts the model",
    ),
    "adapter-claims": ("an adapter with ComputeResourceRequirements", "leave ComputeResourceRequirements out"),
    # containers and weights
    "tensor-parallel-mismatch": (
        "{variable}={degree}, NumberOfAcceleratorDevicesRequired={accelerators}",
        "{variable}={accelerators}",
    ),
    "tensor-parallel-mismatch/product": (
        "{variable}={degree}, NumberOfAcceleratorDevicesRequired={accelerators}",
        "degrees whose product is {accelerators}",
    ),
    "tensor-parallel-missing": (
        "{variable} is not set for {repository} with NumberOfAcceleratorDevicesRequired={accelerators}{ignored}",
        "{variable}={accelerators}",
    ),
    "lmcache-per-copy": (
        "{copies} copies of {repository}, up to {together} on one instance; {switch} is not 0",
        "{switch}=0, or {share_variable}={fraction} or less",
    ),
    "ami-too-old": (
        "InferenceAmiVersion={ami} on {instance_type} for an image with CUDA {cuda}",
        "InferenceAmiVersion={good}",
    ),
    "ami-too-old/default": (
        "no InferenceAmiVersion on {instance_type} for an image with CUDA {cuda}",
        "InferenceAmiVersion={good}",
    ),
    "environment-value-too-long": (
        "the value of {variable} has {characters} characters",
        "a file beside the weights, or a shorter value",
    ),
    "isolated-from-weights": (
        "EnableNetworkIsolation of {isolated.name}, and {variable}={repository}",
        "the weights in S3 (ModelDataSource, uncompressed) and {variable}={local}, or no isolation",
    ),
    "image-in-other-region": (
        "the image is in {given}, and the endpoint in {region}: {image}",
        "the image of {region}; a repository of your own can be replicated there",
    ),
    "weights-offline": (
        "{switch}={value}, and {variable}={repository}",
        "leave {switch} out, or the weights in S3 (ModelDataSource)",
    ),
    "weights-missing/no data": (
        "{variable}={value}, and the model has no data",
        "a ModelDataSource, or {variable} with a repository of the Hub",
    ),
    "weights-missing/no repository": (
        "{variable}={value!r} is no repository of the Hub",
        "{variable}=NAMESPACE/NAME, without spaces and without an address",
    ),
    "variables-in-order": (
        "{lesser}={less} is above {greater}={more}",
        "{greater}={less} or more, or {lesser}={more} or less",
    ),
    "variable-not-parsed": ("{variable}={value!r}: {reason}", "a number in {variable}, or leave it out"),
    "variable-not-read": ("{variable} is no variable of {engine}", "{near}"),
    "variable-not-read/other engine": (
        "{variable} is a variable of {other}, and the image is {engine}",
        "{fix}",
    ),
    "input-limit-twice": ("{names}", "{keep} alone"),
    # rights and secrets
    **{
        f"role-too-wide/{kind}": (
            f"the role of {{user}} has {right}",
            "statements for the image's repository, the weights' prefix and the log groups alone",
        )
        for kind, right in {
            "policy": "the managed policy {right}",
            "action": "Allow {right} on every resource",
            "all but some": "Allow on every resource with {right}: all actions but a few",
        }.items()
    },
    "role-not-assumable": (
        "the role of {user} trusts {trusted}",
        "a statement of its trust policy with Effect: Allow, Principal: {{Service: sagemaker.amazonaws.com}} and "
        "Action: sts:AssumeRole",
    ),
    **{
        f"role-cannot-{what}{kind}": (f"for {{user}} it {may} {{shown}}{by}", fix)
        for what, verb in {
            "pull": "pull the image",
            "read": "read",
            "decrypt": "decrypt",
            "use-volume-key": "use the key",
            "join-vpc": "make the network interfaces of its",
            "log": "write to",
        }.items()
        for kind, may, by, fix in (
            ("", f"lacks {{actions}} to {verb}", "", "a statement: {statement}"),
            ("/denied", f"must not {verb}", ": {policy} denies {actions}", "no Deny of {actions} for this role"),
            (
                "/key policy",
                f"lacks {{actions}} to {verb}",
                ": the policy of {key} gives it to others only",
                "a statement in the policy of {key} with this role as Principal: Allow {actions}",
            ),
        )
    },
    "rights-too-late": (
        "nothing makes it wait for {policy}, which gives {role} the rights to {purpose}",
        "DependsOn: {policy} (in a CDK app: model.node.add_dependency(role))",
    ),
    "token-in-template": (
        "what looks like a Hugging Face token in {place}",
        "revoke it; then {{{{resolve:secretsmanager:...}}}}, or weights in S3",
    ),
    "number-refused": ("{property}={given}: {reason}", "{property} in digits, for example 1"),
    # templates
    "template-refused": ("{message}", "what the message names"),
    # regions
    "region-without-components": (
        "CloudFormation does not know AWS::SageMaker::InferenceComponent in {region}",
        "another region",
    ),
    "zero-instances-refused": (
        "MinInstanceCount=0 in {region}",
        "MinInstanceCount=1, or a region that takes 0 (us-east-1 does)",
    ),
    # capacity, scaling and rolls
    "pool-without-specification": (
        "no specification for {instance_type}, which is in the instance pools of its variant",
        "an entry of Specifications with InstanceType={instance_type}, or the pool left out",
    ),
    "capacity-range": (
        "MinCapacity={floor} is above MaxCapacity={ceiling}",
        "MaxCapacity={floor} or more, or MinCapacity={ceiling} or less",
    ),
    "capacity-range/schedule": (
        "from the scheduled action {schedule} on MinCapacity={floor} is above MaxCapacity={ceiling}",
        "MaxCapacity={floor} or more, or MinCapacity={ceiling} or less, in that action",
    ),
    "copies-outside-range/below": (
        "CopyCount={copies} lies outside MinCapacity={floor} of {target.name}",
        "CopyCount={nearest}, the floor",
    ),
    "copies-outside-range/above": (
        "CopyCount={copies} lies outside MaxCapacity={ceiling} of {target.name}",
        "CopyCount={nearest}, the floor",
    ),
    "zero-without-wake": _WITHOUT_WAKE,
    "zero-without-wake/by schedule": _WITHOUT_WAKE,
    "zero-keeps-instances": (
        "{component.name} scales to 0 copies, and its variant has no ManagedInstanceScaling",
        "ManagedInstanceScaling with Status=ENABLED and MinInstanceCount=0, or a floor of 1 copy",
    ),
    "zero-keeps-instances/scaled": (
        "{component.name} scales to 0 copies, and its variant has MinInstanceCount={least}",
        "ManagedInstanceScaling with Status=ENABLED and MinInstanceCount=0, or a floor of 1 copy",
    ),
    "batch-size/share": ("a batch of {percent} %", "Value=5 to 50 for CAPACITY_PERCENT"),
    # practice
    "capture-elsewhere": (
        "{what} to {address}",
        "a bucket of this template, private and with a lifecycle; or acknowledge whose bucket it is",
    ),
    "capture-without-key": (
        "{what} to {address} without KmsKeyId",
        "KmsKeyId, or a bucket whose default encryption has a KMS key",
    ),
    "component-without-alarms": (
        "no alarm on {metrics}",
        "an AWS::CloudWatch::Alarm on each, with the dimension InferenceComponentName",
    ),
    "copies-not-the-floor": ("CopyCount={copies}, MinCapacity={floor}", "CopyCount={nearest}"),
    "hub-without-revision": (
        "{variable}={repository} {where}",
        "{revision_variable}=COMMIT, or the weights of a commit in S3",
    ),
    "image-elsewhere": (
        "the image is in account {account}",
        "a Deep Learning Container or a repository of your own (${{AWS::AccountId}} says so); or acknowledge it",
    ),
    "image-from-public-registry": (
        "Image={image}",
        "a copy in private ECR (a pull-through cache makes one), or one of AWS's Deep Learning Containers",
    ),
    "image-tag-moves": ("the tag {tag} moves", _PIN),
    "image-tag-moves/no tag": ("Image={image} has no tag: `latest` is pulled", _PIN),
    "image-without-digest": ("the tag {tag} has no digest", "IMAGE@sha256:..."),
    "key-missing": ("no KmsKeyId for {instance_types}", "KmsKeyId of a key of your own"),
    "key-without-effect": ("KmsKeyId with {instance_types}", "leave KmsKeyId out, or another family"),
    "not-isolated": (
        "no EnableNetworkIsolation and no VpcConfig, on the model or on the endpoint config",
        "EnableNetworkIsolation with weights in S3, or VpcConfig with subnets whose only ways out are endpoints",
    ),
    "role-reaches-all-buckets": (
        "Allow {actions} on every bucket",
        "s3:GetObject on the weights' prefix, arn:aws:s3:::BUCKET/PREFIX/*",
    ),
    "role-reaches-secrets": (
        "Allow {actions} on every resource",
        "the one key or secret by its ARN, or the statement left out: serving needs none",
    ),
    "role-open-to-other-accounts": (
        "its trust policy names no account",
        "Condition: {{StringEquals: {{aws:SourceAccount: !Ref AWS::AccountId}}}} in that statement",
    ),
    "bucket-of-any-account": (
        "Allow reading {resources} in any account",
        "Condition: {{StringEquals: {{aws:ResourceAccount: ACCOUNT}}}} in that statement, with the owner of the bucket",
    ),
    "metrics-of-any-namespace": (
        "Allow cloudwatch:PutMetricData without a condition",
        "Condition: {{StringLike: {{cloudwatch:namespace: /aws/sagemaker/*}}}} in a statement of its own",
    ),
    "role-trusts-anyone": (
        "its trust policy has the principal *, without a condition",
        "Principal: {{Service: sagemaker.amazonaws.com}}",
    ),
    "role-trusts-others": (
        "its trust policy names {principals}",
        "a role for each; this one with Principal: {{Service: sagemaker.amazonaws.com}} alone",
    ),
    "role-with-wildcards": ("Allow {action} on {resources}", "the actions that serving needs, by name"),
    "roll-without-rollback": (
        "RollingUpdatePolicy without AutoRollbackConfiguration",
        "AutoRollbackConfiguration with alarms on 5xx and model errors of the component",
    ),
    "secret-in-environment": (
        "{variable} holds a secret",
        "revoke it; then weights in S3, which need no token, or {{{{resolve:secretsmanager:...}}}}",
    ),
    "secret-shown-by-describe": (
        "{variable} is read at the deployment and stored in the model's environment",
        "the weights in S3 (`replicas stage`), so that serving needs no token",
    ),
    "shell-access": ("EnableSSMAccess on variant {variant}", "leave EnableSSMAccess out"),
    "untagged": ("no Tags", "Tags; in a CDK app Tags.of(app).add(...)"),
}
"""The sentence of the case and of the change that fixes it, by rule, or by rule and kind of case."""
