"""The vocabulary of CloudFormation: properties and logical ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.endpoint.values import Unknown
from replicas.rules.finding import Finding, Quantity, Unjudged
from replicas.rules.rolls import RollingCopies
from replicas.rules.shortage import Change, Compared, Shortage
from replicas.rules.wording.sentences import Sentence, counted, plain
from replicas.sizing import claims

_COUNTS = {"copies": "CopyCount", "floor": "MinCapacity", "ceiling": "MaxCapacity"}
_UNITS = {"accelerators": "accelerators", "cpus": "CPUs", "memory": "MiB"}
_TARGET_PROPERTIES = {
    "resource id": "ResourceId",
    "dimension": "ScalableDimension",
    "namespace": "ServiceNamespace",
}
_QUANTITIES: Mapping[Quantity, str] = {
    "accelerators": "NumberOfAcceleratorDevicesRequired",
    "ami": "InferenceAmiVersion",
    "batch": "MaximumBatchSize",
    "ceiling": "MaxCapacity (or that of a scheduled action)",
    "claims": "ComputeResourceRequirements",
    "configuration": "the endpoint config with variants",
    "copies": "CopyCount",
    "cpus": "NumberOfCpuCoresRequired",
    "endpoint": "the endpoint",
    "existence": "its condition",
    "instance type": "InstanceType",
    "instances": "InitialInstanceCount",
    "least instances": "MinInstanceCount",
    "memory": "MinMemoryRequiredInMb",
    "most instances": "MaxInstanceCount",
    "scaled component": "ResourceId",
    "variant": "the variant",
}

_TIMEOUTS = {
    "download": "ModelDataDownloadTimeoutInSeconds",
    "startup": "ContainerStartupHealthCheckTimeoutInSeconds",
}
_CLAIMS = "ComputeResourceRequirements with MinMemoryRequiredInMb and NumberOfAcceleratorDevicesRequired"
_PIN = "a tag with the whole version, or a digest (IMAGE@sha256:...)"

_TABLE: Mapping[str, tuple[str, str]] = {
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
    # models and configurations
    "role-missing": (
        "no ExecutionRoleArn, yet inference components are on its endpoint",
        "ExecutionRoleArn on the AWS::SageMaker::EndpointConfig",
    ),
    "model-on-variant": (
        "variant {variant} has a ModelName, yet inference components are on it",
        "leave ModelName out of the variant; the components name their models",
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
        "the weights in S3 (ModelDataSource, uncompressed) and {variable}=/opt/ml/model, or no isolation",
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
    "token-in-template": (
        "what looks like a Hugging Face token in {place}",
        "revoke it; then {{{{resolve:secretsmanager:...}}}}, or weights in S3",
    ),
    # regions
    "region-without-components": (
        "CloudFormation does not know AWS::SageMaker::InferenceComponent in {region}",
        "another region",
    ),
    "region-without-instance": (
        "{instance_type} has no hosting price in {region}",
        "another instance type, or a region that has it: {regions}",
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
    "zero-without-wake": (
        "{component.name} scales to 0 copies, and no alarm on NoCapacityInvocationFailures runs a step policy of it",
        "a StepScaling policy (+1) and an alarm on NoCapacityInvocationFailures of the component that runs it, or "
        "MinCapacity=1",
    ),
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


def sentence_of(finding: Finding) -> Sentence:
    """The sentence of a finding."""
    composed = _COMPOSED.get(finding.rule)
    if composed and finding.key not in _TABLE:
        return composed(finding)
    what, fix = _TABLE[finding.key]
    return Sentence(what=what, fix=fix).filled(finding.numbers)


def open_sentence(unjudged: Unjudged) -> str:
    """The sentence of a question that is not judged."""
    if unjudged.quantity is None:
        return f"{unjudged.question + ' is ' if unjudged.question else ''}not judged: {unjudged.why}"
    if unjudged.quantity == "instance type" and unjudged.unknown is None:
        return "not judged: the variant has no InstanceType"
    name = unjudged.given if unjudged.quantity == "degree" else _QUANTITIES[unjudged.quantity]
    shown = f" {unjudged.given}" if unjudged.given and unjudged.quantity != "degree" else ""
    return f"{name}{shown} is not known ({unjudged.why}): {unjudged.question} is not judged"


def parameters_of(unjudged: Unjudged) -> tuple[str, ...]:
    """Parameters of the template whose values would tell."""
    return unjudged.unknown.parameters if isinstance(unjudged.unknown, Unknown) else ()


def _capacity(finding: Finding) -> Sentence:
    shortage = _shortage(finding)
    what = shortage_in_words(shortage, finding.numbers["room"])
    return Sentence(what=what, fix=_fixes(shortage, "smaller claims per copy, or a larger instance type"))


def _start(finding: Finding) -> Sentence:
    shortage = _shortage(finding)
    what = shortage_in_words(shortage, claims.host(shortage.instance))
    return Sentence(what=f"at the start {what}", fix=_fixes(shortage, "fewer copies", instances="InitialInstanceCount"))


def _ceiling(finding: Finding) -> Sentence:
    sentence = _capacity(finding)
    raised = " and ".join(finding.numbers["raised"])
    return Sentence(what=f"at MaxCapacity of {raised} {sentence.what}", fix=sentence.fix)


def _variant_unknown(finding: Finding) -> Sentence:
    names = finding.numbers["variants"]
    has = ", ".join(map(repr, names))
    return Sentence(
        what=f"VariantName={finding.numbers['variant']!r}; the endpoint has {has}", fix=f"VariantName={names[0]!r}"
    )


def _target_mismatch(finding: Finding) -> Sentence:
    wrong: Mapping[str, tuple[str, str]] = finding.numbers["wrong"]
    given = [f"{_TARGET_PROPERTIES[setting]}={value}" for setting, (value, _) in wrong.items()]
    right = [f"{_TARGET_PROPERTIES[setting]}={value}" for setting, (_, value) in wrong.items()]
    return Sentence(what=", ".join(given), fix=", ".join(right))


def _batch_size(finding: Finding) -> Sentence:
    numbers = finding.numbers
    level = {"copies": "", "floor": " at MinCapacity", "ceiling": " at MaxCapacity", "schedule": " by a schedule"}
    what = f"a batch of {numbers['batch']} of {counted(numbers['copies'], 'copy', 'copies')}{level[numbers['level']]}"
    least, largest = numbers["least"], numbers["largest"]
    if finding.kind == "of one copy":
        setting = "CopyCount" if numbers["level"] == "copies" else "MinCapacity"
        return Sentence(what=what, fix=f"{setting}=2 or more where updates have to roll, or no RollingUpdatePolicy")
    if least > largest:
        return Sentence(what=what, fix="CAPACITY_PERCENT with 5 to 50")
    value = str(least) if least == largest else f"{least} to {largest}"
    return Sentence(what=what, fix=f"Value={value} for COPY_COUNT, or CAPACITY_PERCENT with 5 to 50")


def _roll_room(finding: Finding) -> Sentence:
    shortage, rolling = _shortage(finding), _rolling(finding)
    count = sum(rolling.batches.values())
    roll = f"a roll of {counted(count, 'copy', 'copies')}"
    copies = ", ".join(f"{rolling.copies[name]}" for name in rolling.batches)
    level = f" at MaxCapacity={copies}" if rolling.at_ceiling else ""
    if rolling.taken + rolling.accelerators > rolling.available:
        free = counted(rolling.accelerators, "free accelerator")
        what = f"{roll} needs {free}; {rolling.taken} of {rolling.available} are taken{level}"
    else:
        what = f"{roll} has no room beside the copies that serve{level}"
    changes = shortage.changes()
    instances = [change for change in changes if change.setting == "instances"]
    copies_changes = [
        change for change in changes if change.subject is not None and change.subject.name in rolling.batches
    ]
    is_scaled = shortage.variant.instances.is_scaled
    fixes = [
        f"{'' if is_scaled else 'ManagedInstanceScaling with '}MaxInstanceCount={change.count}" for change in instances
    ]
    fixes += [_count_change(change) for change in copies_changes]
    return Sentence(what=what, fix=", or ".join(fixes) or "smaller claims, or a larger instance type")


_COMPOSED: Mapping[str, Callable[[Finding], Sentence]] = {
    "over-committed": _capacity,
    "over-claimed": _capacity,
    "pool-too-small": _capacity,
    "start-over-committed": _start,
    "ceiling-over-committed": _ceiling,
    "ceiling-over-claimed": _capacity,
    "variant-unknown": _variant_unknown,
    "target-mismatch": _target_mismatch,
    "batch-size": _batch_size,
    "roll-without-room": _roll_room,
}


def shortage_in_words(shortage: Shortage, room: Any) -> str:
    """What is short where each instance yields `room`."""
    name = shortage.instance.name
    too_large = [
        f"a copy of {demand.component.subject.name} claims {_amount(compared, compared.wanted)}, "
        f"one {name} can give {_amount(compared, compared.available)}"
        for demand, compared in shortage.too_large(room)
    ]
    if too_large:
        return "; ".join(too_large)
    short = [
        f"{'1 copy claims' if shortage.total == 1 else f'{shortage.total} copies claim'} "
        f"{_amount(compared, compared.wanted)}, {_where(shortage)} can give {_amount(compared, compared.available)}"
        for compared in shortage.compared(room)
        if compared.is_short
    ]
    return "; ".join(short) or _fragmented(shortage)


def _fragmented(shortage: Shortage) -> str:
    sizes = ", ".join(
        f"{count} x {need.accelerators} accelerators, {float(need.cpus):g} CPUs and {need.memory_mib} MiB "
        f"({demand.component.subject.name})"
        for demand, need, count in zip(shortage.demands, shortage.needs, shortage.copies, strict=True)
    )
    return f"{shortage.total} copies fit {_where(shortage)} by their sum but in no placement: {sizes}"


def _where(shortage: Shortage) -> str:
    if shortage.known_instances is None:
        return f"one {shortage.instance.name}"
    return shortage.instance.name if shortage.instances == 1 else f"{shortage.instances} x {shortage.instance.name}"


def _amount(compared: Compared, number: Any) -> str:
    return f"{plain(number)} {_UNITS[compared.resource]}"


def _fixes(shortage: Shortage, otherwise: str, instances: str | None = None) -> str:
    most = "MaxInstanceCount" if shortage.variant.instances.is_scaled else "InitialInstanceCount"
    fixes = []
    for change in shortage.changes():
        if change.setting == "instances":
            fixes.append(f"{instances or most}={change.count}")
        elif change.setting == "claims":
            fixes.append("claims per copy of " + " and ".join(_claim(subject, need) for subject, need in change.claims))
        else:
            fixes.append(_count_change(change))
    return ", or ".join(fixes) or otherwise


def _count_change(change: Change) -> str:
    return f"{_COUNTS[change.setting]}={change.count} of {change.subject.name if change.subject else ''}"


def _claim(subject: Subject, need: Any) -> str:
    cpus = f"NumberOfCpuCoresRequired={float(need.cpus):g} and " if need.cpus else ""
    return f"{cpus}MinMemoryRequiredInMb={need.memory_mib} ({subject.name})"


def _shortage(finding: Finding) -> Shortage:
    assert finding.shortage is not None  # noqa: S101 (rules about capacity attach it)
    return finding.shortage


def _rolling(finding: Finding) -> RollingCopies:
    rolling: RollingCopies = finding.numbers["rolling"]
    return rolling
