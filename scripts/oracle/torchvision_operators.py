"""Makes torchvision importable if its compiled extension was built for another PyTorch.

pip installs a torchvision for CUDA together with a PyTorch for CPUs, so the compiled extension does not load. At
import, torchvision uses two operators of this extension. This module declares them instead. No model in `make oracle`
calls them. `make oracle` copies this module into the environment, where a .pth file imports it in every process of the
engine.
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
        sys.modules[__name__].__dict__["library"] = library  # the object must live as long as the process


sys.meta_path.insert(0, _Finder())
