"""A Terraform plan or state as JSON: its resources, and what their expressions refer to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from replicas.errors import ProofError

Json = Mapping[str, Any]
Module = tuple[str, ...]
"""Names of the modules from the root to a module, without their indexes."""

READ_VERSIONS = ("0", "1")
"""Major versions of Terraform's JSON format that are read; 1.2 is the newest (Terraform 1.11)."""
_REFERENCE = re.compile(r"(?P<type>[a-z]\w*)\.(?P<name>[\w-]+)(?P<index>\[[^\]]*\])?(?:\.(?P<attribute>\w+))?.*")
_OUTPUT = re.compile(r"module\.(?P<module>[\w-]+)(?:\[[^\]]*\])?\.(?P<output>[\w-]+).*")
_STEP = re.compile(r'module\.[\w-]+(?:\["(?:[^"\\]|\\.)*"\]|\[\d+\])?')
_MODULE = re.compile(r"module\.([\w-]+)")
_INDEX = re.compile(r"\[[^\]]*\]")
_NO_RESOURCES = ("data", "local", "path", "terraform", "each", "count", "self", "var", "module")
_MOST_STEPS = 50
"""Maximum number of variables and outputs that a reference may pass through; a valid configuration has a few."""


@dataclass(frozen=True, kw_only=True)
class PlannedResource:
    """A resource that exists after the apply."""

    address: str
    type: str
    name: str
    index: str
    """The index from `count` or `for_each`, in brackets; empty without an index."""
    module_address: str
    """Address of the module's instance; empty for the root."""
    values: Json
    unknown: Any = None
    """Same shape as `values`: True for values that are known only after the apply."""
    sensitive: Any = None
    """Same shape as `values`: True for values that are marked as sensitive."""
    expressions: Json = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()

    @property
    def module(self) -> Module:
        """Module of the resource."""
        return tuple(_MODULE.findall(_INDEX.sub("", self.module_address)))

    @property
    def base(self) -> str:
        """Address within the module, without the index."""
        return f"{self.type}.{self.name}"


@dataclass(frozen=True)
class Mention:
    """A resource that an expression refers to. `attribute` is None if it refers to the whole resource."""

    module: Module
    base: str
    index: str
    attribute: str | None


