"""Drawing of an endpoint: its instances, the copies on their accelerators, and the memory of each accelerator.

A drawing is made from the JSON of a plan, so that the plan of another Git revision can be drawn too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from replicas.catalogue.instances import instance_types
from replicas.pages.charts import number

Json = Mapping[str, Any]

MOST_DRAWN = 4
"""Maximum number of groups of identical instances that are drawn. The other instances are only counted."""
_HEIGHT = 100.0
"""Height of the bar of an accelerator, in units of the drawing."""
_NEEDED = ("card_gib", "cache_gib", "weights_gib_per_accelerator")
_PARTS = (
    ("weights", "weights", ("weights_gib_per_accelerator",)),
    ("cache", "KV cache", ("cache_gib",)),
    ("activations", "activations", ("activations_gib",)),
    ("graphs", "CUDA graphs", ("graphs_gib",)),
    ("adapters", "adapters", ("adapters_gib",)),
    ("engine", "context and buffers", ("context_gib", "collectives_gib", "outside_gib")),
)
"""Parts of an accelerator's memory: CSS class, name, and the keys of a component in the plan's JSON."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the memory of an accelerator."""

    kind: str
    name: str
    gib: float
    share: float
    """Share of the accelerator's memory, 0 to 1."""
    top: float
    """Position of the upper edge in the bar, in units of the drawing."""
    height: float


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """One accelerator of an instance, with the text that describes its memory."""

    index: int
    parts: tuple[Part, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy of a component on its accelerators."""

    component: str
    number: int
    accelerators: tuple[Accelerator, ...]


@dataclass(frozen=True, kw_only=True)
class DrawnInstance:
    """One or more instances with the same copies."""

    alike: int
    copies: tuple[Copy, ...]
    free: tuple[Accelerator, ...]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Drawing of the instances that an endpoint starts with."""

    title: str
    instances: tuple[DrawnInstance, ...]
    left_out: int
    """Number of instances that are not drawn."""
    components: tuple[tuple[str, tuple[Part, ...]], ...]
    """Memory of one accelerator of each component, by the component's name."""

    @property
    def kinds(self) -> list[Part]:
        """The kinds of memory in the drawing, each with one part as its example, in the order of the legend."""
        every = {part.kind: part for _, parts in self.components for part in parts}
        return [every[kind] for kind in (*(kind for kind, _, _ in _PARTS), "reserve") if kind in every]

    @property
    def columns(self) -> list[str]:
        """Titles of the table with the memory of an accelerator."""
        return ["GiB of an accelerator", *(name for name, _ in self.components)]

    def cells(self, kind: str) -> list[str]:
        """Size of one part of the memory in GiB, and its share of the total, for each component."""
        memories = [{part.kind: part for part in parts}.get(kind) for _, parts in self.components]
        return [f"{part.gib:.2f} ({part.share:.0%})" if part else "-" for part in memories]

    @property
    def totals(self) -> list[str]:
        """Memory of one accelerator of each component, GiB, as text."""
        return [f"{sum(part.gib for part in parts):.2f}" for _, parts in self.components]


def drawing_of(plan: Json) -> Drawing | None:
    """Return the drawing of a plan's JSON; None for the JSON of an old version that lacks the accelerator memory."""
    components = plan["components"]
    if not all(key in component for component in components for key in _NEEDED):
        return None
    instance = instance_types().get(plan["instance_type"])
    total = plan["accelerators_available"] // plan["instances"]
    memory = tuple((str(component["name"]), memory_parts(component)) for component in components)
    groups = [
        (counts, len(list(same))) for counts, same in groupby(sorted(map(tuple, plan["placement"]), reverse=True))
    ]
    drawn = tuple(_instance(counts, alike, components, memory, total) for counts, alike in groups[:MOST_DRAWN])
    card = f" with {number(components[0]['card_gib'])} GiB each" if components else ""
    kind = f"{total} x {instance.accelerator}{card}" if instance else f"{total} accelerators{card}"
    return Drawing(
        title=f"{plan['instances']} x {plan['instance_type']}: {kind}",
        instances=drawn,
        left_out=sum(alike for _, alike in groups[MOST_DRAWN:]),
        components=memory,
    )


def memory_parts(component: Json) -> tuple[Part, ...]:
    """Return the parts of the memory of one accelerator of a component, from the bottom of the bar to its top."""
    card = float(component["card_gib"])
    sizes = [(kind, name, sum(float(component.get(key, 0)) for key in keys)) for kind, name, keys in _PARTS]
    sizes.append(("reserve", "not used", max(0.0, card - sum(gib for _, _, gib in sizes))))
    return tuple(_stacked([size for size in sizes if size[2] > 0], card))


def _stacked(sizes: Sequence[tuple[str, str, float]], card: float) -> Iterator[Part]:
    bottom = _HEIGHT
    for kind, name, gib in sizes:
        height = _HEIGHT * gib / card
        bottom -= height
        yield Part(
            kind=kind, name=name, gib=gib, share=gib / card, top=round(max(0.0, bottom), 2), height=round(height, 2)
        )


def _instance(
    counts: Sequence[int],
    alike: int,
    components: Sequence[Json],
    memory: Sequence[tuple[str, tuple[Part, ...]]],
    total: int,
) -> DrawnInstance:
    copies, index = [], 0
    for count, component, (name, parts) in zip(counts, components, memory, strict=True):
        for copy in range(1, count + 1):
            degree = int(component["accelerators"])
            cards = tuple(_accelerator(index + offset, f"{name}, copy {copy}", parts) for offset in range(degree))
            copies.append(Copy(component=name, number=copy, accelerators=cards))
            index += degree
    free = tuple(
        Accelerator(index=number, parts=(), text=f"Accelerator {number}: no copy") for number in range(index, total)
    )
    return DrawnInstance(alike=alike, copies=tuple(copies), free=free)


def _accelerator(index: int, owner: str, parts: tuple[Part, ...]) -> Accelerator:
    lines = [f"{part.name}: {part.gib:.2f} GiB, {part.share:.0%}" for part in reversed(parts)]
    return Accelerator(index=index, parts=parts, text="\n".join([f"Accelerator {index}: {owner}", *lines]))
