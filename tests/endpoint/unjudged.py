"""A small question that bounds and greedy placements leave open: with the fixture `no_search` it is not judged."""

from __future__ import annotations

SIZES, COPIES = (6, 5, 4), (1, 2, 3)
"""6 + 4 + 4 and 5 + 5 + 4 fill two instances of 14; greedy placements start with 6 + 5 and need a third."""
WHOLE = 14
WHY = (
    "0 search steps neither placed 6 copies with 3 different reservations on 2 instances nor proved that they do not "
    "fit; 3 instances are enough"
)
