"""Every input of this folder is named by a test that says what the right answer to it is.

Cases that are programs, not files, are written as tests elsewhere: `PROGRAMS` names them.
"""

from __future__ import annotations

import ast
from fnmatch import fnmatch
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INPUTS = sorted(path for kind in ("apps", "configs", "hostile", "templates") for path in (HERE / kind).iterdir())


def strings_of(module: Path) -> set[str]:
    """Every string that is written in a module, as a whole and as the name of a file at the end of a path."""
    literals = {
        node.value
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return literals | {literal.rpartition("/")[2] for literal in literals}


WRITTEN = set().union(*(strings_of(module) for module in HERE.glob("test_*.py") if module != Path(__file__)))
PATTERNS = {literal for literal in WRITTEN if "*" in literal and not literal.startswith("*")}
"""Inputs of one kind with one answer."""


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: str(path.relative_to(HERE)))
def test_an_input_is_named_by_a_test(path: Path) -> None:
    named = {path.name, path.stem} & WRITTEN or any(fnmatch(path.name, pattern) for pattern in PATTERNS)

    assert named, "no test of tests/cases names it: what is the right answer to it?"


PROGRAMS = {
    "tokens of another team's app in a Deployment": (
        "planning/test_provided.py::test_a_token_in_a_deployment_is_refused_with_the_prop_that_takes_it",
        "planning/test_provided.py::test_references_take_the_place_of_what_the_plan_leaves_open",
        "constructs/test_props.py::test_containers_join_the_private_subnets_with_a_group_that_is_made_here",
        "constructs/test_props.py::test_a_permissions_boundary_of_the_app_bounds_the_role",
    ),
    "tokens put into a plan, grants, metrics and removal policies of one endpoint": (
        "constructs/test_props.py::test_what_the_props_make_passes_the_rules",
        "constructs/test_endpoint_interface.py::test_grants_become_one",
        "constructs/test_endpoint_interface.py::test_a_removal_policy_of_a_component_is_that_of_the_component_alone",
        "constructs/test_metrics.py::test_every_option_reaches_the_metric",
        "constructs/test_imports.py::test_what_is_imported_has_no_removal_policy",
    ),
    "adapters added after the plan": (
        "cases/test_rights.py::test_adapters_that_are_added_to_a_component_can_be_read",
        "constructs/test_adapters.py::test_one_that_the_engine_was_not_prepared_for_is_refused",
        "constructs/test_endpoint_interface.py::test_every_construct_has_its_resource_as_default_child",
    ),
    "nested stacks and fixed names over tokens": (
        "constructs/test_identity.py::test_no_id_or_name_depends_on_what_stands_beside_the_endpoint",
        "constructs/test_identity.py::test_names_in_two_nested_stacks_differ",
    ),
    "stages, accounts and regions": (
        "constructs/test_apps.py::test_one_plan_is_deployed_by_stages_to_several_accounts_and_regions",
        "constructs/test_apps.py::test_a_plan_is_held_against_the_region_of_the_stack",
    ),
    "callers of another account, and a name by parameter": (
        "constructs/test_apps.py::test_a_caller_in_another_account_is_granted_each_arn",
        "constructs/test_identity.py::test_a_name_by_parameter_has_one_logical_id",
    ),
    "an image of one's own, by tag and by digest": (
        "constructs/test_props.py::test_an_image_by_its_uri_is_pulled_from_its_account",
        "constructs/test_props.py::test_the_image_of_the_publisher_can_be_pinned_by_its_digest",
    ),
    "a component without a plan": (
        "constructs/test_apps.py::test_a_component_of_ones_own_image_needs_no_plan_and_is_said_not_to_be_judged",
    ),
    "roles without rights, and imports from another region": (
        "cases/test_rights.py::test_a_role_that_may_only_read_the_weights",
        "cases/test_rights.py::test_a_role_without_any_right_that_another_service_assumes",
        "constructs/test_imports.py::test_an_import_has_the_account_and_region_of_its_arn",
        "constructs/test_imports.py::test_a_metric_of_elsewhere_names_its_account_and_region",
    ),
    "bounds, cooldowns, schedules and alarms of scaling": (
        "constructs/test_copy_scaling.py::test_a_fault_is_one_sentence_with_the_path",
        "constructs/test_copy_scaling.py::test_the_bounds_change_on_a_schedule",
        "constructs/test_component_alarms.py::test_alarms_become_a_composite_alarm",
        "constructs/test_execution_role.py::test_a_grant_on_an_import_without_its_endpoint_warns",
    ),
    "a roll of one of forty copies": (
        "cases/test_plans.py::test_a_batch_is_judged_at_the_fewest_and_at_the_most_copies",
    ),
    "five unequal components on twelve and sixteen instances": (
        "cases/test_plans.py::test_five_unequal_components_on_many_instances_are_answered",
    ),
    "a name that no stack can have": (
        "deployment/test_names.py::test_a_name_that_no_stack_has_is_refused_with_one_that_works",
    ),
    "200,000 copies": ("cases/test_plans.py::test_a_ceiling_that_no_endpoint_has_is_refused_by_its_bound",),
    "ceilings that do not fit together, with and without scaling to zero": (
        "cases/test_plans.py::test_ceilings_that_a_plan_chooses_leave_room_for_the_floors_of_the_others",
    ),
    "a roll beside a ceiling": ("cases/test_plans.py::test_ceilings_leave_room_for_the_batch_of_a_roll",),
    "a plugin that is silent about what it does not judge": (
        "constructs/test_template_proof.py::test_what_is_not_judged_is_a_warning_and_the_synth_succeeds",
    ),
    "Ctrl-C on a server in the foreground": ("cases/test_operations.py::test_ctrl_c_at_any_moment_leaves_no_server",),
    "two servers over one state file": (
        "cases/test_operations.py::test_a_state_file_is_held_by_one_embedded_aws_whatever_its_spelling",
    ),
}
"""Tests of the cases that are programs, by what each program tries."""


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_has_its_tests(program: str) -> None:
    for test in PROGRAMS[program]:
        path, _, name = test.partition("::")
        module = ast.parse((HERE.parent / path).read_text())
        assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}, test
