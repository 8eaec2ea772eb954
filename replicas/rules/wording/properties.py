"""Messages in CloudFormation terms that need only the numbers of a finding."""

from __future__ import annotations

from collections.abc import Mapping

_TIMEOUTS = {
    "download": "ModelDataDownloadTimeoutInSeconds",
    "startup": "ContainerStartupHealthCheckTimeoutInSeconds",
}
_CLAIMS = "ComputeResourceRequirements with MinMemoryRequiredInMb and NumberOfAcceleratorDevicesRequired"
_PIN = "use a tag with the whole version, or a digest (IMAGE@sha256:...)"

_WITHOUT_WAKE = (
    "{component.name} scales to 0 copies, and no alarm on NoCapacityInvocationFailures triggers one of its step "
    "scaling policies",
    "add a StepScaling policy (+1) and an alarm on the component's NoCapacityInvocationFailures that triggers it, or "
    "set MinCapacity=1",
)

SENTENCES: Mapping[str, tuple[str, str]] = {
    # memory, adapters
    "adapter-without-engine/never": (
        "the engine of {base}, {engine}, does not support adapters",
        "use an image of {engines}",
    ),
    "adapter-without-engine": ("{switch} is not true on {base}", "set {switch}=true"),
    "adapter-limits/rank": (
        "{variable} is not set: {engine} takes adapters up to its default rank",
        "set {variable} to the largest rank of the adapters (r in adapter_config.json)",
    ),
    "adapter-limits/loading": ("{variable} is not set", "set {variable}=True"),
    "adapter-limits/slots": (
        "the component has {adapters} adapters, but {variable} allows only {slots} at once",
        "set {variable}={adapters}",
    ),
    "startup-too-short": (
        "ContainerStartupHealthCheckTimeoutInSeconds={seconds}, but a start of this copy can take {longest} s "
        "(`replicas plan` sets {planned} s)",
        "set ContainerStartupHealthCheckTimeoutInSeconds={planned}",
    ),
    "download-too-short": (
        "ModelDataDownloadTimeoutInSeconds={seconds}, but the download of the weights from S3 can take {longest} s "
        "(`replicas plan` sets {planned} s)",
        "set ModelDataDownloadTimeoutInSeconds={planned}",
    ),
    "target-above-copy": (
        "TargetValue={target} concurrent requests per copy, but a copy of {component} can run at most {held} at once",
        "set TargetValue={enough}",
    ),
    "gated-without-token": (
        "the repository {repository} is gated, and no variable holds a Hugging Face token",
        "set {variable} to a dynamic reference ({{{{resolve:secretsmanager:NAME}}}}), or put the weights in S3",
    ),
    # components
    "claims-missing": ("no ComputeResourceRequirements", f"set {_CLAIMS}"),
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
    "name-taken/endpoint": (
        "EndpointName={name!r} is also the name of {owner.name}",
        "use another name, or remove it",
    ),
    "environment-too-large": (
        "Container.Environment has {entries} entries",
        "move the environment to an AWS::SageMaker::Model, which accepts 100 entries",
    ),
    "environment-too-large/of a model": (
        "Environment has {entries} entries",
        "remove variables, or put the settings in a file next to the weights",
    ),
    "environment-too-large/bytes": (
        "Environment has {size} bytes",
        "shorten values, or put the settings in a file next to the weights",
    ),
    "environment-name": ("Environment has the name {variable!r}", "use letters, digits and underscores"),
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
        "it has a specification for {instance_type}, but its variant has only {hosts}",
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
        "no ExecutionRoleArn, but inference components are on its endpoint",
        "set ExecutionRoleArn on the AWS::SageMaker::EndpointConfig",
    ),
    "role-missing/without model": (
        "no ExecutionRoleArn, but its variant {variant} names no model, so it can host only inference components",
        "set ExecutionRoleArn on the AWS::SageMaker::EndpointConfig",
    ),
    "model-on-variant": (
        "variant {variant} has a ModelName, but inference components are on it",
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
        "set MaxInstanceCount={bound} or more, or InitialInstanceCount={most} or less",
    ),
    "scaling-range/fewest": (
        "MaxInstanceCount={most} is less than MinInstanceCount={bound}",
        "set MaxInstanceCount={bound} or more, or MinInstanceCount={most} or less",
    ),
    "scaling-range/start below fewest": (
        "InitialInstanceCount={start} is less than MinInstanceCount={least}",
        "set InitialInstanceCount={least} or more, or MinInstanceCount={start} or less",
    ),
    **{
        f"startup-timeout/{kind}": (f"{name}={{seconds}}", f"set {name}={{nearest}}")
        for kind, name in _TIMEOUTS.items()
    },
    # variants
    "volume-on-local-storage": ("VolumeSizeInGB with {instance_type}", "remove VolumeSizeInGB"),
    "serverless-variant": (
        "variant {variant} has a ServerlessConfig, but inference components are on it",
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
    "variant-without-instances/count": ("variant {variant} has no InitialInstanceCount", "set InitialInstanceCount=1"),
    "pool-twice": (
        "two InstancePools of variant {variant} have {setting}={value}",
        "use a different {setting} for each pool",
    ),
    "variant-twice": ("two variants have VariantName={variant!r}", "use a different name for each variant"),
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
    "alarm-without-data/metric": ("SageMaker publishes no metric {metric}", "use the metric {near}"),
    "alarm-without-data/no dimension": (
        "{metric} in {namespace} is watched without a dimension",
        "add the dimension InferenceComponentName, or EndpointName with VariantName",
    ),
    "alarm-without-data/namespace": ("{metric} is watched in the namespace {namespace}", "set Namespace={right}"),
    "alarm-without-data/other dimension": (
        "the dimension {dimension} does not exist",
        "use the dimension InferenceComponentName, or EndpointName with VariantName",
    ),
    "alarm-without-data/dimension": ("the dimension {dimension} does not exist", "use a dimension with Name={near}"),
    # references
    "property-refused": ("{place}{message}", "{fix}"),
    "reference-of-the-wrong-kind": ("{path} is {given}, which returns {value}", "{fix}"),
    "attribute-absent": ("{resource} has no attribute {attribute}", "use one of its attributes: {attributes}"),
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
        "set a smaller {variable}, give each copy more accelerators, or use an instance type with larger accelerators",
    ),
    "scaling-saves-nothing": (
        "{component} scales from {fewest} to {most} copies on the same paid instances ({instances})",
        "set CopyCount={most} and remove the scaling, or add ManagedInstanceScaling with fewer instances for the "
        "fewest copies",
    ),
    "scaling-saves-nothing/fixed": (
        "{component} never scales, because MinCapacity and MaxCapacity are both {most}",
        "set a higher MaxCapacity and more instances, or remove the scalable target",
    ),
    # adapters
    "weights-location": ("S3DataType={data_type} with S3Uri={address}", "{fix}"),
    "weights-location/archive": ("CompressionType=None with S3Uri={address}", "{fix}"),
    "adapter-prefix": ("ArtifactUrl={artifact}", "set ArtifactUrl={artifact}/"),
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
    "adapter-claims": ("the adapter has ComputeResourceRequirements", "remove ComputeResourceRequirements"),
    # containers and weights
    "tensor-parallel-mismatch": (
        "{variable}={degree}, NumberOfAcceleratorDevicesRequired={accelerators}",
        "set {variable}={accelerators}",
    ),
    "tensor-parallel-mismatch/alone": (
        "{variable}={degree}, and {instance_type} has {accelerators} accelerators",
        "set {variable}={accelerators} or less",
    ),
    "tensor-parallel-mismatch/product": (
        "{variable}={degree}, NumberOfAcceleratorDevicesRequired={accelerators}",
        "set degrees whose product is {accelerators}",
    ),
    "tensor-parallel-missing": (
        "{variable} is not set for {repository} with NumberOfAcceleratorDevicesRequired={accelerators}{ignored}",
        "set {variable}={accelerators}",
    ),
    "lmcache-per-copy": (
        "up to {together} of {copies} copies of {repository} run on one instance, and {switch} is not 0",
        "set {switch}=0, or {share_variable}={fraction} or less",
    ),
    "ami-too-old": (
        "the driver of InferenceAmiVersion={ami} on {instance_type} is too old for an image with CUDA {cuda}",
        "set InferenceAmiVersion={good}",
    ),
    "ami-too-old/default": (
        "no InferenceAmiVersion is set; the default driver of {instance_type} is too old for an image with CUDA {cuda}",
        "set InferenceAmiVersion={good}",
    ),
    "environment-not-text": (
        "the value of {variable} in Environment is {given}",
        "write a text in {variable}; JSON inside a text must be quoted",
    ),
    "environment-value-too-long": (
        "the value of {variable} has {characters} characters",
        "put the value in a file next to the weights, or shorten it",
    ),
    "isolated-from-weights": (
        "EnableNetworkIsolation is true on {isolated.name}, but {variable}={repository} is on the Hub",
        "put the weights in S3 (ModelDataSource, uncompressed) and set {variable}={local}, or turn isolation off",
    ),
    "image-in-other-region": (
        "the image is in {given}, and the endpoint in {region}: {image}",
        "use the image of {region}; ECR can replicate your own repository to that region",
    ),
    "image-not-in-ecr": (
        "Image={image}",
        "use an image in ECR: one of AWS's Deep Learning Containers, or a copy in a repository of your own",
    ),
    "image-not-published": (
        "{tables} do not have the tag {tag} of {repository}: perhaps AWS does not publish it",
        "use {listed}, or another tag of the tables",
    ),
    "image-not-published/region": (
        "{tables} have {name} in no registry of {region}: perhaps AWS does not publish it there",
        "use a region of the tables ({regions}), or another image",
    ),
    "image-not-published/account": (
        "the image URI names account {given}, but {tables} list account {account} for {name} in {region}",
        "use the registry of account {account}",
    ),
    "weights-offline": (
        "{switch}={value} forbids calls to the Hub, but {variable}={repository} is on the Hub",
        "remove {switch}, or put the weights in S3 (ModelDataSource)",
    ),
    "weights-missing/no data": (
        "{variable}={value}, but the model has no data source",
        "add a ModelDataSource, or set {variable} to a repository of the Hub",
    ),
    "weights-missing/no repository": (
        "{variable}={value!r} is not a repository of the Hub",
        "set {variable}=NAMESPACE/NAME, without spaces and without a URL",
    ),
    "variables-in-order": (
        "{lesser}={less} is above {greater}={more}",
        "set {greater}={less} or more, or {lesser}={more} or less",
    ),
    "variable-not-parsed": ("{variable}={value!r}: {reason}", "correct {variable}, or remove it"),
    "server-not-reached": ("{variable}={value}, and {reason}", "remove {variable}"),
    "variable-not-read": ("{engine} has no variable {variable}", "use {near}"),
    "variable-not-read/other engine": (
        "{variable} is a variable of {other}, but the image is one of {engine}",
        "{fix}",
    ),
    "input-limit-twice": ("{names} are all set", "keep only {keep}"),
    # rights and secrets
    **{
        f"role-too-wide/{kind}": (
            f"the role of {{user}} has {right}",
            "keep only statements for the image's repository, the weights' prefix and the log groups",
        )
        for kind, right in {
            "policy": "the managed policy {right}",
            "action": "an Allow of {right} on every resource",
            "all but some": "an Allow of all actions except a few ({right}) on every resource",
        }.items()
    },
    "role-not-assumable": (
        "the role of {user} trusts {trusted}",
        "add a statement to its trust policy with Effect: Allow, Principal: {{Service: sagemaker.amazonaws.com}} and "
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
            ("", f"lacks {{actions}} to {verb}", "", "add a statement: {statement}"),
            (
                "/denied",
                f"cannot {verb}",
                ": {policy} denies {actions}",
                "remove the Deny of {actions} for this role",
            ),
            (
                "/key policy",
                f"lacks {{actions}} to {verb}",
                ": the policy of {key} grants them only to other principals",
                "add a statement to the policy of {key} with this role as Principal: Allow {actions}",
            ),
        )
    },
    "rights-too-late": (
        "it does not depend on {policy}, which grants {role} the rights to {purpose}",
        "add DependsOn: {policy} (in a CDK app: model.node.add_dependency(role))",
    ),
    "token-in-template": (
        "{place} contains a text that looks like a Hugging Face token",
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
        "set MinInstanceCount=1, or use a region that accepts 0 (us-east-1 does)",
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
        "set MaxCapacity={floor} or more, or MinCapacity={ceiling} or less, in that action",
    ),
    "capacity-negative": (
        "{property}={given}{where} is below 0",
        "set {property} to 0 or more",
    ),
    "copies-outside-range/below": (
        "CopyCount={copies} is below MinCapacity={floor} of {target.name}",
        "set CopyCount={nearest}, the floor",
    ),
    "copies-outside-range/above": (
        "CopyCount={copies} is above MaxCapacity={ceiling} of {target.name}",
        "set CopyCount={nearest}, the floor",
    ),
    "zero-without-wake": _WITHOUT_WAKE,
    "zero-without-wake/by schedule": _WITHOUT_WAKE,
    "zero-keeps-instances": (
        "{component.name} scales to 0 copies, and its variant has no ManagedInstanceScaling",
        "set ManagedInstanceScaling with Status=ENABLED and MinInstanceCount=0, or a floor of 1 copy",
    ),
    "zero-keeps-instances/scaled": (
        "{component.name} scales to 0 copies, and its variant has MinInstanceCount={least}",
        "set ManagedInstanceScaling with Status=ENABLED and MinInstanceCount=0, or a floor of 1 copy",
    ),
    "batch-size/share": (
        "a batch has {percent} % of the copies",
        "set Value to a number from 5 to 50 for CAPACITY_PERCENT",
    ),
    # practice
    "capture-elsewhere": (
        "{what} to {address}",
        "use a private bucket of this template with a lifecycle rule; or acknowledge the finding and name the "
        "bucket's owner",
    ),
    "capture-without-key": (
        "{what} to {address} without KmsKeyId",
        "set KmsKeyId, or use a bucket whose default encryption has a KMS key",
    ),
    "component-without-alarms": (
        "no alarm on {metrics}",
        "add an AWS::CloudWatch::Alarm on each, with the dimension InferenceComponentName",
    ),
    "copies-not-the-floor": ("CopyCount={copies}, MinCapacity={floor}", "set CopyCount={nearest}"),
    "hub-without-revision": (
        "{variable}={repository} {where}",
        "set {revision_variable}=COMMIT, or put the weights of one commit in S3",
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
    "image-without-digest": ("the tag {tag} has no digest", "set Image to IMAGE@sha256:..."),
    "key-missing": ("no KmsKeyId for {instance_types}", "set KmsKeyId to a key of your own"),
    "key-without-effect": ("KmsKeyId is set for {instance_types}", "remove KmsKeyId, or use another instance family"),
    "not-isolated": (
        "neither the model nor the endpoint config has EnableNetworkIsolation or VpcConfig",
        "set EnableNetworkIsolation and put the weights in S3, or set VpcConfig with subnets that reach only "
        "VPC endpoints",
    ),
    "role-reaches-all-buckets": (
        "its policies allow {actions} on every bucket",
        "allow s3:GetObject only on the weights' prefix, arn:aws:s3:::BUCKET/PREFIX/*",
    ),
    "role-reaches-secrets": (
        "its policies allow {actions} on every resource",
        "name the key or secret by its ARN, or remove the statement: serving does not need it",
    ),
    "role-open-to-other-accounts": (
        "its trust policy names no account",
        "add Condition: {{StringEquals: {{aws:SourceAccount: !Ref AWS::AccountId}}}} to the statement of the trust "
        "policy that allows sagemaker.amazonaws.com",
    ),
    "bucket-of-any-account": (
        "its policies allow reading {resources} in any account",
        "add Condition: {{StringEquals: {{aws:ResourceAccount: ACCOUNT}}}}, with the owner of the bucket, to the "
        "statement that allows reading",
    ),
    "metrics-of-any-namespace": (
        "its policies allow cloudwatch:PutMetricData without a condition",
        "allow it in a separate statement with Condition: {{StringLike: {{cloudwatch:namespace: /aws/sagemaker/*}}}}",
    ),
    "role-trusts-anyone": (
        "its trust policy has the principal *, without a condition",
        "set Principal: {{Service: sagemaker.amazonaws.com}}",
    ),
    "role-trusts-others": (
        "its trust policy names {principals}",
        "create one role per principal; keep only Principal: {{Service: sagemaker.amazonaws.com}} in this role",
    ),
    "role-with-wildcards": ("its policies allow {action} on {resources}", "name only the actions that serving needs"),
    "roll-without-rollback": (
        "RollingUpdatePolicy without AutoRollbackConfiguration",
        "add AutoRollbackConfiguration with alarms on 5xx and model errors of the component",
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
    "untagged": ("no Tags", "add Tags (in a CDK app: Tags.of(app).add(...))"),
}
"""Message about the fault, and the change that fixes it. The key is the id of the rule, or `rule/kind` if the rule has
several kinds of fault."""
