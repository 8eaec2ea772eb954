"""Lets torchvision be imported where its compiled part was built for another PyTorch.

pip finds a torchvision for CUDA beside a PyTorch for CPUs. At import it describes two operators of its compiled part,
which does not load then; they are declared here instead. No model that is built or served here calls them. `make
oracle` copies this module into the environment, where a .pth file imports it in every process of the engine.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_OPERATORS = ("nms", "qnms")


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            _declare(PathFinder.find_spec("torchvision"))
        return None


def _declare(torchvision: ModuleSpec | None) -> None:
    import torch

    compiled = Path(torchvision.origin or "").parent / "_C.so" if torchvision else None
    try:
        torch.ops.load_library(str(compiled))
    except OSError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in _OPERATORS:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        sys.modules[__name__].__dict__["library"] = library  # it must live as long as the process


sys.meta_path.insert(0, _Finder())
