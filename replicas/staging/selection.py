"""Which files of a repository serve: weights in one form, tokenizer, configurations, and code that they name. Pure."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from replicas.catalogue.hub import HubFile
from replicas.engines import engine_kinds
from replicas.errors import OperationError

Read = Callable[[HubFile], bytes]

_TOKENIZERS = ("*.tiktoken", "*.jinja", "*.model", "tokenizer.model.v*", "merges.txt", "vocab.txt")
_TEMPLATES = "additional_chat_templates/*.jinja"
"""The one folder that serves: named chat templates, as transformers writes them."""
_NOT_SERVING = ("*_results.json", "trainer_state.json", "*_log.json", "dataset_info*.json", "model_index.json")
"""JSON that tells of the training, or of another library's pipeline."""
_STATE = ("training_args.bin", "optimizer*.bin", "scheduler*.bin", "random_states*", "rng_state*")
_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.gguf", "*.ggml", "*.onnx", "*.onnx_data", "*.h5", "*.msgpack")
_CONSOLIDATED = "consolidated*.safetensors"
_AUTO_MAP_HOLDERS = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")


@dataclass(frozen=True)
class Selection:
    """The files that serve, and those that do not."""

    files: tuple[HubFile, ...]
    """By path."""
    left_out: tuple[tuple[str, str], ...]
    """Path, and why it stays behind."""
    warnings: tuple[str, ...]
    """Sentences: what will not work although it is staged."""


