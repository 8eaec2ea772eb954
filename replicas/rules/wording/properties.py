"""Sentences in CloudFormation terms that need only the numbers of a finding."""

from __future__ import annotations

from collections.abc import Mapping

_TIMEOUTS = {
    "download": "ModelDataDownloadTimeoutInSeconds",
    "startup": "ContainerStartupHealthCheckTimeoutInSeconds",
}
_CLAIMS = "ComputeResourceRequirements with MinMemoryRequiredInMb and NumberOfAcceleratorDevicesRequired"
_PIN = "a tag with the whole version, or a digest (IMAGE@sha256:...)"

_WITHOUT_WAKE = (
    "{component.name} scales to 0 copies, and no alarm on NoCapacityInvocationFailures triggers one of its step "
    "scaling policies",
    "a StepScaling policy (+1) with an alarm on the component's NoCapacityInvocationFailures that triggers it, or "
    "MinCapacity=1",
)

SENTENCES: Mapping[str, tuple[str, str]] = {
    # memory, adapters
    "adapter-without-engine/never": (
        "{engine}, the engine of {base}, does not support adapters",
        "use an image of {engines}",
    ),
    "adapter-without-engine": ("{switch} is not true on {base}", "set {switch}=true"),
    "adapter-limits/rank": (
        "{variable} is not set: {engine} takes adapters up to its default rank",
        "set {variable} to the largest rank of the adapters (r in adapter_config.json)",
    ),
    "adapter-limits/loading": ("{variable} is not set", "set {variable}=True"),
    "adapter-limits/slots": (
        "{adapters} adapters, and {variable} allows {slots} at once",
        "{variable}={adapters}",
    ),
    "startup-too-short": (
        "ContainerStartupHealthCheckTimeoutInSeconds={seconds}; a start of this copy can take {longest} s, and a plan "
        "gives it {planned} s",
        "ContainerStartupHealthCheckTimeoutInSeconds={planned}",
    ),
    "download-too-short": (
        "ModelDataDownloadTimeoutInSeconds={seconds}; the weights of this copy can take {longest} s from S3; a plan "
        "gives them {planned} s",
        "ModelDataDownloadTimeoutInSeconds={planned}",
    ),
    "target-above-copy": (
        "TargetValue={target} of concurrent requests per copy; a copy of {component} holds at most {held} at once",
        "TargetValue={enough}",
    ),
    "gated-without-token": (
        "the repository {repository} is gated, and no variable holds a Hugging Face token",
        "{variable} as a dynamic reference ({{{{resolve:secretsmanager:NAME}}}}), or weights in S3",
    ),
    # components
    "claims-missing": ("no ComputeResourceRequirements", _CLAIMS),
    "memory-missing": (
        "no MinMemoryRequiredInMb",
        "set MinMemoryRequiredInMb to 1024 or more: the value is a reservation, not a cap",
    ),
    "accelerators-not-whole": (
        "NumberOfAcceleratorDevicesRequired={accelerators}",
        "use a whole number of at least 1, or remove it on CPU instances",
    ),
    "claim-too-small/cpus": (
        "NumberOfCpuCoresRequired={value}",
        "set NumberOfCpuCoresRequired to 0.25 or more, or remove it",
    ),
    "claim-too-small/memory": ("MinMemoryRequiredInMb={value}", "set MinMemoryRequiredInMb to 128 or more"),
    "accelerators-on-cpu": (
        "NumberOfAcceleratorDevicesRequired={accelerators} on {instance_type}",
        "remove NumberOfAcceleratorDevicesRequired, or use an instance type with accelerators",
    ),
    "accelerators-missing": (
        "no NumberOfAcceleratorDevicesRequired for the image {repository}",
        "set NumberOfAcceleratorDevicesRequired to 1 or more",
    ),
    "copies-missing": ("no RuntimeConfig with a CopyCount", "add RuntimeConfig with CopyCount=1 or more"),
    "copies-below-one": ("CopyCount={copies}", "set CopyCount to 1 or more; autoscaling can scale to 0 later"),
    "variant-missing": ("no VariantName", "set VariantName to the endpoint's production variant"),
    "name-taken": (
        "InferenceComponentName={name!r} is also the name of {owner.name}",
        "use another name, or remove it",
    ),
    "environment-too-large": (
        "Container.Environment has {entries} entries",
        "move the environment to an AWS::SageMaker::Model, which accepts 100 entries",
    ),
    "specification-forms": ("the component has both Specification and Specifications", "remove one of them"),
    "specification-types/missing": (
        "one of its Specifications has no InstanceType",
        "set InstanceType in each of the Specifications",
    ),
    "specification-types/twice": (
        "several of its Specifications have InstanceType={instance_type}",
        "keep only one entry of Specifications for each instance type",
    ),
    "specification-types/foreign": (
        "it has a specification for {instance_type}, and its variant has only {hosts}",
        "add a specification for {hosts}",
    ),
    "container-missing": (
        "a specification has no ModelName, and no Container with an Image",
        "set ModelName, or a Container with an Image",
    ),
    "container-missing/model": (
        "its model has neither PrimaryContainer nor Containers",
        "add PrimaryContainer with an Image to the AWS::SageMaker::Model",
    ),
    "adapter-artifact": (
        "an adapter of {base} has no Container with an ArtifactUrl",
        "add Container with ArtifactUrl=s3://BUCKET/PREFIX/",
    ),
    # models and configurations
    "model-containers": ("it has both PrimaryContainer and Containers", "remove one of them"),
    "role-missing": (
        "no ExecutionRoleArn, yet inference components are on its endpoint",
        "set ExecutionRoleArn on the AWS::SageMaker::EndpointConfig",
    ),
    "role-missing/without model": (
        "no ExecutionRoleArn, and its variant {variant} names no model: it is for inference components",
        "set ExecutionRoleArn on the AWS::SageMaker::EndpointConfig",
    ),
    "model-on-variant": (
        "variant {variant} has a ModelName, yet inference components are on it",
        "remove ModelName from the variant; the components name their models",
    ),
    "zero-instances-with-model": (
        "variant {variant} has a ModelName and MinInstanceCount=0",
        "set MinInstanceCount=1, or use inference components instead of ModelName",
    ),
    "fixed-name/model": ("ModelName={name!r} is fixed", "remove ModelName: CloudFormation generates a name"),
    "fixed-name/configuration": (
        "EndpointConfigName={name!r} is fixed",
        "remove EndpointConfigName: CloudFormation generates a name",
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
    "volume-on-local-storage": ("VolumeSizeInGB with {instance_type}", "remove VolumeSizeInGB"),
    "serverless-variant": (
        "variant {variant} has a ServerlessConfig, yet it is for inference components",
        "replace ServerlessConfig by InstanceType and InitialInstanceCount",
    ),
    "variant-without-instances/type": (
        "variant {variant} has neither InstanceType nor InstancePools",
        "set InstanceType and InitialInstanceCount",
    ),
    "variant-without-instances/both": (
        "variant {variant} has both InstanceType and InstancePools",
        "remove one of them",
    ),
    "variant-without-instances/count": ("variant {variant} has no InitialInstanceCount", "InitialInstanceCount=1"),
    "pool-twice": (
        "two InstancePools of variant {variant} have {setting}={value}",
        "use a different {setting} for each pool",
    ),
    "pool-names-model": (
        "an instance pool of variant {variant} has a ModelNameOverride",
        "remove ModelNameOverride; the Specifications of the components name their models",
    ),
    "routing-mismatch": ("RoutingStrategy is {given}", "set RoutingStrategy={right}"),
    "variant-without-components": (
        "variant {variant} has no component and names no model",
        "add a component with VariantName={variant}, or remove the variant",
    ),
    "instances-scaled-twice": (
        "it scales the instances of variant {variant}, which has ManagedInstanceScaling",
        "remove this target: ManagedInstanceScaling follows the copies",
    ),
    "memory-range": (
        "MaxMemoryRequiredInMb={most} is below MinMemoryRequiredInMb={least}",
        "set MaxMemoryRequiredInMb to {least} or more, or remove it",
    ),
    # scaling policies and alarms
    **dict.fromkeys(
        ("policy-configuration", "step-adjustments", "tracked-metric", "alarm-refused"), ("{words}", "{fix}")
    ),
    "scheduled-action": ("scheduled action {action}: {words}", "{fix}"),
    "target-value": ("TargetValue={value}", "set TargetValue above 0"),
    "alarm-without-data": ("the dimension {dimension} is {value}", "use the name at the end of the ARN"),
    # references
    "property-refused": ("{place}{message}", "{fix}"),
    "reference-of-the-wrong-kind": ("{path} is {given}, which gives {value}", "{path} with {right}"),
    "attribute-absent": ("{resource} has no attribute {attribute}", "an attribute of it: {attributes}"),
    "wait-missing": (
        "it names {awaited.name} but does not depend on it",
        "add DependsOn: {awaited.name}, or use a reference instead of the literal name",
    ),
    # money and alarms without effect
    "alarm-without-action": (
        "the alarm on {metrics} has no action",
        "add AlarmActions with an SNS topic, or a RollingUpdatePolicy that names the alarm",
    ),
    "one-request-at-a-time": (
        "the KV cache of a copy has space for only one request of {tokens} tokens",
        "a smaller {variable}, more accelerators for a copy, or an instance type with larger accelerators",
    ),
    "scaling-saves-nothing": (
        "{component} scales from {fewest} to {most} copies on the same paid instances ({instances})",
        "CopyCount={most} without scaling, or ManagedInstanceScaling with fewer instances for the fewest copies",
    ),
    "scaling-saves-nothing/fixed": (
        "{component} never scales: {fewest} to {most} copies are declared, but no more fit",
        "a higher MaxCapacity with more instances, or no scalable target",
    ),
    # adapters
    "adapter-prefix": ("ArtifactUrl={artifact}", "ArtifactUrl={artifact}/"),
    "adapter-base/foreign": (
        "BaseInferenceComponentName names {base}, which is not an inference component of this template",
        "use the name of the component that hosts the model",
    ),
    "adapter-base/adapter": (
        "BaseInferenceComponentName names {base}, which is an adapter itself",
        "use the name of the component that hosts the model",
    ),
    "adapter-base/elsewhere": (
        "BaseInferenceComponentName names {base}, which is on another endpoint ({endpoint})",
        "use the name of the component that hosts the model",
    ),
    "adapter-claims": ("an adapter with ComputeResourceRequirements", "remove ComputeResourceRequirements"),
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
        "put the value in a file next to the weights, or shorten it",
    ),
    "isolated-from-weights": (
        "EnableNetworkIsolation of {isolated.name}, and {variable}={repository}",
        "put the weights in S3 (ModelDataSource, uncompressed) with {variable}={local}, or turn isolation off",
    ),
    "image-in-other-region": (
        "the image is in {given}, and the endpoint in {region}: {image}",
        "use the image of {region}; ECR can replicate your own repository to that region",
    ),
    "weights-offline": (
        "{switch}={value}, and {variable}={repository}",
        "remove {switch}, or put the weights in S3 (ModelDataSource)",
    ),
    "weights-missing/no data": (
        "{variable}={value}, and the model has no data",
        "a ModelDataSource, or {variable} with a repository of the Hub",
    ),
    "weights-missing/no repository": (
        "{variable}={value!r} is not a repository of the Hub",
        "{variable}=NAMESPACE/NAME, without spaces and without a URL",
    ),
    "variables-in-order": (
        "{lesser}={less} is above {greater}={more}",
        "{greater}={less} or more, or {lesser}={more} or less",
    ),
    "variable-not-parsed": ("{variable}={value!r}: {reason}", "write a number in {variable}, or remove it"),
    "server-not-reached": ("{variable}={value}, and {reason}", "remove {variable}"),
    "variable-not-read": ("{engine} has no variable {variable}", "{near}"),
    "variable-not-read/other engine": (
        "{variable} is a variable of {other}, and the image is {engine}",
        "{fix}",
    ),
    "input-limit-twice": ("{names}", "{keep} alone"),
    # rights and secrets
    **{
        f"role-too-wide/{kind}": (
            f"the role of {{user}} has {right}",
            "only statements for the image's repository, the weights' prefix and the log groups",
        )
        for kind, right in {
            "policy": "the managed policy {right}",
            "action": "Allow {right} on every resource",
            "all but some": "Allow on every resource with {right}: all actions except a few",
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
            "capture": "write to",
            "join-vpc": "create the network interfaces of its",
            "log": "write to",
        }.items()
        for kind, may, by, fix in (
            ("", f"lacks {{actions}} to {verb}", "", "a statement: {statement}"),
            ("/denied", f"must not {verb}", ": {policy} denies {actions}", "no Deny of {actions} for this role"),
            (
                "/key policy",
                f"lacks {{actions}} to {verb}",
                ": the policy of {key} grants it only to others",
                "a statement in the policy of {key} with this role as Principal: Allow {actions}",
            ),
        )
    },
    "rights-too-late": (
        "it does not depend on {policy}, which gives {role} the rights to {purpose}",
        "DependsOn: {policy} (in a CDK app: model.node.add_dependency(role))",
    ),
    "token-in-template": (
        "{place} contains a text of the form of a Hugging Face token",
        "revoke the token; then use {{{{resolve:secretsmanager:...}}}}, or put the weights in S3",
    ),
    "number-refused": ("{property}={given}: {reason}", "write {property} in digits, for example 1"),
    # templates
    "template-refused": ("{message}", "correct the fault that the message names"),
    # regions
    "region-without-components": (
        "CloudFormation does not know AWS::SageMaker::InferenceComponent in {region}",
        "use another region",
    ),
    "zero-instances-refused": (
        "MinInstanceCount=0 in {region}",
        "MinInstanceCount=1, or a region that accepts 0 (us-east-1 does)",
    ),
    # capacity, scaling and rolls
    "pool-without-specification": (
        "no specification for {instance_type}, which is in the instance pools of its variant",
        "add an entry of Specifications with InstanceType={instance_type}, or remove the pool",
    ),
    "capacity-range": (
        "MinCapacity={floor} is above MaxCapacity={ceiling}",
        "raise MaxCapacity to {floor} or more, or lower MinCapacity to {ceiling} or less",
    ),
    "capacity-range/schedule": (
        "after the scheduled action {schedule}, MinCapacity={floor} is above MaxCapacity={ceiling}",
        "MaxCapacity={floor} or more, or MinCapacity={ceiling} or less, in that action",
    ),
    "copies-outside-range/below": (
        "CopyCount={copies} lies outside MinCapacity={floor} of {target.name}",
        "set CopyCount={nearest}, the floor",
    ),
    "copies-outside-range/above": (
        "CopyCount={copies} lies outside MaxCapacity={ceiling} of {target.name}",
        "set CopyCount={nearest}, the floor",
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
    "batch-size/share": ("a batch of {percent} %", "set Value to 5 to 50 for CAPACITY_PERCENT"),
    # practice
    "capture-elsewhere": (
        "{what} to {address}",
        "use a private bucket of this template with a lifecycle rule; or acknowledge the finding and name the "
        "bucket's owner",
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
        "use a Deep Learning Container or a repository of your own account (${{AWS::AccountId}}); or acknowledge "
        "the finding",
    ),
    "image-from-public-registry": (
        "Image={image}",
        "use a copy in private ECR (a pull-through cache creates one), or one of AWS's Deep Learning Containers",
    ),
    "image-tag-moves": ("the tag {tag} can move to another image", _PIN),
    "image-tag-moves/no tag": ("Image={image} has no tag: SageMaker pulls `latest`", _PIN),
    "image-without-digest": ("the tag {tag} has no digest", "IMAGE@sha256:..."),
    "key-missing": ("no KmsKeyId for {instance_types}", "set KmsKeyId to a key of your own"),
    "key-without-effect": ("KmsKeyId with {instance_types}", "remove KmsKeyId, or use another instance family"),
    "not-isolated": (
        "no EnableNetworkIsolation and no VpcConfig, on the model or on the endpoint config",
        "EnableNetworkIsolation with weights in S3, or VpcConfig with subnets that reach only VPC endpoints",
    ),
    "role-reaches-all-buckets": (
        "Allow {actions} on every bucket",
        "s3:GetObject on the weights' prefix, arn:aws:s3:::BUCKET/PREFIX/*",
    ),
    "role-reaches-secrets": (
        "Allow {actions} on every resource",
        "name the key or secret by its ARN, or remove the statement: serving does not need it",
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
        "Condition: {{StringLike: {{cloudwatch:namespace: /aws/sagemaker/*}}}} in a separate statement",
    ),
    "role-trusts-anyone": (
        "its trust policy has the principal *, without a condition",
        "Principal: {{Service: sagemaker.amazonaws.com}}",
    ),
    "role-trusts-others": (
        "its trust policy names {principals}",
        "create one role per principal; this role with only Principal: {{Service: sagemaker.amazonaws.com}}",
    ),
    "role-with-wildcards": ("Allow {action} on {resources}", "name only the actions that serving needs"),
    "roll-without-rollback": (
        "RollingUpdatePolicy without AutoRollbackConfiguration",
        "AutoRollbackConfiguration with alarms on 5xx and model errors of the component",
    ),
    "secret-in-environment": (
        "{variable} holds a secret",
        "revoke the secret; then put the weights in S3, which need no token, or use {{{{resolve:secretsmanager:...}}}}",
    ),
    "secret-shown-by-describe": (
        "CloudFormation reads {variable} at deployment and stores it in the model's environment",
        "put the weights in S3 (`replicas stage`), so that serving needs no token",
    ),
    "shell-access": ("EnableSSMAccess on variant {variant}", "remove EnableSSMAccess"),
    "untagged": ("no Tags", "Tags; in a CDK app Tags.of(app).add(...)"),
}
"""Sentences of the case and of the fix, by rule id, or by `rule/kind` of case."""
