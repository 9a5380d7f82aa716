"""Legal rules as a campaign uses them: hours, limits of attempts, and the least consent, by the jurisdictions of a person.

The country's rules hold for everybody there; a state's for those who may be in it. Of hours all must be open, of limits all must
allow, of consents the most is needed. Where a person may be in a place that the pack does not cover (a state without hours of its
own, a state that nobody knows, another country), the strictest hours of the pack hold: those that all of its rows have in common.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from engine.caps import Cap
from engine.delays import parse_ms
from engine.layers import Day, Layer, day_of
from engine.rulepack import KINDS, Pack, Purpose, Rule
from engine.time import DAY
from engine.weekly import Weekly, parse_weekly


class Needed(NamedTuple):
    """The least consent, and the rule that says so. since: campaign ms, from when on."""

    kind: str  # express or express_written
    source: str
    since: int


@dataclass(frozen=True)
class Rules:
    """One version of a pack, for campaigns of one purpose. Compare by identity: a plan has its own."""

    pack: Pack
    purpose: Purpose

    def hours(self, jurisdictions: tuple[str, ...]) -> tuple[Layer, ...]:
        """The hours of every place the person may be in: all of them must be open."""
        layers = dict.fromkeys(_layer(rule) for rule in self._of(jurisdictions) if rule.hours)
        if not jurisdictions or any(not covers(self.pack, place) for place in jurisdictions):
            layers |= dict.fromkeys(strictest(self.pack))
        return tuple(layers)

    def common(self) -> tuple[Layer, ...]:
        """The hours that hold for everybody: the country's."""
        return tuple(_layer(rule) for rule in self.pack.rules if rule.hours and rule.jurisdiction == self.pack.country)

    def caps(self, jurisdictions: tuple[str, ...]) -> tuple[Cap, ...]:
        """Limits of attempts, for each number and each person alike. They hold from their first day on, whatever came before."""
        found = ((rule, rule.attempts) for rule in self._of(jurisdictions))
        return tuple(
            Cap(limit.max, parse_ms(limit.per), everywhere=True, name=name_of(rule), since=_since(rule) * DAY)
            for rule, limit in found
            if limit
        )

    def consent(self, jurisdictions: tuple[str, ...]) -> Needed | None:
        """The least consent that is needed; None: none is."""
        kinds = [(rule, rule.consent.get(self.purpose, "none")) for rule in self._of(jurisdictions) if rule.consent]
        most = max(kinds, key=lambda pair: KINDS.index(pair[1]), default=None)
        if most is None or most[1] == "none":
            return None
        return Needed(most[1], most[0].source, _since(most[0]) * DAY)

    def _of(self, jurisdictions: tuple[str, ...]) -> list[Rule]:
        """The country's rules and those of the places: a person of elsewhere is measured by the country's too."""
        return [rule for rule in self.pack.rules if rule.jurisdiction == self.pack.country or rule.jurisdiction in jurisdictions]


@lru_cache(maxsize=1024)
def _covered(country: str, divisions: bool, with_hours: frozenset[str], place: str) -> bool:
    return place in with_hours and (place != country or not divisions)


def covers(pack: Pack, place: str) -> bool:
    """Whether the pack knows the hours of a place by rows of its own."""
    return _covered(pack.country, pack.divisions, frozenset(rule.jurisdiction for rule in pack.rules if rule.hours), place)


def strictest(pack: Pack) -> tuple[Layer, ...]:
    """What all hours of the pack have in common, on the person's own clock."""
    name = f"the strictest hours of pack {pack.pack} {pack.version}"
    rows = [rule for rule in pack.rules if rule.hours]
    return tuple(dict.fromkeys(Layer("law", name, _weekly(rule), tuple(rule.holidays), since=_since(rule)) for rule in rows))


def name_of(rule: Rule) -> str:
    """`law US-FL (Fla. Stat. 501.616(6)(a))`, with a mark if nobody has reviewed it."""
    return f"law {rule.jurisdiction} ({rule.source}{'' if rule.reviewed else ', not reviewed'})"


def _layer(rule: Rule) -> Layer:
    return Layer("law", name_of(rule), _weekly(rule), tuple(rule.holidays), zone=rule.zone, since=_since(rule))


def _weekly(rule: Rule) -> Weekly:
    return parse_weekly(rule.hours or {})


def _since(rule: Rule) -> Day:
    return day_of(rule.since.isoformat())
