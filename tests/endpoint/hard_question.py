"""A question of packing that no budget of a second answers."""

from __future__ import annotations

# fmt: off
PERMILLE = (
    354, 308, 257, 272, 258, 283, 323, 278, 317, 352, 286, 391, 268, 444, 400, 467, 275, 422,
    296, 318, 409, 299, 387, 322, 341, 313, 328, 306, 445, 331, 373, 380, 277, 261, 278, 381,
)
# fmt: on
"""Memory of 36 copies in thousandths of an instance: they fill 12 instances in triples to the last thousandth.

Every sum fits 12 instances, the best greedy placement needs 14, and thousands of triples almost fill an instance.
"""
INSTANCES = 12
ENOUGH_INSTANCES = 14
