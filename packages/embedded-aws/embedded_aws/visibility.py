"""Names the rule of `replicas check` that predicts a refusal, or the reason why no rule does.

`docs/embedded-aws.md` lists this reason with every refusal. A refusal is identified by its module and, where the
refusals of a module have different reasons, by the first words of its message.
"""

from __future__ import annotations

from collections.abc import Mapping

STATE = "not visible in a template: it depends on the resources of the account and their state"
REQUEST = "not visible in a template: it concerns a request that no template makes, or an option of a request"
ENVELOPE = "not visible in a template: it concerns the form or the signature of a request"
SERVING = "not visible in a template: it concerns a request to a running copy"
REVISION = (
    "not visible in a template: it depends on the former version of the template, which `replicas review` compares"
)
UNPROVEN = "no rule: no source documents it, so a report would be a guess"
OWN_LIMIT = "no rule: AWS accepts the request"

OF_MODULES: Mapping[str, str] = {
    "autoscaling.service": STATE,
    "cloudformation.answers": REQUEST,
    "cloudformation.change_sets": STATE,
    "cloudformation.changes": REVISION,
    "cloudformation.desired": STATE,
    "cloudformation.dynamic": STATE,
    "cloudformation.handlers.autoscaling": STATE,
    "cloudformation.handlers.inference_component": STATE,
    "cloudformation.handlers.sagemaker": STATE,
    "cloudformation.imports": STATE,
    "cloudformation.parameters": REQUEST,
    "cloudformation.provisioning": STATE,
    "cloudformation.reading": STATE,
    "cloudformation.registry": STATE,
    "cloudformation.requests": REQUEST,
    "cloudformation.stack_operations": STATE,
    "cloudformation.work": STATE,
    "cloudwatch.alarm_documents": STATE,
    "cloudwatch.service": REQUEST,
    "gateway": ENVELOPE,
    "quotas": STATE,
    "registries": STATE,
    "sagemaker.base": STATE,
    "sagemaker.benchmark_jobs": REQUEST,
    "sagemaker.components": STATE,
    "sagemaker.deployments": UNPROVEN,
    "sagemaker.endpoints": STATE,
    "sagemaker.models": STATE,
    "serving.answers": SERVING,
    "serving.runtime": SERVING,
    "shapes": ENVELOPE,
    "wire": ENVELOPE,
}
OF_MESSAGES: Mapping[tuple[str, str], str] = {
    ("cloudformation.checks", "Requires capabilities"): REQUEST,
    ("cloudformation.checks", "Template error: resource"): "rule `attribute-absent`",
    ("cloudformation.checks", "Template format error: Unrecognized"): "rule `template-refused`",
    ("cloudformation.evaluation", "Template error: a condition"): "rule `template-refused`",
    ("cloudformation.handlers.inference_component", "An inference component can be neither"): REVISION,
    ("cloudformation.operations", "Template format error: The Value field"): STATE,
    ("cloudformation.provisioning", "Properties validation failed"): "rule `property-refused`",
    ("cloudformation.template", "Template format error: unsupported"): "rule `template-refused`",
    ("cloudwatch.expressions", "Error in expression"): UNPROVEN,
    ("cloudwatch.queries", "The expression of"): UNPROVEN,
    ("cloudwatch.queries", "The expressions refer"): UNPROVEN,
    ("cloudwatch.queries", "The statistic"): "rule `alarm-refused`",
    ("sagemaker.components", "BaseInferenceComponentName cannot change"): REVISION,
    ("sagemaker.models", "Either PrimaryContainer"): "rule `container-missing`",
    ("sagemaker.models", "VpcConfig."): "no rule: the API accepts other ids, and looks them up in the account",
}


def reason_of(module: str, message: str, *, is_limit: bool) -> str:
    """Return the rule that predicts the refusal, or the reason why no rule does.

    Raises:
        KeyError: the refusal is not classified.

    """
    if is_limit:
        return OWN_LIMIT
    name = module.removeprefix("embedded_aws.")
    for (of_module, words), reason in OF_MESSAGES.items():
        if of_module == name and message.startswith(words):
            return reason
    return OF_MODULES[name]
