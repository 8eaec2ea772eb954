"""Selects the files an engine needs: weights in one format, tokenizer, configuration, custom code. Makes no AWS
call.
"""

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
"""Named chat templates written by transformers. No other files are selected from a subfolder."""
_NOT_SERVING = ("*_results.json", "trainer_state.json", "*_log.json", "dataset_info*.json", "model_index.json")
"""JSON files about training or for pipelines of other libraries, which engines do not read."""
_STATE = ("training_args.bin", "optimizer*.bin", "scheduler*.bin", "random_states*", "rng_state*")
_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.gguf", "*.ggml", "*.onnx", "*.onnx_data", "*.h5", "*.msgpack")
_CONSOLIDATED = "consolidated*.safetensors"
_AUTO_MAP_HOLDERS = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")


@dataclass(frozen=True)
class Selection:
    """The selected files, and the files that are left out."""

    files: tuple[HubFile, ...]
    """Selected files, sorted by path."""
    left_out: tuple[tuple[str, str], ...]
    """Path of each file that is left out, with the reason."""
    warnings: tuple[str, ...]
    """Sentences about possible problems of the staged files."""


def select(files: Sequence[HubFile], read: Read, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Selection:
    """Select the files that an engine loads. `include` patterns add files, then `exclude` patterns remove files.

    Raises:
        OperationError: weights or shards are missing, or files cannot be parsed; the message lists all problems.

    """
    chooser = _Chooser(files, read)
    chosen = chooser.chosen()
    for pattern in include:
        chosen |= {path for path in chooser.by_path if fnmatchcase(path, pattern)}
    for pattern in exclude:
        chosen -= {path for path in chooser.by_path if fnmatchcase(path, pattern)}
    for pattern in (*include, *exclude):
        if not any(fnmatchcase(path, pattern) for path in chooser.by_path):
            chooser.faults.append(f"no file of the repository matches {pattern!r}")
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
        """Return the paths of the files to stage."""
        top = {path for path in self.by_path if "/" not in path}
        self._weights = self._weights_of(top)
        if not top & {"config.json", "params.json", "adapter_config.json"}:
            self.faults.append("the repository has no config.json at its top level, so engines cannot load it")
        paths = set(self._weights)
        paths |= {path for path in top if path.endswith(".json") and not _like(path, *_NOT_SERVING)}
        paths |= {path for path in top if _like(path, *_TOKENIZERS)}
        paths |= {path for path in self.by_path if _like(path, _TEMPLATES)}
        paths -= {path for path in paths if path.endswith(".index.json")} - self._weights
        if "config.json" in top and "params.json" in top and not _like(next(iter(self._weights), ""), _CONSOLIDATED):
            paths.discard("params.json")  # the file belongs to the consolidated weights, which are not staged
        return paths | self._code()

    def why_not(self, path: str) -> str:
        """Return the reason why a file is left out."""
        if _like(path, *_STATE) or "trainer_state" in path:
            return "training state"
        if _like(path, *_WEIGHTS) or path.endswith(".index.json"):
            return f"weights in another format than {min(self._weights, default='the selected ones')}"
        if path.endswith(".py"):
            return "code that no configuration refers to"
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
                    "the weights are pickles (.bin), which can run code when they are loaded, and which some "
                    "engines convert to safetensors at each start: use a repository with safetensors"
                )
            index = f"{single}.index.json"
            if index in top:
                return {index, *self._shards(index)}
            if single in candidates:
                return {single}
            shards = {path for path in candidates if re.search(r"-\d{5}-of-\d{5}\.", path)}
            return shards or candidates
        others = sorted({path.rpartition(".")[2] for path in self.by_path if _like(path.rpartition("/")[2], *_WEIGHTS)})
        has = f"; it has weights in {', '.join(others)} (in folders, or for other engines)" if others else ""
        engines = " or ".join(kind.title for kind in engine_kinds().values() if kind.versions)
        self.faults.append(
            f"the repository has no weights that {engines} load from its top level (safetensors, .bin){has}"
        )
        return set()

    def _shards(self, index: str) -> set[str]:
        weight_map = self._json(index).get("weight_map")
        shards = set(map(str, weight_map.values())) if isinstance(weight_map, dict) else set()
        missing = sorted(shards - set(self.by_path))
        if not shards:
            self.faults.append(f"{index} lists no shards")
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            self.faults.append(
                f"{index} lists shards that the repository does not have: {', '.join(missing[:3])}{more}"
            )
        return shards & set(self.by_path)

    # ---- code

    def _code(self) -> set[str]:
        """Return the Python modules named by an `auto_map`, and the modules in the same folder that they import."""
        waiting: list[str] = []
        for holder in _AUTO_MAP_HOLDERS:
            if holder in self.by_path:
                waiting += self._auto_map(self._json(holder), holder)
        modules: set[str] = set()
        while waiting:
            path = waiting.pop()
            if path in modules:
                continue
            if path not in self.by_path:
                self.faults.append(f"the model needs {path}, which the repository does not have")
                continue
            modules.add(path)
            waiting += self._imports(path)
        if modules:
            self.warnings.append(
                f"the model contains custom code ({', '.join(sorted(modules))}): review it, "
                f"because an engine runs it only with trust_remote_code"
            )
        return modules

    def _auto_map(self, document: dict[str, Any], holder: str) -> Iterator[str]:
        auto_map = document.get("auto_map")
        for name in _texts(auto_map):
            repository, _, rest = name.rpartition("--")
            if repository:
                self.warnings.append(
                    f"{holder} loads code from another repository, {repository}, which a container without "
                    f"network access cannot load"
                )
            else:
                yield f"{rest.rpartition('.')[0]}.py"

    def _imports(self, path: str) -> Iterator[str]:
        content = self._content(path)
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            self.faults.append(f"{path} is not valid Python")
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                for name in [node.module] if node.module else [alias.name for alias in node.names]:
                    yield f"{name.replace('.', '/')}.py"

    # ---- reading

    def _json(self, path: str) -> dict[str, Any]:
        content = self._content(path)  # outside the try: a read error must not be reported as invalid JSON
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            return document
        self.faults.append(f"{path} is not a JSON object")
        return {}

    def _content(self, path: str) -> bytes:
        return self._read(self.by_path[path])


def _like(path: str, *patterns: str) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _texts(value: Any) -> Iterator[str]:
    """Yield all strings in a value of `auto_map`. A value is a name, or a list of two names or nulls."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
