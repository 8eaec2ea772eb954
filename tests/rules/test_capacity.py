"""Whether the copies fit: against an independent packer, and in words."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.rules import check
from tests.examples import examples
from tests.rules.base import Template, claims_of, component, good, only_problem, only_warning, properties_of, variant_of

G5_HARD = (4, 48, 196608)
"""ml.g5.12xlarge: what the host has."""
G5_CAREFUL = (4, 36, 98304)
G5_NINE_TENTHS = (4, 43.2, 176947)
"""ml.g5.12xlarge: what has been seen accepted."""

Claim = tuple[int, float, int]


def on(instance_type: str, instances: int, *claims: tuple[int, Claim]) -> Template:
    """A template with components `A`, `B`, ... with their copies and (accelerators, CPUs, MiB)."""
    template = good()
    variant_of(template).update(InstanceType=instance_type, InitialInstanceCount=instances)
    properties_of(template, "Model")["PrimaryContainer"]["Environment"] = {}
    del template["Resources"]["Llama"]
    for name, (copies, (accelerators, cpus, memory)) in zip("ABCDEFGHIJ", claims, strict=False):
        template["Resources"][name] = component(copies=copies, accelerators=accelerators, cpus=cpus, memory=memory)
    return template


def packs(claims: list[tuple[int, Claim]], instances: int, room: tuple[float, float, float]) -> bool:
    """Every way to give the copies to the instances, tried."""
    copies = [claim for count, claim in claims for _ in range(count)]
    for choice in product(range(instances), repeat=len(copies)):
        loads = [[0.0, 0.0, 0.0] for _ in range(instances)]
        for chosen, claim in zip(choice, copies, strict=True):
            for resource in range(3):
                loads[chosen][resource] += claim[resource]
        if all(load[resource] <= room[resource] for load in loads for resource in range(3)):
            return True
    return False


claim = st.tuples(
    st.integers(1, 5),
    st.sampled_from([0.25, 1, 6, 9.5, 12, 18, 24, 36, 40, 60]),
    st.sampled_from([128, 1024, 20000, 32768, 49152, 65536, 98304, 120000, 250000]),
)


@examples(75)
@given(
    st.lists(st.tuples(st.integers(1, 3), claim), min_size=1, max_size=3).filter(
        lambda claims: sum(count for count, _ in claims) <= 6
    ),
    st.integers(1, 3),
)
def test_the_verdict_is_that_of_trying_everything(claims: list[tuple[int, Claim]], instances: int) -> None:
    report = check(on("ml.g5.12xlarge", instances, *claims))

    fits_hard, fits_careful = packs(claims, instances, G5_HARD), packs(claims, instances, G5_CAREFUL)
    near = not packs(claims, instances, G5_NINE_TENTHS)
    claimed = ["over-claimed"] if fits_hard and not fits_careful else []
    assert [problem.rule for problem in report.problems] == (
        (claimed if near else []) if fits_hard else ["over-committed"]
    )
    assert [warning.rule for warning in report.warnings] == ([] if near else claimed)
    placement = report.endpoints[0].placement
    assert (placement is not None) == fits_careful
    if placement is not None:
        for name, (copies, _) in zip("ABC", claims, strict=False):
            assert sum(row.get(name, 0) for row in placement) == copies
        for row in placement:
            here = [(row[name], need) for name, (_, need) in zip("ABC", claims, strict=False) if name in row]
            assert packs(here, 1, G5_CAREFUL)


def fix_of(template: Template) -> list[str]:
    return only_problem(template).fix.split(", or ")


def test_the_article_fits_and_is_reported_with_its_placement() -> None:
    (endpoint,) = check(good(), region="us-east-1").endpoints

    assert endpoint.to_document() == {
        "logical_id": "Endpoint",
        "variant": "AllTraffic",
        "instance_type": "ml.p4d.24xlarge",
        "instance_pools": [],
        "instances": 1,
        "components": [
            {
                "logical_id": "Llama",
                "copies": 8,
                "max_copies": 8,
                "accelerators": 1,
                "cpus": 9.0,
                "memory_mib": 65536,
            }
        ],
        "accelerators_used": 8,
        "accelerators_available": 8,
        "placement": [{"Llama": 8}],
        "regions": None,
        "roles_elsewhere": [],
    }


def test_more_accelerators_than_there_are() -> None:
    problem = only_problem(on("ml.p4d.24xlarge", 1, (16, (1, 4, 1024))))

    assert (problem.rule, problem.logical_id) == ("over-committed", "Endpoint")
    assert problem.what == "16 copies reserve 16 accelerators, but ml.p4d.24xlarge can give 8 accelerators"
    assert problem.fix == "set CopyCount=8 of A, or InitialInstanceCount=2"


def test_more_cpus_than_there_are() -> None:
    problem = only_problem(on("ml.p4d.24xlarge", 1, (8, (1, 13, 1024))))

    assert problem.what == "8 copies reserve 104 CPUs, but ml.p4d.24xlarge can give 96 CPUs"
    assert problem.fix.endswith("NumberOfCpuCoresRequired=9 and MinMemoryRequiredInMb=1024 (A)")


def test_more_memory_than_there_is() -> None:
    problem = only_problem(on("ml.p4d.24xlarge", 1, (8, (1, 4, 150000))))

    assert problem.what == "8 copies reserve 1200000 MiB, but ml.p4d.24xlarge can give 1179648 MiB"


def test_copies_that_fit_by_their_sum_alone() -> None:
    template = on("ml.p4d.24xlarge", 2, (3, (5, 4, 1024)))

    problem = only_problem(template)

    assert "3 copies fit 2 x ml.p4d.24xlarge by their total reservations, but cannot be placed" in problem.what
    assert fix_of(template) == ["set CopyCount=2 of A", "InitialInstanceCount=3"]


def test_a_copy_larger_than_an_instance() -> None:
    problem = only_problem(on("ml.g5.12xlarge", 4, (1, (8, 4, 1024))))

    assert problem.what == "a copy of A reserves 8 accelerators, but one ml.g5.12xlarge can give 4 accelerators"
    assert problem.fix == "reserve less per copy, or use a larger instance type"


def test_several_components_are_packed_together() -> None:
    template = on("ml.p4d.24xlarge", 1, (5, (1, 4, 1024)), (1, (4, 4, 1024)))

    assert fix_of(template) == ["set CopyCount=4 of A", "InitialInstanceCount=2"]


@pytest.mark.parametrize("chosen", [0, 1, 2], ids=["copies", "instances", "claims"])
def test_every_fix_that_is_named_fits(chosen: int) -> None:
    template = on("ml.p4d.24xlarge", 1, (8, (1, 12.5, 1024)))
    fix = fix_of(template)[chosen]

    for key, number in re.findall(r"(\w+)=([\d.]+)", fix):
        for properties in (
            claims_of(template, "A"),
            properties_of(template, "A")["RuntimeConfig"],
            variant_of(template),
        ):
            if key in properties:
                properties[key] = number

    report = check(template)
    assert (report.problems, report.warnings) == ((), ())
    assert report.endpoints[0].placement is not None


def test_more_than_was_seen_accepted_is_a_warning() -> None:
    warning = only_warning(on("ml.p4d.24xlarge", 1, (8, (1, 10.5, 102400))))

    assert (warning.rule, warning.logical_id) == ("over-claimed", "Endpoint")
    assert warning.what == "8 copies reserve 84 CPUs, but ml.p4d.24xlarge can give 80 CPUs"
    assert "the article of 11 January 2024" in warning.why


@pytest.mark.parametrize(
    "claim", [(1, 12, 1024), (1, 11, 1024), (1, 1, 147456)], ids=["all CPUs", "92 %", "all memory"]
)
def test_a_claim_of_nearly_all_that_a_host_has_is_a_problem(claim: Claim) -> None:
    assert only_problem(on("ml.p4d.24xlarge", 1, (8, claim))).rule == "over-claimed"


def test_more_than_was_seen_refused_is_a_problem() -> None:
    problem = only_problem(on("ml.g5.xlarge", 1, (1, (1, 1, 4096))))

    assert problem.rule == "over-committed"
    assert "AWS has refused a reservation of 4096 MiB" in problem.why
    assert problem.fix == "set NumberOfCpuCoresRequired=1 and MinMemoryRequiredInMb=1024 (A)"


def test_between_accepted_and_refused_is_a_warning() -> None:
    assert only_warning(on("ml.g5.xlarge", 1, (1, (1, 1, 2048)))).rule == "over-claimed"


def test_instances_are_added_up_to_the_most() -> None:
    template = on("ml.p4d.24xlarge", 1, (16, (1, 4, 1024)))
    variant_of(template)["ManagedInstanceScaling"] = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}

    (endpoint,) = check(template).endpoints

    assert (endpoint.instances, endpoint.accelerators_available) == (2, 16)
    assert endpoint.placement == ({"A": 8}, {"A": 8})


def test_the_fix_for_an_endpoint_that_scales_is_its_most() -> None:
    template = on("ml.p4d.24xlarge", 1, (17, (1, 4, 1024)))
    variant_of(template)["ManagedInstanceScaling"] = {"Status": "ENABLED", "MaxInstanceCount": 2}

    assert fix_of(template) == ["set CopyCount=16 of A", "MaxInstanceCount=3"]


def test_no_instances_are_added_where_scaling_is_off() -> None:
    template = on("ml.p4d.24xlarge", 1, (16, (1, 4, 1024)))
    variant_of(template)["ManagedInstanceScaling"] = {"Status": "DISABLED", "MaxInstanceCount": 2}

    assert only_problem(template).rule == "over-committed"


def test_numbers_may_be_texts() -> None:
    template = good()
    claims_of(template)["NumberOfAcceleratorDevicesRequired"] = "1"
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = "9"

    assert "9 copies" in only_problem(template).what


def test_each_variant_has_its_own_instances() -> None:
    template = on("ml.p4d.24xlarge", 1, (8, (1, 4, 1024)), (4, (1, 4, 1024)))
    other = {"VariantName": "Other", "InstanceType": "ml.g5.12xlarge", "InitialInstanceCount": 1}
    properties_of(template, "Config")["ProductionVariants"].append(other)
    properties_of(template, "B")["VariantName"] = "Other"

    report = check(template)

    assert not report.problems
    assert [endpoint.placement for endpoint in report.endpoints] == [({"A": 8},), ({"B": 4},)]


def test_a_placement_that_is_not_found_by_taking_the_largest_first() -> None:
    template = on("ml.g5.12xlarge", 2, (2, (2, 6, 1024)), (4, (1, 15, 1024)))

    assert check(template).endpoints[0].placement == ({"A": 1, "B": 2}, {"A": 1, "B": 2})


# What is not known


def unknown_parameter(template: Template) -> Any:
    template["Parameters"] = {"Given": {"Type": "Number"}}
    return {"Ref": "Given"}


def test_an_instance_type_that_is_not_in_the_table_is_not_judged() -> None:
    report = check(on("ml.g99.xlarge", 1, (64, (1, 4, 1024))))

    assert report.problems == ()
    assert [warning.rule for warning in report.warnings] == ["property-refused"]
    (point,) = report.unresolved
    assert (point.logical_id, point.what) == ("Config", "not judged: instance type ml.g99.xlarge is not in the table")


def test_copies_that_are_not_known_are_not_judged() -> None:
    template = good()
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = unknown_parameter(template)

    report = check(template)

    assert (report.problems, report.endpoints[0].placement) == ((), None)
    (point,) = report.unresolved
    assert (point.logical_id, point.parameters) == ("Llama", ("Given",))
    assert point.what.startswith("CopyCount is not known (parameter Given has no default)")
    assert check(template, parameters={"Given": "9"}).problems[0].rule == "over-committed"
    assert check(template, parameters={"Given": "8"}).endpoints[0].placement == ({"Llama": 8},)


def test_the_rest_is_judged_beside_a_component_that_is_not_known() -> None:
    template = on("ml.p4d.24xlarge", 1, (9, (1, 4, 1024)), (1, (1, 4, 1024)))
    properties_of(template, "B")["RuntimeConfig"]["CopyCount"] = unknown_parameter(template)

    assert [problem.rule for problem in check(template).problems] == ["over-committed"]


def test_a_copy_too_large_is_found_without_the_number_of_instances() -> None:
    template = on("ml.g5.12xlarge", 1, (1, (8, 4, 1024)))
    variant_of(template)["InitialInstanceCount"] = unknown_parameter(template)

    report = check(template)

    assert "a copy of A reserves 8 accelerators" in report.problems[0].what
    assert report.unresolved[0].parameters == ("Given",)


def test_a_copy_too_large_is_found_without_the_number_of_copies() -> None:
    template = on("ml.g5.12xlarge", 1, (1, (8, 4, 1024)))
    properties_of(template, "A")["RuntimeConfig"]["CopyCount"] = unknown_parameter(template)

    assert "a copy of A reserves 8 accelerators" in check(template).problems[0].what


@pytest.mark.parametrize("huge", [10**6, 10**18, "9" * 18])
def test_huge_numbers_of_copies_are_judged_and_not_listed(huge: object) -> None:
    template = on("ml.p4d.24xlarge", 1, (1, (1, 0.25, 128)), (1, (3, 0.25, 128)))
    for name in "AB":
        properties_of(template, name)["RuntimeConfig"]["CopyCount"] = huge
    variant_of(template)["InitialInstanceCount"] = huge

    report = check(template)

    assert not report.problems
    assert not report.unresolved
    assert report.endpoints[0].placement is None


@pytest.mark.usefixtures("no_search")
def test_a_template_of_many_components_is_judged_without_a_search() -> None:
    """Time is measured by `make benchmark`; here is what it depends on."""
    report = check(on("ml.p4d.24xlarge", 3, *[(2, (1, 4, 1024))] * 10))

    assert report.endpoints[0].placement == (
        {"A": 2, "B": 2, "C": 2, "D": 2},
        {"E": 2, "F": 2, "G": 2, "H": 2},
        {"I": 2, "J": 2},
    )
    assert not report.unresolved


def test_copies_that_wait_for_instances_are_a_warning() -> None:
    """A plan refuses them: it proves that the copies fit the instances at the start."""
    template = on("ml.p4d.24xlarge", 1, (16, (1, 4, 1024)))
    variant_of(template)["ManagedInstanceScaling"] = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}

    warning = only_warning(template)

    assert (warning.rule, warning.logical_id) == ("start-over-committed", "Endpoint")
    assert warning.what == "at the start 16 copies reserve 16 accelerators, but ml.p4d.24xlarge can give 8 accelerators"
    assert warning.fix == "set CopyCount=8 of A, or InitialInstanceCount=2"
