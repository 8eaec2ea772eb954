"""Tables of docs/troubleshooting.md: AWS's messages with the rules that detect the faults earlier, and all findings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from embedded_aws.evidence import Kind
from embedded_aws.refusals import refusals
from replicas.rules import PRACTICE_RULES, RULES

_RULE = re.compile(r"rule `([\w-]+)`")
_QUOTE = re.compile(r"(?<!\w)'([^' ]+ [^']+)'(?!\w)")


def messages_of_aws() -> str:
    """Return a table of quoted messages of AWS, each with the rule that finds the fault in a template."""
    quoted = {(" ".join(message.split()), rule) for message, rule in _quoted()}
    whole = [
        (message, rule)
        for message, rule in sorted(quoted)
        if not any(longer != message and longer.startswith(message) for longer, of in quoted if of == rule)
    ]
    lines = [f"| {_code(message)} | `{rule}` | {RULES[rule].checks} |" for message, rule in whole]
    return "\n".join(["| AWS says | rule | the fault |", "| --- | --- | --- |", *lines])


def findings() -> str:
    """Return a table of all rules: meaning of the finding, and why it matters."""
    rules = {**RULES, **PRACTICE_RULES}
    lines = [f"| `{name}` | {rule.checks} | {_reason(rule.why)} |" for name, rule in sorted(rules.items())]
    return "\n".join(["| rule | meaning | why it matters |", "| --- | --- | --- |", *lines])


def _quoted() -> Iterator[tuple[str, str]]:
    for refusal in refusals():
        own = refusal.module.startswith("embedded_aws")  # the other refusals repeat the text of the rule
        if own and refusal.evidence.kind is Kind.QUOTED and (match := _RULE.search(refusal.reason)):
            yield refusal.message, match[1]
    for name, rule in RULES.items():
        for enforcement in rule.enforced:
            if enforcement.evidence == "quoted":
                yield from ((quote, name) for quote in _QUOTE.findall(enforcement.source))


def _reason(why: str) -> str:
    """Return why a broken rule matters.

    A reason with placeholders is different in each finding and is not shown in the table.
    """
    return "the message of the finding gives the reason" if "{" in why else why.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|').replace('`', chr(39))}`"
