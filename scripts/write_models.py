"""Writes docs/models.md: the models of aiconfigurator-core's configs, each with its sizes and the smallest instance.

    python -m scripts.write_models

`tests/sizing/test_models_page.py` plans every row again.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from replicas.catalogue.instances import Instance, instance_types
from replicas.deployment.deployment import Component, Deployment
from replicas.engines import find_engine
from replicas.engines.default import DEFAULT_ENGINE
from replicas.errors import SizingError
from replicas.planning.planner import plan
from replicas.planning.plans import EndpointPlan
from scripts.oracle import configs
from scripts.write_docs import markdown

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
COLUMNS = ("Model", "Parameters", "KV bytes a token", "Bytes a sequence", "Weights, GiB", "Smallest instance", "Cards")

_HEAD = """# Models

`replicas plan --config config.json` sizes a model from its `config.json`: a composition of attention, recurrence,
feed-forward blocks, towers and heads. A field that could carry structure and is not understood refuses the model and
names the field ([sizing.md](sizing.md)).

These are the configurations that aiconfigurator-core 0.12.0 ships (Apache-2.0), which is what people serve in late
2026. Parameters, the KV cache of one token and the state of one sequence are those that the code of vLLM 0.32.0 builds
on the meta device ([engines.md](engines.md)); `tests/sizing/test_engine_figures.py` holds every row against them.
Parameters are what an engine loads, without layers that predict several tokens. `KV bytes a token` is what one more
token of a long request adds over all accelerators, at two bytes an element, or one where the checkpoint asks for an FP8
cache ([sizing.md](sizing.md)); `Bytes a sequence` is what its windows and
recurrent states take. The smallest instance is the cheapest one of the table that holds one copy with requests of
{tokens:,} tokens, by {engine}; whether the card has the kernels of a format is judged, how fast it is is not.

"""

_REFUSED = """
## Refused

Their `config.json` is not that of the published repository, or its engine is not sized here for them.

"""

_TOKENS = 8192


def main() -> None:
    """Write the page."""
    rows, refused = [], []
    with tempfile.TemporaryDirectory() as folder:
        for model in configs.models():
            found = smallest(model, Path(folder))
            if isinstance(found, EndpointPlan):
                rows.append(row(model, found))
            else:
                refused.append((f"`{model}`", found))
            print(model, rows[-1][5] if isinstance(found, EndpointPlan) else found)
    head = _HEAD.format(engine=find_engine(DEFAULT_ENGINE), tokens=_TOKENS)
    text = head + markdown(COLUMNS, rows) + "\n" + _REFUSED + markdown(("Model", "Reason"), refused) + "\n"
    PAGE.write_text(text, encoding="utf-8")


def row(model: str, found: EndpointPlan) -> tuple[str, ...]:
    """Return the row of a model that is planned."""
    component = found.to_document()["components"][0]
    return (
        f"`{model}`",
        f"{component['parameters']:,}",
        f"{component['kv_bytes_per_token']:,}",
        f"{component['state_bytes_per_sequence']:,}",
        f"{component['weights_gib_per_accelerator'] * component['accelerators']:,.1f}",
        found.instance.name,
        str(component["accelerators"]),
    )


def write_config(model: str, folder: Path) -> Path:
    """Write the configuration of a model as its repository has it, and return its file."""
    place = folder / model.replace("/", "--")
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text(json.dumps(configs.models()[model]))
    if quantization := configs.quantization_of(model):
        (place / "hf_quant_config.json").write_text(json.dumps(quantization))
    return place / "config.json"


def planned(model: str, folder: Path, instance: str) -> EndpointPlan:
    """Return the plan of one copy of a model on an instance type.

    Raises:
        SizingError: it does not fit, or no engine serves it.

    """
    component = Component(model=model, config=str(write_config(model, folder)), copies=1, max_total_tokens=_TOKENS)
    return plan(Deployment(name="model", instance_type=instance, components=(component,)), to_deploy=False)


def smallest(model: str, folder: Path) -> EndpointPlan | str:
    """Return the plan on the cheapest instance type that holds a copy, or why there is none."""
    reason = ""
    for instance in _cheapest_first():
        try:
            return planned(model, folder, instance.name)
        except SizingError as refusal:
            reason = refusal.problems[0]
            if "does not serve" in reason:
                break
    return reason


def _cheapest_first() -> list[Instance]:
    priced = [(price, each) for each in instance_types().values() if (price := each.price_usd_per_hour())]
    return [each for _, each in sorted(priced, key=lambda pair: pair[0])]


if __name__ == "__main__":
    main()
