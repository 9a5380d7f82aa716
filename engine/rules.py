"""What a rule pack says of a person: hours, limits of attempts, and the least consent, by the jurisdictions of a person.

The country's rules hold for everybody there; a state's for those who may be in it. Of hours all must be open, of limits all must
allow, of consents the most is needed. Where a person may be in a place that the pack does not cover (a state without hours of its
own, a state that nobody knows, another country), the strictest of the pack holds: the hours that all of its rows have in common,
and every limit and consent of it.

A rule holds from its `from` on. Of several rows of one place all hold that have begun, so a later row can only be stricter: a law
that is relaxed is a new version of the pack.
"""

from dataclasses import dataclass
from typing import NamedTuple

from engine.caps import Cap
from engine.delays import parse_ms
from engine.layers import Day, Layer, day_of
from engine.rulepack import Attempts, Kind, Pack, Purpose, Rule
from engine.time import DAY
from engine.weekly import Weekly, parse_weekly


class Needed(NamedTuple):
    """A consent that is needed, and the rule that says so. since: campaign ms, from when on."""

    kind: Kind  # express or express_written
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
        if self._uncovered(jurisdictions):
            layers |= dict.fromkeys(strictest(self.pack))
        return tuple(layers)

    def common(self) -> tuple[Layer, ...]:
        """The hours that hold for everybody: the country's."""
        return tuple(_layer(rule) for rule in self.pack.rules if rule.hours and rule.jurisdiction == self.pack.country)

    def caps(self, jurisdictions: tuple[str, ...]) -> tuple[Cap, ...]:
        """Limits of attempts, for each number and each person alike. They hold from their first day on, whatever came before."""
        caps = dict.fromkeys(_cap(rule, rule.attempts, name_of(rule)) for rule in self._of(jurisdictions) if rule.attempts)
        if self._uncovered(jurisdictions):
            name = f"the strictest limits of pack {self.pack.pack} {self.pack.version}"
            caps |= dict.fromkeys(_cap(rule, rule.attempts, name) for rule in self.pack.rules if rule.attempts)
        return tuple(caps)

    def consent(self, jurisdictions: tuple[str, ...]) -> tuple[Needed, ...]:
        """The consents that are needed, each from its day on; none: no rule asks for any."""
        rules = self.pack.rules if self._uncovered(jurisdictions) else self._of(jurisdictions)
        kinds = ((rule, rule.consent.get(self.purpose, "none")) for rule in rules if rule.consent)
        return tuple(Needed(kind, rule.source, _since(rule) * DAY) for rule, kind in kinds if kind != "none")

    def _of(self, jurisdictions: tuple[str, ...]) -> list[Rule]:
        """The country's rules and those of the places: a person of elsewhere is measured by the country's too."""
        return [rule for rule in self.pack.rules if rule.jurisdiction == self.pack.country or rule.jurisdiction in jurisdictions]

    def _uncovered(self, jurisdictions: tuple[str, ...]) -> bool:
        return not jurisdictions or any(not covers(self.pack, place) for place in jurisdictions)


def covers(pack: Pack, place: str) -> bool:
    """Whether the pack knows the hours of a place by rows of its own. The country alone is a state that nobody knows."""
    if place == pack.country and pack.divisions:
        return False
    return any(rule.jurisdiction == place for rule in pack.rules if rule.hours)


def strictest(pack: Pack) -> tuple[Layer, ...]:
    """What all hours of the pack have in common, on the person's own clock."""
    name = f"the strictest hours of pack {pack.pack} {pack.version}"
    rows = [rule for rule in pack.rules if rule.hours]
    return tuple(dict.fromkeys(Layer("law", name, _weekly(rule), tuple(rule.holidays), since=_since(rule)) for rule in rows))


def name_of(rule: Rule) -> str:
    """`law US-FL mon-sun 08:00-20:00 (Fla. Stat. 501.616(6)(a))`, with a mark if nobody has reviewed it; of hours the hours too."""
    hours = f" {said_of(rule)}" if rule.hours else ""
    return f"law {rule.jurisdiction}{hours} ({rule.source}{'' if rule.reviewed else ', not reviewed'})"


def said_of(rule: Rule) -> str:
    """What a rule says, in a few words: `mon-sat 08:00-20:00, America/Chicago`, `3 attempts per 24h`, `marketing: express`."""
    if rule.hours:
        days = (f"{days} {', '.join(spans)}" for days, spans in rule.hours.items())
        closed = (f"closed on {preset} holidays" for preset in rule.holidays)
        return "; ".join([", ".join([*days, *([rule.zone] if rule.zone else [])]), *closed])
    if rule.attempts:
        return f"{rule.attempts.max} attempts per {rule.attempts.per}"
    return ", ".join(f"{purpose}: {kind.replace('_', ' ')}" for purpose, kind in (rule.consent or {}).items())


def _layer(rule: Rule) -> Layer:
    return Layer("law", name_of(rule), _weekly(rule), tuple(rule.holidays), zone=rule.zone, since=_since(rule))


def _cap(rule: Rule, limit: Attempts, name: str) -> Cap:
    return Cap(limit.max, parse_ms(limit.per), everywhere=True, name=name, since=_since(rule) * DAY)


def _weekly(rule: Rule) -> Weekly:
    return parse_weekly(rule.hours or {})


def _since(rule: Rule) -> Day:
    return day_of(rule.since.isoformat())
