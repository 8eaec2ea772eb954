"""Feed-forward blocks: dense ones, and mixtures of experts."""

from __future__ import annotations

from dataclasses import replace

from replicas.catalogue.composition.parts import FeedForward, Matrix

_NAMES = ("gate_proj", "up_proj", "down_proj")
_WIDTH = "feed-forward width"
_SHARED_WIDTH = "width of the shared experts"


def dense(
    hidden: int,
    width: int,
    *,
    module: str = "mlp",
    gated: bool = True,
    bias: bool = False,
    names: tuple[str, str, str] = _NAMES,
    width_name: str = _WIDTH,
) -> FeedForward:
    """Return a dense block.

    Args:
        hidden: width of the model.
        width: width of the block.
        module: name of the block in checkpoints.
        gated: True if a gate multiplies the first projection.
        bias: True if the projections have biases.
        names: names of the gate, the first projection and the second.
        width_name: name of the width in messages.

    """
    gate, up, down = (f"{module}.{name}" for name in names)
    matrices = (
        *((Matrix(gate, width, hidden, width=width_name),) if gated else ()),
        Matrix(up, width, hidden, width=width_name),
        Matrix(down, hidden, width, width=width_name, splits_inputs=True),
    )
    return FeedForward(matrices=matrices, vectors=((1 + gated) * width + hidden) * bias, width=width, gated=gated)


def mixture(
    hidden: int,
    width: int,
    *,
    experts: int,
    per_token: int,
    module: str = "mlp",
    router: str = "gate",
    names: tuple[str, str, str] = _NAMES,
    gated: bool = True,
    latent: int | None = None,
    shared_width: int = 0,
    shared: str = "shared_experts",
    shared_names: tuple[str, str, str] = _NAMES,
    shared_gate: bool = False,
    latent_names: tuple[str, str] = ("fc1_latent_proj", "fc2_latent_proj"),
    vectors: int = 0,
) -> FeedForward:
    """Return a mixture of experts with its router, which engines keep at two bytes.

    Args:
        hidden: width of the model.
        width: width of one expert.
        experts: routed experts.
        per_token: number of experts that process a token.
        module: name of the block in checkpoints.
        router: name of the router in the block.
        names: names of the gate, the first projection and the second.
        gated: True if a gate multiplies the first projection.
        latent: width of the experts' inputs between two projections; None for the model's width.
        shared_width: total width of the shared experts, which process every token; 0 without shared experts.
        shared: name of the shared experts in the block.
        shared_names: names of the shared experts' gate and projections.
        shared_gate: True if the shared experts' result is gated.
        latent_names: names of the projections before and after the experts.
        vectors: parameters of biases and norms.

    """
    inner = latent or hidden
    single_expert = dense(inner, width, module=f"{module}.experts.0", gated=gated, names=names)
    routed = tuple(replace(matrix, count=experts) for matrix in single_expert.matrices)
    every = dense(
        hidden, shared_width, module=f"{module}.{shared}", gated=gated, names=shared_names, width_name=_SHARED_WIDTH
    ).matrices
    around = tuple(
        Matrix(f"{module}.{name}", outputs, inputs, parts=1)
        for name, outputs, inputs in zip(latent_names, (inner, hidden), (hidden, inner), strict=True)
    )
    return FeedForward(
        matrices=(
            *routed,
            *(every if shared_width else ()),
            *(around if latent else ()),
            Matrix(f"{module}.{router}", experts, hidden, parts=1, precision="half"),
            *((Matrix(f"{module}.{shared}_gate", 1, hidden, parts=1, precision="half"),) if shared_gate else ()),
        ),
        vectors=vectors,
        width=width,
        gated=gated,
        experts=experts,
        experts_per_token=per_token,
        shared_width=shared_width,
    )
