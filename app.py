"""CDK app: one stack per deployment in deployments.py. All are planned and checked before templates are written."""

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
    """Synthesise all deployments, or exit with the sizing errors of all that cannot be planned.

    `app_options` are passed to `cdk.App`; the CDK CLI passes none.
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