def select(files: Sequence[HubFile], read: Read, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Selection:
    """Choose what an engine loads; `include` and `exclude` are patterns of paths that overrule it, the latter last.

    Raises:
        OperationError: nothing that serves, shards that are not there, or files of the repository that are not
            readable as what they should be; all of it at once.

    """
    chooser = _Chooser(files, read)
    chosen = chooser.chosen()
    for pattern in include:
        chosen |= {path for path in chooser.by_path if fnmatchcase(path, pattern)}
    for pattern in exclude:
        chosen -= {path for path in chooser.by_path if fnmatchcase(path, pattern)}
    for pattern in (*include, *exclude):
        if not any(fnmatchcase(path, pattern) for path in chooser.by_path):
            chooser.faults.append(f"no file of the repository is like {pattern!r}")
    if chooser.faults:
        raise OperationError("\n".join(chooser.faults))
    left_out = tuple((path, chooser.why_not(path)) for path in sorted(chooser.by_path) if path not in chosen)
    return Selection(
        tuple(chooser.by_path[path] for path in sorted(chosen)), left_out, tuple(dict.fromkeys(chooser.warnings))
    )


class _Chooser:
    def __init__(self, files: Sequence[HubFile], read: Read) -> None:
        self.by_path = {file.path: file for file in files}
        self._read = read
        self._weights: set[str] = set()
        self.faults: list[str] = []
        self.warnings: list[str] = []

    def chosen(self) -> set[str]:
        """Paths of what serves."""
        top = {path for path in self.by_path if "/" not in path}
        self._weights = self._weights_of(top)
        if not top & {"config.json", "params.json", "adapter_config.json"}:
            self.faults.append("the repository has no config.json at its top: no model that an engine can load")
        found = set(self._weights)
        found |= {path for path in top if path.endswith(".json") and not _like(path, *_NOT_SERVING)}
        found |= {path for path in top if _like(path, *_TOKENIZERS)}
        found |= {path for path in self.by_path if _like(path, _TEMPLATES)}
        found -= {path for path in found if path.endswith(".index.json")} - self._weights
        if "config.json" in top and "params.json" in top and not _like(next(iter(self._weights), ""), _CONSOLIDATED):
            found.discard("params.json")  # it names the other form of the weights, which is not staged
        return found | self._code()

    def why_not(self, path: str) -> str:
        """Why a file stays behind."""
        if _like(path, *_STATE) or "trainer_state" in path:
            return "state of the training"
        if _like(path, *_WEIGHTS) or path.endswith(".index.json"):
            return f"other weights: {min(self._weights, default='the chosen ones')} and its like serve"
        if path.endswith(".py"):
            return "code that no configuration names"
        return "not needed to serve"

    # ---- weights

    def _weights_of(self, top: set[str]) -> set[str]:
        safetensors = {path for path in top if path.endswith(".safetensors")}
        consolidated = {path for path in safetensors if _like(path, _CONSOLIDATED)}
        pickled = {path for path in top if path.endswith(".bin") and not _like(path, *_STATE)}
        for single, candidates in (
            ("model.safetensors", safetensors - consolidated),
            ("consolidated.safetensors", consolidated),
            ("pytorch_model.bin", {path for path in pickled if path.startswith("pytorch_model")}),
        ):
            if not candidates:
                continue
            if single.endswith(".bin"):
                self.warnings.append(
                    "the weights are pickles (.bin), which run code when they are loaded, and which some engines turn "
                    "into safetensors at each start: a repository with safetensors is the better source"
                )
            index = f"{single}.index.json"
            if index in top:
                return {index, *self._shards(index)}
            if single in candidates:
                return {single}
            shards = {path for path in candidates if re.search(r"-\d{5}-of-\d{5}\.", path)}
            return shards or candidates
        others = sorted({path.rpartition(".")[2] for path in self.by_path if _like(path.rpartition("/")[2], *_WEIGHTS)})
        has = f"; it has weights in: {', '.join(others)} (in folders, or for other engines)" if others else ""
        engines = " or ".join(kind.title for kind in engine_kinds().values() if kind.versions)
        self.faults.append(f"the repository has no weights that {engines} load from its top (safetensors, .bin){has}")
        return set()

    def _shards(self, index: str) -> set[str]:
        weight_map = self._json(index).get("weight_map")
        shards = set(map(str, weight_map.values())) if isinstance(weight_map, dict) else set()
        missing = sorted(shards - set(self.by_path))
        if not shards:
            self.faults.append(f"{index} names no shards")
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            self.faults.append(
                f"{index} names shards that the repository does not have: {', '.join(missing[:3])}{more}"
            )
        return shards & set(self.by_path)

    # ---- code

    def _code(self) -> set[str]:
        """The modules that an `auto_map` names, and those that they import from beside them."""
        waiting: list[str] = []
        for holder in _AUTO_MAP_HOLDERS:
            if holder in self.by_path:
                waiting += self._auto_map(self._json(holder), holder)
        found: set[str] = set()
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            if path not in self.by_path:
                self.faults.append(f"the model needs {path}, which the repository does not have")
                continue
            found.add(path)
            waiting += self._imports(path)
        if found:
            self.warnings.append(
                f"the model brings code of its own ({', '.join(sorted(found))}): an engine runs it only when told to "
                "(trust_remote_code); read it first"
            )
        return found

    def _auto_map(self, document: dict[str, Any], holder: str) -> Iterator[str]:
        auto_map = document.get("auto_map")
        for name in _texts(auto_map):
            repository, _, rest = name.rpartition("--")
            if repository:
                self.warnings.append(
                    f"{holder} takes code from another repository, {repository}: a container without a network cannot"
                )
            else:
                yield f"{rest.rpartition('.')[0]}.py"

    def _imports(self, path: str) -> Iterator[str]:
        content = self._content(path)
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            self.faults.append(f"{path} is not readable as Python")
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                for name in [node.module] if node.module else [alias.name for alias in node.names]:
                    yield f"{name.replace('.', '/')}.py"

    # ---- reading

    def _json(self, path: str) -> dict[str, Any]:
        content = self._content(path)  # a file that cannot be read is no fault of its JSON
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            return document
        self.faults.append(f"{path} is not readable as a JSON object")
        return {}

    def _content(self, path: str) -> bytes:
        return self._read(self.by_path[path])


def _like(path: str, *patterns: str) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value: an `auto_map` holds a name, or a list of two of which one may be null."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
