"""Runs plans and forecasts of a revision with the revision's own code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.errors import ReviewError
from replicas.review.offline_cdk import offline_environment
from replicas.review.processes import Command, Finished, one_line, run
from replicas.review.revisions import Revision
from replicas.review.versions import version_of

Json = dict[str, Any]

# Runs the modules of the revision, which come first on PYTHONPATH, and not the installed command.
_REPLICAS = [sys.executable, "-c", "from replicas.cli import main; main()"]


@dataclass(frozen=True)
class Plans:
    """Output of `replicas plan --json` in a revision: documents by deployment name, in printed order."""

    documents: Mapping[str, Json]
    problem: str | None = None
    """Reason why the revision has no plans; None if it has plans."""


@dataclass(frozen=True)
class ForecastQuestion:
    """A forecast to run in a revision: one component of a deployment under a load."""

    deployment: str
    component: str
    traffic: Mapping[str, Any]
    """Traffic in the format of a plan's JSON."""

    @property
    def arguments(self) -> list[str]:
        """Arguments of the `replicas` command that runs the forecast."""
        users, rate = self.traffic.get("users"), self.traffic.get("requests_per_second")
        load = ["--users", str(users)] if users is not None else ["--rate", str(rate)]
        tokens = ["--input-tokens", str(self.traffic["input_tokens"])]
        tokens += ["--output-tokens", str(self.traffic["output_tokens"])]
        return ["forecast", self.deployment, "--component", self.component, *load, *tokens, "--json"]


@dataclass(frozen=True)
class ForecastAnswer:
    """Result of a forecast, or the reason why there is none."""

    point: Json | None
    confidence: str | None = None
    problem: str | None = None


def plans_of(revisions: Sequence[Revision], work: Path) -> list[Plans]:
    """Plan all deployments of each revision. The document of a refused deployment contains its problems."""
    finished = run([_command(revision, ["plan", "--json"], work) for revision in revisions])
    return [_plans(revision, done) for revision, done in zip(revisions, finished, strict=True)]


def forecasts_of(questions: Sequence[tuple[Revision, ForecastQuestion]], work: Path) -> list[ForecastAnswer]:
    """Run each forecast in its revision. Return the results in the order of the requests."""
    finished = run([_command(revision, question.arguments, work) for revision, question in questions])
    return [_answer(revision, done) for (revision, _), done in zip(questions, finished, strict=True)]


def _command(revision: Revision, arguments: Sequence[str], work: Path) -> Command:
    folder = revision.folder
    environment = offline_environment(work, [folder, folder / "constructs"]) | {"NO_COLOR": "1", "COLUMNS": "200"}
    return Command([*_REPLICAS, *arguments], folder, environment)


def _plans(revision: Revision, done: Finished) -> Plans:
    try:
        printed = json.loads(done.stdout)["deployments"]
        for document in printed:
            version_of(document)
        return Plans({str(document["name"]): document for document in printed})
    except ReviewError as error:
        return Plans({}, str(error))
    except (ValueError, KeyError, TypeError):
        return Plans({}, _message(revision, done))


def _answer(revision: Revision, done: Finished) -> ForecastAnswer:
    try:
        forecast = json.loads(done.stdout)
        (point,) = forecast["points"]
        return ForecastAnswer(point, str(forecast.get("summary") or forecast["confidence"]))
    except (ValueError, KeyError, TypeError):
        return ForecastAnswer(None, problem=_message(revision, done))


def _message(revision: Revision, done: Finished) -> str:
    """Return the error of a failed command in one line, with the label of the revision instead of its folder."""
    lines = [line for line in done.stderr.splitlines() if line.strip(" │╭╮╰╯─")]
    if any(line.startswith("Traceback (") for line in lines):
        lines = lines[-1:]
    return one_line("\n".join(lines)).replace(str(revision.folder), revision.label) or "it printed no message"
