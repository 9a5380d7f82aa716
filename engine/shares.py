"""How slots are split between the partitions that want them: in proportion, and so that none starves."""

from collections.abc import Mapping
from math import floor


def share(n: int, wants: Mapping[int, int], credit: dict[int, float], oldest: Mapping[int, int]) -> dict[int, int]:
    """Splits n slots (at most the sum of `wants`) in proportion to `wants`, by partition.

    A fifth is spread evenly, so that one entry does not wait for another partition's million. `credit` carries fractions from call
    to call and sums to zero; among equals the oldest due entry is first.
    """
    total = sum(wants.values())
    for p, want in wants.items():
        credit[p] = credit.get(p, 0.0) + n * (0.8 * want / total + 0.2 / len(wants))
    order = sorted(wants, key=lambda p: (-credit[p], oldest[p], p))
    given, left = dict.fromkeys(order, 0), n
    for p in order:
        given[p] = min(wants[p], max(0, floor(credit[p])), left)
        left -= given[p]
    order.sort(key=lambda p: given[p] - credit[p])
    while left:
        short = [p for p in order if given[p] < wants[p]]
        for p in short[:left]:
            more = min(wants[p] - given[p], max(1, left // len(short)))
            given[p] += more
            left -= more
    _carry(credit, wants, given)
    return {p: k for p, k in given.items() if k}


def _carry(credit: dict[int, float], wants: Mapping[int, int], given: Mapping[int, int]) -> None:
    """What is owed on. Who wants no more is owed nothing; debts shrink with it, so that the sum stays zero."""
    for p in credit:
        got = given.get(p, 0)
        credit[p] -= got
        if got >= wants.get(p, 0):
            credit[p] = min(credit[p], 0.0)
    owed = sum(c for c in credit.values() if c > 0)
    owing = sum(c for c in credit.values() if c < 0)
    for p in [p for p, c in credit.items() if c < 0]:
        credit[p] *= owed / -owing
