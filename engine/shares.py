"""How slots are split: between the campaigns of a line by weight, then between partitions in proportion, so that nobody starves.

Both carry fractions from call to call, so that to split one by one comes to the same as to split at once: campaigns of weight 3 and
1 get three slots and one of any four, though the line grants one at a time (smooth weighted round robin).
"""

from collections.abc import Mapping
from math import floor


def by_weight(n: int, limits: Mapping[str, int], weights: Mapping[str, float], credit: dict[str, float]) -> dict[str, int]:
    """Splits n slots (at most the sum of `limits`) in proportion to `weights`, and gives nobody more than their limit.

    What one cannot use goes to the others, again by weight, and is not made up for later: nobody saves up slots. `credit` carries
    fractions from call to call.
    """
    given, open_, left = {}, sorted(limits), n
    while full := _filled(left, open_, limits, weights, credit):
        for name in full:
            given[name] = min(limits[name], left)
            left -= given[name]
            credit[name] = 0.0
        open_ = [name for name in open_ if name not in given]
        _level(open_, credit)
    total = sum(weights[name] for name in open_)
    for name in open_:
        credit[name] = credit.get(name, 0.0) + left * weights[name] / total
    given |= _rounded(left, open_, limits, credit)
    return {name: k for name, k in given.items() if k}


def _filled(
    left: int, open_: list[str], limits: Mapping[str, int], weights: Mapping[str, float], credit: Mapping[str, float]
) -> list[str]:
    """Those whose part is at least what they can use, the most urgent first."""
    total = sum(weights[name] for name in open_)
    part = {name: credit.get(name, 0.0) + left * weights[name] / total for name in open_}
    return sorted([name for name in open_ if part[name] >= limits[name]], key=lambda name: (-part[name], name))


def _level(names: list[str], credit: dict[str, float]) -> None:
    """What was owed to somebody who got all they can use is owed by nobody."""
    mean = sum(credit.get(name, 0.0) for name in names) / len(names) if names else 0.0
    for name in names:
        credit[name] = credit.get(name, 0.0) - mean


def _rounded(left: int, names: list[str], limits: Mapping[str, int], credit: dict[str, float]) -> dict[str, int]:
    """Whole slots: what is owed, and the rest one by one to whom most is owed. Takes them off `credit`."""
    given = dict.fromkeys(names, 0)
    for name in sorted(names, key=lambda name: (-credit[name], name)):
        given[name] = min(max(0, floor(credit[name])), limits[name], left)
        left -= given[name]
        credit[name] -= given[name]
    while left:
        name = min((name for name in names if given[name] < limits[name]), key=lambda name: (-credit[name], name))
        given[name] += 1
        credit[name] -= 1
        left -= 1
    return given


def share(n: int, wants: Mapping[int, int], credit: dict[int, float], oldest: Mapping[int, int]) -> dict[int, int]:
    """Splits n slots (at most the sum of `wants`) in proportion to `wants`, by partition.

    A fifth is spread evenly, so that one entry does not wait for another partition's million. `credit` carries fractions from
    call to call and sums to zero; among equals the oldest due entry is first. The fractions of one call make one run of slots:
    one record, which is less work than a slot here and there.
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
    for p in order:
        more = min(wants[p] - given[p], left)
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
