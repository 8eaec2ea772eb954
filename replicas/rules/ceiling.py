"""The ceiling of copies: does all that autoscaling may ask for fit the most instances that there can be?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from replicas.catalogue.instances import Instance, instance_types
from replicas.rules import hosts
from replicas.rules.demands import Demand, demands_of, instance_of, most_instances, pool_types_of
from replicas.rules.report import Finding, Unresolved
from replicas.rules.scaling import Target
from replicas.rules.shortage import Question
from replicas.sizing import claims
from replicas.template.endpoints import Variant

_WHY = "Application Auto Scaling asks for them all the same: {outcome}"
_NEVER = "the last ones never start, and requests queue on the others"
_SHARED = "each component reaches its ceiling only while the others are below theirs"


def judge_ceiling(variant: Variant, targets: Mapping[str, Target]) -> Iterator[Finding | Unresolved]:
    """Over-committed at the ceiling: a problem where one component alone cannot reach its own, else a warning.

    That several components share room, so that they reach their ceilings in turn, may be meant.
    """
    here = {part.logical_id: targets[part.logical_id] for part in variant.components if part.logical_id in targets}
    for target in here.values():
        if target.most is None:
            given = "MaxCapacity (or that of a scheduled action)"
            yield Unresolved(
                target.resource.logical_id,
                f"{given} is not known: whether the ceiling of copies fits the instances is not judged",
            )
    names = pool_types_of(variant)
    types = [instance_types().get(name) for name in names] if names else [instance_of(variant)]
    for instance in types:
        if instance is not None and any(target.most for target in here.values()):
            yield from _judge(variant, here, instance, certain=not names)


def _judge(
    variant: Variant, targets: Mapping[str, Target], instance: Instance, *, certain: bool
) -> Iterator[Finding | Unresolved]:
    demands = demands_of(variant, instance.name)

    def question(raised: Collection[str]) -> Question:
        names = {**dict.fromkeys(targets, "MinCapacity"), **dict.fromkeys(raised, "MaxCapacity")}
        wanted = tuple(_at(demands, targets, raised))
        return Question(variant, wanted, instance, most_instances(variant), names)

    start = Question(variant, demands, instance, most_instances(variant))
    if start.packing(hosts.hard(instance)).fits is False:
        return  # over-committed already; the ceiling would say it twice
    together = question(targets)
    hard, careful = together.packing(hosts.hard(instance)), together.packing(claims.host(instance))
    if hard.fits is False:
        lonely = {name: question([name]) for name in targets}
        answers = {name: alone.packing(hosts.hard(instance)) for name, alone in lonely.items()}
        for name, answer in answers.items():
            if answer.fits is None:
                what = f"whether the ceiling of {name} fits is not judged: {answer.why}"
                yield Unresolved(variant.endpoint.logical_id, what)
        never = [name for name, answer in answers.items() if answer.fits is False]
        for name in never:
            yield _finding(lonely[name], [name], _NEVER, certain=certain)
        if not never:
            yield _finding(together, targets, _SHARED, certain=False)
    elif careful.fits is None:
        what = f"whether all copies fit at the ceiling is not judged: {careful.why}"
        yield Unresolved(variant.endpoint.logical_id, what)
    elif careful.fits is False and start.packing(claims.host(instance)).fits is not False:
        yield together.finding(
            "ceiling-over-claimed", claims.host(instance), hosts.why_careful(instance), certain=False
        )


def _at(demands: Sequence[Demand], targets: Mapping[str, Target], raised: Collection[str]) -> list[Demand]:
    """The raised components at their ceilings, the other scaled ones at their floors."""

    def copies(demand: Demand) -> int | None:
        target = targets.get(demand.component.logical_id)
        if target is None:
            return demand.copies
        bound = target.most if demand.component.logical_id in raised else target.fewest
        return demand.copies if bound is None else bound

    return [replace(demand, copies=copies(demand)) for demand in demands]


def _finding(question: Question, raised: Collection[str], outcome: str, *, certain: bool) -> Finding:
    room, why = hosts.hard(question.instance), _WHY.format(outcome=outcome)
    found = question.finding("ceiling-over-committed", room, why, certain=certain)
    return replace(found, what=f"at MaxCapacity of {' and '.join(raised)} {found.what}")
