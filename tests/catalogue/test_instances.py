"""Instance types that can be planned, and why SageMaker's others cannot."""

from __future__ import annotations

import botocore.session
import pytest

from replicas.catalogue import data
from replicas.catalogue.instances import find_instance, instance_types, left_out
from tests.commands import Run


def endpoint_api() -> set[str]:
    """Types that SageMaker's endpoint API takes (botocore, ProductionVariantInstanceType)."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return set(model.shape_for("ProductionVariantInstanceType").enum)  # type: ignore[attr-defined]


def test_every_type_of_the_endpoint_api_is_in_the_table_or_has_a_reason() -> None:
    without = set(data.load("instances")["without_accelerator"])
    table, reasons = set(instance_types()), set(left_out())
    assert table | reasons | without == endpoint_api()
    assert not table & reasons
    assert not (table | reasons) & without


def test_types_without_an_accelerator_are_of_families_for_cpus() -> None:
    """EC2's families c, m, r and t: compute, general purpose, memory and burstable."""
    assert {name.removeprefix("ml.")[0] for name in data.load("instances")["without_accelerator"]} == set("cmrt")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ml.trn2.48xlarge", r"'ml.trn2.48xlarge' is not in the table: .*512 GiB for each of 16 Trainium2.* 1\.5 TB"),
        ("ml.p6e-gb200.36xlarge", r"is not in the table: .*DescribeInstanceTypes lacks it.*no region has a hosting"),
        ("ml.inf1.xlarge", r"is not in the table: an Inferentia has only 8 GiB"),
        ("ml.m5.xlarge", r"is not in the table, because it has no accelerator\. `replicas instances`"),
        ("a", r"^instance type 'a' is not in the table\. `replicas instances` lists the table$"),
        ("p4d.24xlarge", r"is not in the table; near: ml\.p4d\.24xlarge"),
    ],
)
def test_a_type_that_is_named_says_why_it_cannot_be_planned(name: str, sentence: str) -> None:
    with pytest.raises(LookupError, match=sentence):
        find_instance(name)


def test_the_list_says_which_types_are_left_out_and_why(run: Run) -> None:
    printed = run("instances").out
    for name, why in left_out().items():
        (line,) = [line for line in printed.splitlines() if name in line]
        assert line.startswith("not in the table: ")
        assert line.endswith(why)
