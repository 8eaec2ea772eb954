"""Faults and how they are known."""

from __future__ import annotations

import pytest

from replicas.errors import TemplateTextError
from replicas.template.faults import Evidence, Fault
from replicas.template.load import fault_of, read_text


def test_a_quoted_message_names_who_quotes_it() -> None:
    fault = Fault("Template format error: Unresolved resource dependencies [A] in the Resources block of the template")

    assert (fault.evidence, fault.source) == (Evidence.QUOTED, "serverless/serverless, issue 4745")


def test_a_rule_of_the_guide_is_documented_and_any_other_assumed() -> None:
    documented = Fault("Template error: Fn::Base64 requires a string", Evidence.DOCUMENTED)

    assert (documented.evidence, documented.source) == (
        Evidence.DOCUMENTED,
        "AWS CloudFormation guide, template reference",
    )
    assert (Fault("anything").evidence, Fault("anything").source) == (Evidence.ASSUMED, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"Resources": {', "Template format error: JSON not well-formed. (line 1, column 16)"),
        ("A: [", "Template format error: YAML not well-formed. (line "),
        ("A: !!int x", "Template format error: YAML not well-formed."),
        ("[" * 200, "Template format error: YAML not well-formed."),
        ("# " + "x" * 1_000_000, "Template may not exceed 1000000 bytes in size."),
        ("A: &a [1]\nB: *a", "Template error: YAML aliases are not allowed in CloudFormation templates"),
        ('{"A": ' * 150 + "1" + "}" * 150, "Template format error: the template is nested deeper than 100 levels"),
    ],
)
def test_a_text_that_cannot_be_read_is_a_fault_in_cloudformations_words(text: str, message: str) -> None:
    with pytest.raises(TemplateTextError) as refusal:
        read_text(text, aliases=False)

    assert fault_of(refusal.value).message.startswith(message)
