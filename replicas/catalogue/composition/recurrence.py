"""Recurrences in place of attention: each sequence keeps a state of fixed size."""

from __future__ import annotations

from replicas.catalogue.composition.parts import Cache, Matrix, Mixer

_WIDTH = "width of the recurrent heads"
CONVOLUTION_BYTES = 2
"""Bytes of an element of the convolution's state: the precision of the model."""


def gated_delta(
    hidden: int,
    *,
    key_heads: int,
    value_heads: int,
    key_dim: int,
    value_dim: int,
    kernel: int,
    state_bytes: int,
) -> Mixer:
    """Return a gated delta rule (Qwen3-Next, Qwen3.5): a matrix of `key_dim` by `value_dim` for each value head.

    Args:
        hidden: width of the model.
        key_heads: heads of queries and keys.
        value_heads: heads of values.
        key_dim: width of a key.
        value_dim: width of a value.
        kernel: width of the preceding convolution, tokens.
        state_bytes: bytes of an element of the state.

    """
    keys, values = key_heads * key_dim, value_heads * value_dim
    convolved = 2 * keys + values
    state = convolved * (kernel - 1) * CONVOLUTION_BYTES + value_heads * value_dim * key_dim * state_bytes
    return Mixer(
        matrices=(
            Matrix("linear_attn.in_proj_qkv", convolved, hidden, width=_WIDTH),
            Matrix("linear_attn.in_proj_z", values, hidden, width=_WIDTH),
            Matrix("linear_attn.in_proj_b", value_heads, hidden, precision="half"),
            Matrix("linear_attn.in_proj_a", value_heads, hidden, precision="half"),
            Matrix("linear_attn.out_proj", hidden, values, width=_WIDTH, splits_inputs=True),
        ),
        vectors=convolved * kernel + 2 * value_heads + value_dim,
        heads=key_heads,
        head_dim=value_dim,
        caches=(Cache(kind="state", elements=state, heads=value_heads, element_bytes=1.0),),
    )


def kimi_delta(hidden: int, *, heads: int, head_dim: int, kernel: int, state_bytes: int, full_rank_gate: bool) -> Mixer:
    """Return Kimi's delta attention (KDA), which has one gate per channel.

    Args:
        hidden: width of the model.
        heads: number of heads.
        head_dim: width of a key and of a value.
        kernel: width of the preceding convolution, tokens.
        state_bytes: bytes of an element of the state.
        full_rank_gate: True if the output gate is one matrix; False if it is the product of two.

    """
    width = heads * head_dim
    gate = (
        (Matrix("self_attn.g_proj", width, hidden),)
        if full_rank_gate
        else (
            Matrix("self_attn.g_a_proj", head_dim, hidden, parts=1),
            Matrix("self_attn.g_b_proj", width, head_dim),
        )
    )
    state = 3 * width * (kernel - 1) * CONVOLUTION_BYTES + heads * head_dim * head_dim * state_bytes
    return Mixer(
        matrices=(
            *(Matrix(f"self_attn.{name}_proj", width, hidden, width=_WIDTH) for name in "qkv"),
            *gate,
            Matrix("self_attn.f_a_proj", head_dim, hidden, parts=1),
            Matrix("self_attn.f_b_proj", width, head_dim),
            Matrix("self_attn.b_proj", heads, hidden),
            Matrix("self_attn.o_proj", hidden, width, width=_WIDTH, splits_inputs=True),
        ),
        vectors=3 * width * kernel + width + heads + head_dim,
        heads=heads,
        head_dim=head_dim,
        caches=(Cache(kind="state", elements=state, heads=heads, element_bytes=1.0),),
    )


def mamba2(
    hidden: int,
    *,
    heads: int,
    head_dim: int,
    groups: int,
    state_size: int,
    kernel: int,
    state_bytes: int,
    bias: bool,
    convolution_bias: bool,
    module: str = "mixer",
    normed: bool = True,
) -> Mixer:
    """Return a Mamba 2 mixer: a state of `head_dim` by `state_size` for each head.

    Args:
        hidden: width of the model.
        heads: number of heads.
        head_dim: width of a head.
        groups: number of groups of heads that share input and output projections of the state.
        state_size: width of the state.
        kernel: width of the preceding convolution, tokens.
        state_bytes: bytes of an element of the state.
        bias: True if the projections have biases.
        convolution_bias: True if the convolution has a bias.
        module: name of the block in checkpoints.
        normed: True if the result is normed.

    """
    width = heads * head_dim
    convolved = width + 2 * groups * state_size
    inner = width + convolved + heads
    state = convolved * (kernel - 1) * CONVOLUTION_BYTES + heads * head_dim * state_size * state_bytes
    return Mixer(
        matrices=(
            Matrix(f"{module}.in_proj", inner, hidden),
            Matrix(f"{module}.out_proj", hidden, width, width=_WIDTH, splits_inputs=True),
        ),
        vectors=convolved * (kernel + convolution_bias) + 3 * heads + width * normed + (inner + hidden) * bias,
        heads=heads,
        head_dim=head_dim,
        caches=(Cache(kind="state", elements=state, heads=heads, element_bytes=1.0),),
    )


def mamba1(
    hidden: int,
    *,
    width: int,
    state_size: int,
    rank: int,
    kernel: int,
    state_bytes: int,
    bias: bool,
    convolution_bias: bool,
    normed: bool = False,
) -> Mixer:
    """Return a Mamba mixer: a state of `state_size` for each channel.

    Args:
        hidden: width of the model.
        width: number of channels.
        state_size: width of the state of a channel.
        rank: rank of the projection of the time step.
        kernel: width of the preceding convolution, tokens.
        state_bytes: bytes of an element of the state.
        bias: True if the input and output projections have biases.
        convolution_bias: True if the convolution has a bias.
        normed: True if time step, input and output projections of the state are normed (Jamba).

    """
    state = width * (kernel - 1) * CONVOLUTION_BYTES + width * state_size * state_bytes
    return Mixer(
        matrices=(
            Matrix("mamba.in_proj", 2 * width, hidden, width=_WIDTH),
            Matrix("mamba.x_proj", rank + 2 * state_size, width, width=_WIDTH, splits_inputs=True),
            Matrix("mamba.dt_proj", width, rank, width=_WIDTH),
            Matrix("mamba.out_proj", hidden, width, width=_WIDTH, splits_inputs=True),
        ),
        vectors=width * (kernel + convolution_bias + state_size + 2)
        + (2 * width + hidden) * bias
        + (rank + 2 * state_size) * normed,
        heads=width,
        head_dim=1,
        caches=(Cache(kind="state", elements=state, heads=width, element_bytes=1.0),),
    )


def short_convolution(hidden: int, *, kernel: int, bias: bool) -> Mixer:
    """Return the gated short convolution of LFM2, whose state is the last `kernel - 1` inputs.

    Args:
        hidden: width of the model, and of the convolution.
        kernel: width of the convolution, tokens.
        bias: True if the projections and the convolution have biases.

    """
    state = hidden * (kernel - 1) * CONVOLUTION_BYTES
    return Mixer(
        matrices=(
            Matrix("conv.in_proj", 3 * hidden, hidden, width=_WIDTH),
            Matrix("conv.out_proj", hidden, hidden, width=_WIDTH, splits_inputs=True),
        ),
        vectors=hidden * kernel + (3 * hidden + hidden + hidden) * bias,
        heads=hidden,
        head_dim=1,
        caches=(Cache(kind="state", elements=state, heads=hidden, element_bytes=1.0),),
    )
