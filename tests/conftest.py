"""For the whole suite: no test reaches an account, and jsii runs on the Node of the Python environment."""

from __future__ import annotations

import fcntl
import functools
import gc
import hashlib
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

from embedded_aws_tests.isolation import isolate
from replicas.endpoint.packing import budget
from replicas.forecast import forecasting, simulation
from replicas.recommend import speed

_OF_THE_EMBEDDED_AWS = {"running_aws", "deployed_aws"}
"""Fixtures that start it; the others that need it build on these."""
pytest_plugins = ["tests.embedded", "tests.commands", "tests.scheduling"]

ROOT = Path(__file__).parent.parent

os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
isolate()

# Half of the suite's time was the collector, which looked again and again through a heap of constructs, schemas and
# service models. A command, which lives for a second, never sees it.
gc.set_threshold(200_000, 20, 50)

settings.register_profile("soak", parent=settings.get_profile("here"), max_examples=1000)


def pytest_configure(config: pytest.Config) -> None:
    """Try ten times as many random examples in `make soak`."""
    if _is_soak(config):
        settings.load_profile("soak")


def _is_soak(config: pytest.Config) -> bool:
    return config.getoption("markexpr") == "soak"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the collector off what is imported while tests are collected: none of it ever becomes garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session")
def context() -> dict[str, Any]:
    """The feature flags of cdk.json: `cdk.App()` does not read them by itself."""
    content: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return content


@pytest.fixture(scope="session")
def assembly(context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `app.py` writes: every deployment is synthesised once for all tests of all workers."""

    def synthesise(folder: Path) -> None:
        import app

        app.main(context=context, outdir=str(folder))

    return made_once("cdk.out", synthesise, tmp_path_factory)


@pytest.fixture(scope="session")
def production_assembly(context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the template of the example that uses every option, for all tests of all workers."""

    def synthesise(folder: Path) -> None:
        import aws_cdk as cdk

        from replicas import plan
        from replicas.deployment.file import load_catalogue
        from stacks.multi_replica_stack import MultiReplicaStack

        (deployment,) = load_catalogue(ROOT / "docs" / "examples" / "production.py")
        app = cdk.App(context=context, outdir=str(folder))
        MultiReplicaStack(app, plan(deployment))
        app.synth()

    return made_once("production", synthesise, tmp_path_factory)


def made_once(name: str, make: Callable[[Path], None], factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the first worker makes, while the others wait."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, whole = shared / name, shared / f"{name}.whole"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        if not whole.exists():
            make(folder)
            whole.touch()
    return folder


@pytest.fixture(scope="session", autouse=True)
def simulations_computed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Simulations are pure, and recommendations ask for the same ones again and again: one of each a run is enough.

    Tests of the simulation itself call it directly, without this memory. Workers share it by files of this run.
    """
    simulate = simulation.simulate
    if "PYTEST_XDIST_WORKER" in os.environ:
        simulate = partial(_simulated_once, tmp_path_factory.getbasetemp().parent / "simulations")
    remembered = functools.lru_cache(maxsize=1024)(simulate)
    with pytest.MonkeyPatch.context() as patch:
        for user in (forecasting, speed):
            patch.setattr(user, "simulate", remembered)
        yield


def _simulated_once(folder: Path, *given: Any, **named: Any) -> simulation.Outcome:
    folder.mkdir(exist_ok=True)
    question = hashlib.sha256(pickle.dumps((given, sorted(named.items())))).hexdigest()
    file = folder / question
    if not file.exists():
        outcome = simulation.simulate(*given, **named)
        written = folder / f"{question}-{os.getpid()}"
        written.write_bytes(pickle.dumps(outcome))
        written.replace(file)
        return outcome
    known: simulation.Outcome = pickle.loads(file.read_bytes())  # noqa: S301 (written by another worker of this run)
    return known


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a budget of no step, placements that bounds and greedy placements leave open are not judged."""
    monkeypatch.setattr(budget, "STEPS", 0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark as slow what `make test-fast` leaves out: the tests of the embedded AWS, of `make test-end-to-end` and of
    `make soak`.

    Modules that wait or start commands mark themselves. `make soak` runs every random test, with more examples.
    """
    for item in items:
        if _is_soak(config) and is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.soak)
        is_embedded = _OF_THE_EMBEDDED_AWS & set(getattr(item, "fixturenames", ()))
        if is_embedded or item.get_closest_marker("soak") or item.get_closest_marker("end_to_end"):
            item.add_marker(pytest.mark.slow)
