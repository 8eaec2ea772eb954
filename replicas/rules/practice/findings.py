"""The rules of practice: what each is called, how much it weighs, and why it matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from replicas.rules.report import Finding


@dataclass(frozen=True)
class Practice:
    """One rule. A broken one of severity `problem` fails a check, a `warning` is printed."""

    severity: Literal["problem", "warning"]
    title: str
    """What is the case where it is broken."""
    why: str


PRACTICE_RULES: Mapping[str, Practice] = MappingProxyType(
    {
        "capture-elsewhere": Practice(
            "warning",
            "Prompts, answers or core dumps go to a bucket that the template does not make.",
            "they hold what users wrote, and nothing here says who reads that bucket or how long it keeps them",
        ),
        "capture-without-key": Practice(
            "warning",
            "Prompts, answers or core dumps are written without a KMS key.",
            "everybody who may read the bucket reads them: no key policy stands before it",
        ),
        "component-without-alarms": Practice(
            "warning",
            "Nobody is told when a component fails, is slow or has no copies.",
            "a component that answers nothing bills as one that does",
        ),
        "copies-not-the-floor": Practice(
            "warning",
            "CopyCount of a scaled component is not the floor of its range.",
            "an update of the stack may send CopyCount again, and undo what autoscaling did",
        ),
        "hub-without-revision": Practice(
            "warning",
            "Weights come from the Hugging Face Hub without a revision.",
            "a copy serves what the branch holds when it starts: two copies of one component can differ",
        ),
        "image-elsewhere": Practice(
            "warning",
            "An image comes from an account that is not known for SageMaker's containers.",
            "whoever may push to that account decides what runs beside the weights and prompts",
        ),
        "image-from-public-registry": Practice(
            "problem",
            "An image comes from a public registry.",
            "SageMaker pulls from private ECR (or from a registry in the VPC, with ImageConfig), and anybody may "
            "publish there",
        ),
        "image-tag-moves": Practice(
            "warning",
            "An image is named by a tag that moves.",
            "CloudFormation sees no change when it does, and two copies of one component can run different servers",
        ),
        "image-without-digest": Practice(
            "warning",
            "An image of one's own is named by a tag without a digest.",
            "a tag in ECR can be pushed again unless its repository forbids it",
        ),
        "key-missing": Practice(
            "warning",
            "The volumes of an endpoint have no KMS key of one's own.",
            "weights and logs on them are encrypted by a key that AWS holds alone",
        ),
        "key-without-effect": Practice(
            "warning",
            "KmsKeyId is given for instances whose storage is local NVMe.",
            "hardware encrypts local storage, and the key does not (documentation of CreateEndpointConfig); "
            "SageMaker's SDK treats the pair as unsupported",
        ),
        "not-isolated": Practice(
            "warning",
            "A container is neither isolated from the network nor in a VPC.",
            "code that comes with a model can send prompts and credentials anywhere",
        ),
        "role-reaches-all-buckets": Practice(
            "problem",
            "An execution role may read or write the objects of every bucket.",
            "whoever gets into the container gets into all data of the account",
        ),
        "role-reaches-secrets": Practice(
            "problem",
            "An execution role may use every secret, key, parameter or role.",
            "whoever gets into the container becomes what these give access to",
        ),
        "role-trusts-anyone": Practice(
            "problem",
            "An execution role can be assumed by anybody.",
            "no condition stands before it: any AWS account gets its rights",
        ),
        "role-trusts-others": Practice(
            "warning",
            "An execution role can be assumed by others than SageMaker.",
            "a role of one purpose has the rights of one purpose; shared, it collects those of all",
        ),
        "role-with-wildcards": Practice(
            "warning",
            "An execution role may do all that a service offers.",
            "`*` grows with the service: deleting and granting are in it, and serving needs neither",
        ),
        "roll-without-rollback": Practice(
            "warning",
            "A rolling update has no alarms that take it back.",
            "a version that starts and answers wrongly replaces every copy",
        ),
        "secret-in-environment": Practice(
            "problem",
            "A secret stands in a container's environment.",
            "whoever reads the template, the stack or the model reads it",
        ),
        "secret-shown-by-describe": Practice(
            "warning",
            "A secret is put into a container's environment at the deployment.",
            "the template stays clean, but DescribeModel and DescribeInferenceComponent show the value, and it "
            "does not follow a rotation",
        ),
        "shell-access": Practice(
            "warning",
            "EnableSSMAccess opens a shell on the instances.",
            "whoever has it reads prompts and weights; it is for looking into a fault, not for every day",
        ),
        "untagged": Practice(
            "warning",
            "A resource has no tags.",
            "the bill of an accelerator cannot be told from that of another",
        ),
    }
)
"""Every rule, by its id."""


def broken(rule: str, logical_id: str, what: str, fix: str) -> Finding:
    """The finding of a rule that is broken."""
    practice = PRACTICE_RULES[rule]
    return Finding(rule, logical_id, what, practice.why, fix, certain=practice.severity == "problem")
