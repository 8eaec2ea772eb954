"""Families of models: how the fields of a `config.json` describe the parts of a model.

Field names are those of Hugging Face. A formula reads every field that it depends on through `Fields`: `reading.py`
refuses a configuration with a field that no formula has read. `tests/catalogue/test_engine_counts.py` compares the
parameters with the parameters that an engine's own code builds, and `tests/catalogue/test_models.py` compares them with
published counts.
"""

from replicas.catalogue.families.registry import FAMILIES, Family

__all__ = ["FAMILIES", "Family"]
