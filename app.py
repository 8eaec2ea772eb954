"""Composition root: one stack per deployment, each planned and proven before a template is written."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import aws_cdk as cdk

from replicas import EndpointPlan, plan
from replicas.deployment.file import load_catalogue
from replicas.errors import CatalogueError, SizingError
from replicas.planning.data_age import data_warnings
from replicas_cdk import SageMakerChecks, TemplateProof
from stacks.multi_replica_stack import MultiReplicaStack


def main(**app_options: Any) -> None:
    """Synthesise every deployment, or none: with what is wrong in all of them.

    `app_options` are those of `cdk.App`; the CDK CLI gives none.
    """
    plans: list[EndpointPlan] = []
    refused: list[Exception] = []
    try:
        catalogue = load_catalogue()
    except CatalogueError as error:
        sys.exit(str(error))
    for deployment in catalogue:
        try:
            plans.append(plan(deployment))
        except SizingError as error:
            refused.append(error)
    if refused:
        sys.exit("\n".join(str(error) for error in refused))
    app = cdk.App(**app_options)
    cdk.Validations.of(app).add_plugins(TemplateProof(), SageMakerChecks())
    for planned in plans:
        stack = MultiReplicaStack(app, planned)
        for warning in [*planned.warnings, *data_warnings(planned.region, date.today())]:
            cdk.Annotations.of(stack).add_warning(warning)
    app.synth()


if __name__ == "__main__":
    main()