class Plan:
    """The resources of a Terraform plan or a Terraform state."""

    def __init__(self, content: Json) -> None:
        """Read the JSON. Raises `ProofError` if its format version is not supported, or if the plan failed."""
        version = str(content.get("format_version", ""))
        if version.partition(".")[0] not in READ_VERSIONS:
            raise ProofError(
                f"Terraform's JSON format {version!r} is not supported, only {' and '.join(READ_VERSIONS)}: use a "
                f"newer version of this package, or `terraform show -json` of an older Terraform"
            )
        if content.get("errored"):
            raise ProofError("the Terraform plan ended with an error, so it is incomplete: create the plan again")
        self.is_whole = content.get("complete", True) is not False
        self._configuration: Json = _mapping(content.get("configuration"))
        self._variables: Json = _mapping(content.get("variables"))
        self._declared = dict(_declared(_mapping(self._configuration.get("root_module")), ()))
        self.resources = list(self._planned(content) if content.get("resource_changes") else _existing(content))
        self._instances: dict[tuple[Module, str], list[PlannedResource]] = {}
        self._below: dict[Module, list[PlannedResource]] = {}
        for resource in self.resources:
            self._instances.setdefault((resource.module, resource.base), []).append(resource)
            for depth in range(1, len(resource.module) + 1):
                self._below.setdefault(resource.module[:depth], []).append(resource)

    @property
    def regions(self) -> frozenset[str | None]:
        """Return the regions of the resources that are read, and None if the region of a resource is not known."""
        return frozenset(self._region_of(resource) for resource in self.resources if resource.type.startswith("aws"))

    def _region_of(self, resource: PlannedResource) -> str | None:
        own = resource.values.get("region")
        if isinstance(own, str):
            return own
        entry = self._declared.get((resource.module, resource.base), {})
        key = str(entry.get("provider_config_key", "")).rpartition(":")[2]
        provider = _mapping(_mapping(self._configuration.get("provider_config")).get(key))
        region = self._constant(_mapping(provider.get("expressions")).get("region"))
        return region if isinstance(region, str) else None

    def mentions(self, expression: Any, module: Module) -> list[Mention]:
        """Return the resources that an expression refers to, directly or through variables and outputs of modules."""
        return list(dict.fromkeys(self._mentions(expression, module, _MOST_STEPS)))

    def awaited(self, origin: PlannedResource) -> tuple[list[PlannedResource], bool]:
        """Return the resources that Terraform creates before a given one, directly or indirectly, and whether the list
        is complete.

        It may be incomplete if the resource uses a local value, `each` or a dynamic block.
        """
        dependencies: dict[str, PlannedResource] = {}
        is_all, pending = True, [origin]
        while pending:
            resource = pending.pop()
            references = [*_references(resource.expressions), *resource.depends_on]
            is_all = is_all and not any(name.startswith(("local.", "each.", "dynamic.")) for name in references)
            for other in self._named(resource, references):
                if other.address not in dependencies and other.address != origin.address:
                    dependencies[other.address] = other
                    pending.append(other)
        return list(dependencies.values()), is_all

    def _named(self, origin: PlannedResource, references: Sequence[str]) -> Iterator[PlannedResource]:
        for mention in self.mentions({"references": references}, origin.module):
            yield from self.instances(mention, origin)
        for name in references:
            inner = tuple(_MODULE.findall(_INDEX.sub("", name)))
            whole = (*(origin.module if self._configuration else ()), *inner)
            rest = _MODULE.sub("", _INDEX.sub("", name)).strip(".")
            for other in self._below.get(whole, ()) if inner else ():
                if not rest or (other.module == whole and other.base == rest):
                    yield other

    def instances(self, mention: Mention, origin: PlannedResource) -> list[PlannedResource]:
        """Return the instances to which a reference in the resource `origin` can refer; only one if it has an index."""
        candidates = self._instances.get((mention.module, mention.base), [])
        if len(mention.module) <= len(origin.module):
            steps = _STEP.findall(origin.module_address)[: len(mention.module)]
            candidates = [
                resource for resource in candidates if resource.module_address == ".".join(steps)
            ] or candidates
        index = mention.index or (origin.index if len(candidates) > 1 else "")
        return [resource for resource in candidates if resource.index == index] or candidates

    def _planned(self, content: Json) -> Iterator[PlannedResource]:
        for entry in content["resource_changes"]:
            change = _mapping(entry.get("change"))
            if entry.get("mode") != "managed" or (change.get("after") is None and not change.get("after_unknown")):
                continue  # a data source, or a resource that the apply deletes
            resource = _identified(entry, str(entry.get("module_address", "")), change.get("after"))
            own = self._declared.get((resource.module, resource.base), {})
            yield replace(
                resource,
                unknown=change.get("after_unknown"),
                sensitive=change.get("after_sensitive"),
                expressions=_mapping(own.get("expressions")),
                depends_on=tuple(map(str, own.get("depends_on", ()))),
            )

    def _module(self, module: Module) -> Json:
        module_configuration: Json = _mapping(self._configuration.get("root_module"))
        for name in module:
            module_configuration = _mapping(
                _mapping(_mapping(module_configuration.get("module_calls")).get(name)).get("module")
            )
        return module_configuration

    def _call(self, module: Module) -> Json:
        return _mapping(_mapping(self._module(module[:-1]).get("module_calls")).get(module[-1]))

    def _mentions(self, expression: Any, module: Module, steps: int) -> Iterator[Mention]:
        references = list(_references(expression)) if steps else []
        for reference in references:
            if any(
                other != reference and other.startswith(f"{reference}{mark}") for other in references for mark in ".["
            ):
                continue  # Terraform lists a reference and then its prefixes
            head, _, rest = reference.partition(".")
            if head == "var" and module:
                name = re.split(r"[.\[]", rest)[0]
                given = _mapping(self._call(module).get("expressions")).get(name)
                yield from self._mentions(given, module[:-1], steps - 1)
            elif head == "module":
                output = _OUTPUT.fullmatch(reference)
                if output:
                    inner = (*module, output["module"])
                    declared = _mapping(self._module(inner).get("outputs")).get(output["output"])
                    yield from self._mentions(_mapping(declared).get("expression"), inner, steps - 1)
            elif head not in _NO_RESOURCES:
                match = _REFERENCE.fullmatch(reference)
                if match:
                    yield Mention(module, f"{match['type']}.{match['name']}", match["index"] or "", match["attribute"])

    def _constant(self, expression: Any) -> Any:
        given = _mapping(expression)
        if "constant_value" in given:
            return given["constant_value"]
        references = given.get("references", ())
        names = [str(name).removeprefix("var.") for name in references if str(name).startswith("var.")]
        return _mapping(self._variables.get(names[0])).get("value") if len(references) == 1 and names else None


def is_plan(content: Any) -> bool:
    """True for the JSON of `terraform show -json`: of a plan, or of a state."""
    return isinstance(content, Mapping) and "format_version" in content and "Resources" not in content


def _declared(module: Json, path: Module) -> Iterator[tuple[tuple[Module, str], Json]]:
    """Yield the declared resources of a module and of its child modules, by module and address within it."""
    for entry in module.get("resources", ()):
        yield (path, str(entry.get("address"))), entry
    for name, call in _mapping(module.get("module_calls")).items():
        yield from _declared(_mapping(_mapping(call).get("module")), (*path, name))


def _existing(content: Json) -> Iterator[PlannedResource]:
    values = content.get("values") or _mapping(content.get("prior_state")).get("values")
    pending = [_mapping(_mapping(values).get("root_module"))]
    while pending:
        module = pending.pop()
        pending += [_mapping(child) for child in module.get("child_modules", ())]
        for entry in module.get("resources", ()):
            if entry.get("mode") == "managed":
                resource = _identified(entry, str(module.get("address", "")), entry.get("values"))
                yield replace(
                    resource,
                    sensitive=entry.get("sensitive_values"),
                    depends_on=tuple(map(str, entry.get("depends_on", ()))),
                )


def _identified(entry: Json, module_address: str, values: Any) -> PlannedResource:
    index = entry.get("index")
    return PlannedResource(
        address=str(entry.get("address")),
        type=str(entry.get("type")),
        name=str(entry.get("name")),
        index="" if index is None else f"[{json.dumps(index)}]",
        module_address=module_address,
        values=_mapping(values),
    )


def _references(expression: Any) -> Iterator[str]:
    if isinstance(expression, Mapping):
        for key, value in expression.items():
            if key == "references" and isinstance(value, list):
                yield from map(str, value)
            elif key != "constant_value":
                yield from _references(value)
    elif isinstance(expression, list):
        for item in expression:
            yield from _references(item)


def _mapping(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}
