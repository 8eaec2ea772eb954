"""cdk-preflight as a judge of templates: one synthesis of an app that includes each template as a stack."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk.cloudformation_include import CfnInclude
from cdk_preflight import Preflight

Findings = dict[str, list[tuple[str, str, str]]]
"""By the name of a template: the rule, the logical id and the sentence of each finding."""

_ENVIRONMENT = cdk.Environment(account="123456789012", region="us-west-2")


def findings_of_preflight(templates: Mapping[str, Any], folder: Path) -> Findings:
    """Findings of all rules of cdk-preflight in templates."""
    app = cdk.App(outdir=str(folder / "cdk.out"))
    Preflight.apply(app)
    for name, template in templates.items():
        file = folder / f"{name}.json"
        file.write_text(json.dumps(template))
        stack = cdk.Stack(app, name, env=_ENVIRONMENT, synthesizer=cdk.LegacyStackSynthesizer())
        CfnInclude(stack, "Template", template_file=str(file))
    try:
        app.synth()
    except RuntimeError as fault:  # the synthesis fails with a finding
        if "ValidationFailed" not in str(fault):
            raise
    report = json.loads((folder / "cdk.out" / "validation-report.json").read_text())
    found: Findings = defaultdict(list)
    for pack in report["pluginReports"]:
        for violation in pack["violations"] if pack["pluginName"] == "cdk-preflight" else ():
            for construct in violation["violatingConstructs"]:
                resource = construct["cloudFormationResource"]
                stack_name = resource["templatePath"].removesuffix(".template.json")
                found[stack_name].append((violation["ruleName"], resource["logicalId"], violation["description"]))
    return found
