"""Checks template files and folders. Templates of a cloud assembly are checked for the region of their stack."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from replicas.catalogue.regions import known_regions
from replicas.errors import ProofError, UsageError
from replicas.rules.checking import check
from replicas.rules.report import Report
from replicas.template.assembly import MANIFEST, StackTemplate, nested_templates, stack_templates
from replicas.template.evaluation import Resolver, section
from replicas.template.lines import lines_of
from replicas.template.load import parse, read
from replicas.template.terraform.templates import TerraformTemplate

_TEMPLATES = ("*.template.json", "*.template.yaml", "*.template.yml")


@dataclass(frozen=True)
class CheckedFile:
    """A template file with its report."""

    path: Path
    region: str | None
    """Region for which the template was checked; None if it was checked for all regions."""
    report: Report
    text: str

    @cached_property
    def lines(self) -> Mapping[str, int]:
        """Line of each resource, parameter and output in the file, by name."""
        return lines_of(self.text)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.rules.document.FileDocument`)."""
        return {"file": str(self.path), "region": self.region, **self.report.to_document()}


@dataclass(frozen=True)
class _Read:
    """A template file that was read."""

    path: Path
    region: str | None
    text: str
    template: Mapping[str, Any]
    parameters: Mapping[str, Any]
    """Parameter values that the parent stack passes to a nested stack."""
    nested: tuple[str, ...] = ()
    """Logical ids of nested stacks whose templates are checked too."""


def check_files(
    paths: Sequence[Path],
    *,
    region: str | None = None,
    parameters: Mapping[str, str] | None = None,
    models: Mapping[str, str] | None = None,
    practice: bool = False,
) -> list[CheckedFile]:
    """Check template files and folders.

    In a folder with a `manifest.json` (output of `cdk synth`), the templates of all stacks, stages and nested stacks
    are checked, each for the region of its stack. In any other folder, all files `*.template.json` and
    `*.template.yaml` in it and its subfolders are checked. A `region` replaces the regions of all stacks. Each template
    uses the `parameters` that it declares and the `models` (see `check`) of its own resources.

    Raises `ProofError` with all faults of the files, and `UsageError` if the region is unknown, or if no template
    contains a given parameter or the resource of a given model.
    """
    if region is not None and region not in known_regions():
        raise UsageError(f"unknown region {region!r}: use one of {', '.join(known_regions())}")
    templates = _read_all(paths, region)
    given, named = parameters or {}, models or {}
    _require_declared(templates, given)
    return [_checked(template, given, own, practice=practice) for template, own in _models_of(templates, named)]


def _checked(read_file: _Read, given: Mapping[str, str], models: Mapping[str, str], *, practice: bool) -> CheckedFile:
    declared = section(read_file.template, "Parameters")
    values = {name: value for name, value in {**read_file.parameters, **given}.items() if name in declared}
    region = read_file.region if read_file.region in known_regions() else None
    try:
        report = check(read_file.template, region=region, parameters=values, models=models, practice=practice)
    except ProofError as fault:
        raise ProofError(f"{read_file.path}: {fault}") from fault
    unjudged = tuple(point for point in report.unjudged if point.logical_id not in read_file.nested)
    unresolved = tuple(point for point in report.unresolved if point.logical_id not in read_file.nested)
    return CheckedFile(
        read_file.path, region, replace(report, unjudged=unjudged, unresolved=unresolved), read_file.text
    )


def _read_all(paths: Sequence[Path], region: str | None) -> list[_Read]:
    """Read all templates. Raises `ProofError` with all faults together."""
    templates_by_path: dict[Path, _Read] = {}
    faults: list[str] = []
    for path in paths:
        try:
            stacks = list(_templates_in(path)) if path.is_dir() else [StackTemplate(path, None)]
        except ProofError as fault:
            faults.append(str(fault))
            continue
        pending = [(stack.path, region or stack.region, dict[str, Any]()) for stack in stacks]
        while pending:  # read the nested stacks of a parent before all other files
            file, own_region, parameters = pending.pop(0)
            if file in templates_by_path:
                continue
            try:
                text = read(file)
                template = parse(text, str(file), needs_resources=not path.is_dir())
            except ProofError as fault:
                faults.append(str(fault))
                continue
            if isinstance(template, TerraformTemplate):
                own_region = own_region or template.region
            resolver = Resolver(template, region=own_region, parameters=parameters)
            nested = dict(nested_templates(file, template)) if path.is_dir() else {}
            templates_by_path[file] = _Read(file, own_region, text, template, parameters, tuple(nested))
            for logical_id, inner in nested.items():
                passed = resolver.resolve(template["Resources"][logical_id].get("Properties", {}).get("Parameters"))
                values = passed.items() if isinstance(passed, Mapping) else ()
                known = {name: value for name, value in values if isinstance(value, str)}
                pending.insert(0, (inner, own_region, known))
    if faults:
        raise ProofError("\n".join(faults))
    return list(templates_by_path.values())


def _templates_in(folder: Path) -> Iterator[StackTemplate]:
    """Yield the templates of a folder. Raises `ProofError` if it has none."""
    if (folder / MANIFEST).is_file():
        templates = list(stack_templates(folder))
    else:
        files = sorted({file for pattern in _TEMPLATES for file in folder.rglob(pattern)})
        templates = [StackTemplate(file, None) for file in files]
    if not templates:
        what = f"{MANIFEST} names no stack" if (folder / MANIFEST).is_file() else f"no file {', '.join(_TEMPLATES)}"
        raise ProofError(f"{folder} contains no template: {what}")
    yield from templates


def _require_declared(templates: Sequence[_Read], given: Mapping[str, str]) -> None:
    declared = {str(name): None for template in templates for name in section(template.template, "Parameters")}
    unknown = [name for name in given if name not in declared]
    if unknown:
        subject = "the template declares" if len(templates) == 1 else "no template declares"
        no = "no parameter" if len(templates) == 1 else "the parameter"
        raise UsageError(f"{subject} {no} {', '.join(unknown)}; declared: {', '.join(declared) or 'none'}")


def _models_of(templates: Sequence[_Read], models: Mapping[str, str]) -> Iterator[tuple[_Read, Mapping[str, str]]]:
    """Yield each template with the models for its resources.

    The first template also gets the models for unknown logical ids, so that its check reports them.
    """
    known = [_names_of(template.template) for template in templates]
    nowhere = {name: model for name, model in models.items() if not any(name in resources for resources in known)}
    for template, resources in zip(templates, known, strict=True):
        yield template, {**nowhere, **{name: model for name, model in models.items() if name in resources}}
        nowhere = {}


def _names_of(template: Mapping[str, Any]) -> Container[str]:
    """Return the names of a template's resources: logical ids, or Terraform addresses."""
    if isinstance(template, TerraformTemplate):
        return frozenset(template.addresses.values())
    return section(template, "Resources")
