"""Agents, caller IDs and lines by name, as campaigns refer to them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.callers import caller_of
from engine.plan import Plan
from engine.pools import Pool
from schemas.resources import Agent, Held, Line, Number


@dataclass(frozen=True, slots=True)
class ResourceIndex:
    """Everything that is declared."""

    agents: Mapping[str, Agent] = field(default_factory=dict)
    numbers: Mapping[str, Number] = field(default_factory=dict)  # by E.164
    lines: Mapping[str, Line] = field(default_factory=dict)

    @classmethod
    def of(cls, resources: Iterable[Held]) -> "ResourceIndex":
        """The index of resources in any order; of two with one name the later counts."""
        found = list(resources)
        return cls(
            agents={r.id: r for r in found if isinstance(r, Agent)},
            numbers={r.number: r for r in found if isinstance(r, Number)},
            lines={r.id: r for r in found if isinstance(r, Line)},
        )

    @property
    def tags(self) -> frozenset[str]:
        """All tags that some number has."""
        return frozenset(tag for number in self.numbers.values() for tag in number.tags)

    def numbers_for(self, plan: Plan) -> tuple[str, ...]:
        """The plan's caller IDs (E.164), sorted: by its tag, or those of its list that are still declared."""
        if plan.numbers_tag is not None:
            return tuple(sorted(e164 for e164, number in self.numbers.items() if plan.numbers_tag in number.tags))
        return tuple(sorted(e164 for e164 in set(plan.numbers_list) if e164 in self.numbers))

    @property
    def capped(self) -> bool:
        """Whether any number has a daily cap."""
        return any(number.daily_cap is not None for number in self.numbers.values())

    def pool_for(self, plan: Plan) -> Pool:
        """The plan's caller IDs, as they are chosen from."""
        return Pool((caller_of(self.numbers[e164]) for e164 in self.numbers_for(plan)), plan.presence, plan.rotate)
