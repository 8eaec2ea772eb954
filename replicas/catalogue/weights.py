"""Bytes of a model's weights in the memory of an engine."""

from __future__ import annotations

from functools import lru_cache

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.parts import Alike, Matrix
from replicas.catalogue.quantization import PRECISION_BYTES, Quantization

_FLOAT32_BYTES = 4.0


@lru_cache(maxsize=512)
def weights_bytes(
    architecture: Architecture,
    quantization: Quantization | None,
    precision_bytes: float = PRECISION_BYTES,
    degree: int = 1,
) -> float:
    """Return the memory of the weights on one of `degree` accelerators, bytes.

    Linear layers have the format of the quantization. Embeddings, norms, routers and towers have `precision_bytes`.
    Layers that engines keep at full precision have four bytes. A matrix that an engine does not split counts in full on
    each accelerator. Norms, which are small, count as if they were split.
    """
    total = vectors = 0.0
    for alike in (*architecture.stack, *architecture.encoder):
        matrices = sum(
            matrix.weights_per_accelerator(degree) * _bytes_over_layers(matrix, alike, quantization, precision_bytes)
            for matrix in alike.layer.every_matrix()
        )
        total += matrices
        vectors += alike.count * alike.layer.every_vector
    for matrix in architecture.ends:
        named = quantization.named(matrix.name) if quantization and matrix.precision == "named" else None
        total += matrix.weights_per_accelerator(degree) * (named.bytes_per_parameter if named else precision_bytes)
    towers = sum(tower.parameters for tower in architecture.towers)
    return total + (vectors + architecture.vectors + towers) / degree * precision_bytes


def _bytes_over_layers(
    matrix: Matrix, alike: Alike, quantization: Quantization | None, precision_bytes: float
) -> float:
    """Return the bytes per weight of a matrix, summed over the layers that have it."""
    if matrix.precision == "float32":
        return alike.count * _FLOAT32_BYTES
    if matrix.precision == "half" or quantization is None:
        return alike.count * precision_bytes
    if quantization.is_uniform:
        return alike.count * quantization.bytes_per_parameter
    formats = (quantization.of(matrix.name, number) for number in alike.numbers)
    return sum(format_.bytes_per_parameter if format_ else precision_bytes for format_ in formats)
