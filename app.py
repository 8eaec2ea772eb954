"""CDK app: one stack per entry of deployments.py. An entry that cannot be planned does not stop the other stacks."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import aws_cdk as cdk

from replicas.deployment.file import EMPTY, read_entries
from replicas.errors import CatalogueError, SizingError
from replicas.escaping import log_line
from replicas.forecast.declared import traffic_warnings
from replicas.garbage import collect_rarely
from replicas.planning.catalogue_plans import plan_all
from replicas.planning.data_age import data_warnings
from replicas.planning.plans import EndpointPlan
from replicas.planning.provided import unprovided
from replicas_cdk import SageMakerChecks, TemplateProof
from stacks.multi_replica_stack import MultiReplicaStack
from stacks.refused_stack import RefusedDeployments, add_refused_stack
from stacks.summary import summary_line


def main(**app_options: Any) -> None:
    """Synthesise all deployments. A deployment that cannot be planned becomes a stack that cannot be deployed.

    `app_options` are passed to `cdk.App`; the CDK CLI passes none.
    """
    collect_rarely()
    try:
        entries = read_entries()
        planned = plan_all(entries)
    except CatalogueError as error:
        sys.exit(str(error))
    if not entries:
        print(EMPTY, file=sys.stderr)
    app = cdk.App(**app_options)
    cdk.Validations.of(app).add_plugins(TemplateProof(), SageMakerChecks(), RefusedDeployments())
    for entry, planned_or_refused in planned.results:
        result = _with_references(planned_or_refused)
        if isinstance(result, SizingError):
            add_refused_stack(app, entry, result)
            continue
        stack = MultiReplicaStack(app, result)
        for warning in [*result.warnings, *traffic_warnings(result), *data_warnings(result.region, date.today())]:
            cdk.Annotations.of(stack).add_warning(warning)
    app.synth()
    for _, result in planned.results:
        if not isinstance(result, SizingError):
            print(log_line(summary_line(result)), file=sys.stderr)


def _with_references(result: EndpointPlan | SizingError) -> EndpointPlan | SizingError:
    """Return the plan, or a refusal if it needs constructs of an app. This app passes none to its deployments."""
    missing = unprovided(result) if isinstance(result, EndpointPlan) else []
    return SizingError("deployments.py cannot pass constructs", missing) if missing else result


if __name__ == "__main__":
    main()
