"""Tasks of a model, by the kind of its answers: generated text, embeddings, or scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from replicas.catalogue.architecture import Head

Task = Literal["generate", "embed", "score"]
"""`generate`: text, token by token. `embed`: one vector for each text. `score`: one number for each pair of texts."""

TASKS: tuple[Task, ...] = get_args(Task)

TASK_OF_HEAD: Mapping[Head, Task] = {"language_model": "generate", "pooling": "embed", "classification": "score"}
"""Default task of a model by its head."""
