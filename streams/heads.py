"""The campaigns and resources that every stage looks at: read whole before a worker starts, followed for its life.

`campaigns` and `resources` have one partition each and are read outside the consumer group, so that every worker has all of them
(design rule 16). A version is compiled once; a head is whatever its newest record says.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import TypeAdapter, ValidationError

from engine.callers import caller_of
from engine.compile import ResourceIndex, compile_plan
from engine.errors import OutdialError, RecordError
from engine.lifecycle import leaves_the_end
from engine.pauses import consequential
from engine.plan import Contacting, Plan
from engine.pools import Pool
from engine.quotas import Budget, Quota
from schemas.campaign import CampaignHead, CampaignState, CampaignVersion, Pause
from schemas.resources import Halt, Held, Line, Number, SuppressionList
from schemas.topics import CAMPAIGNS, RESOURCES, TOPICS

log = logging.getLogger(__name__)

_RESOURCE: TypeAdapter[Held] = TypeAdapter(Held)
_PARTITIONS = (TopicPartition(RESOURCES.name, 0), TopicPartition(CAMPAIGNS.name, 0))


class Heads:
    """Campaign heads, plans and resources, as of the newest records read."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: Any = None
        self._follower: asyncio.Task[None] | None = None
        self._moved = asyncio.Condition()
        self._heads: dict[str, CampaignHead] = {}
        self.pauses: dict[str, tuple[Pause, ...]] = {}  # campaigns with such as change when somebody is due
        self.undone: dict[str, CampaignHead] = {}  # ended campaigns whose newest record says otherwise: to be written again
        self._versions: dict[tuple[str, int], CampaignVersion] = {}
        self._plans: dict[tuple[str, int], Plan] = {}
        self._budgets: dict[str, tuple[tuple[str, Budget], ...]] | None = None  # by line; None: to be looked up again
        self._pools: dict[tuple[str, int], Pool] = {}
        self._resources: dict[str, Held] = {}
        self.halts: tuple[Halt, ...] = ()  # all that stand
        self.lists: dict[str, int] = {}  # suppression lists -> of when they are, campaign ms
        self.repair: Callable[[CampaignHead], None] = lambda _: None  # writes a head that must hold
        self._changed: list[Callable[[CampaignHead], None]] = []
        self._held: list[Callable[[], None]] = []
        self._renumbered = False  # a caller ID came, changed or went, and nobody has been told yet

    async def start(self) -> None:
        """Reads both topics to their ends. Raises OutdialError if they, or others that a worker needs, do not exist."""
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False, fetch_max_wait_ms=500)
        await self._consumer.start()
        known = await self._consumer.topics()
        if missing := {topic.name for topic in TOPICS} - known:
            await self._consumer.stop()
            raise OutdialError(f"The topics {', '.join(sorted(missing))} do not exist. Create them: outdial topics apply")
        self._consumer.assign(_PARTITIONS)
        await self._consumer.seek_to_beginning(*_PARTITIONS)
        self._follower = asyncio.create_task(self._follow(), name="heads")
        await self.caught_up()

    async def stop(self) -> None:
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    def subscribe(self, changed: Callable[[CampaignHead], None]) -> None:
        """`changed` is called with each head that differs from the one before."""
        self._changed.append(changed)

    def subscribe_held(self, changed: Callable[[], None]) -> None:
        """`changed` is called when halts, imported lists or caller IDs came, changed or went."""
        self._held.append(changed)

    async def caught_up(self) -> None:
        """Returns when all that the topics hold at this moment has been read."""
        ends = await self._consumer.end_offsets(_PARTITIONS)
        positions = {tp: await self._consumer.position(tp) for tp in _PARTITIONS}
        while any(positions[tp] < end for tp, end in ends.items()):
            self._raise_if_dead()
            async with self._moved:
                try:
                    await asyncio.wait_for(self._moved.wait(), 1.0)
                except TimeoutError:
                    log.debug("still reading campaigns and resources")
            positions = {tp: await self._consumer.position(tp) for tp in _PARTITIONS}

    def head(self, campaign: str) -> CampaignHead | None:
        return self._heads.get(campaign)

    def state(self, campaign: str) -> CampaignState:
        """The campaign's state; one that is not known is a draft: nothing is sent for it."""
        head = self._heads.get(campaign)
        return head.state if head else CampaignState.DRAFT

    def starts_at(self, campaign: str) -> int | None:
        """Of a scheduled campaign: from when on it runs, campaign ms."""
        head = self._heads.get(campaign)
        return head.starts_at if head else None

    def plan(self, campaign: str, version: int) -> Plan | None:
        return self._plans.get((campaign, version))

    def quota(self, campaign: str) -> Quota | None:
        """What the campaign may have of its line, by its current version; None if that is not known."""
        head = self._heads.get(campaign)
        plan = head and self._plans.get((campaign, head.version))
        return plan.quota if plan else None

    def budgets(self, line: str) -> tuple[tuple[str, Budget], ...]:
        """The campaigns with a daily budget, by their current versions, of which some version goes by this line."""
        if self._budgets is None:
            found: dict[str, dict[str, Budget]] = {}
            for plan in self._plans.values():
                if (quota := self.quota(plan.campaign)) is not None and quota.budget is not None:
                    found.setdefault(plan.line, {})[plan.campaign] = quota.budget
            self._budgets = {name: tuple(budgets.items()) for name, budgets in found.items()}
        return self._budgets.get(line, ()) if self._budgets else ()

    def line(self, line: str) -> Line | None:
        found = self._resources.get(f"line/{line}")
        return found if isinstance(found, Line) else None

    @property
    def capped(self) -> bool:
        """Whether any caller ID has a daily cap."""
        return self._index().capped

    def pool(self, plan: Plan) -> Pool:
        """The campaign's caller IDs, as they are declared now."""
        found = self._pools.get((plan.campaign, plan.version))
        if found is None:
            found = self._pools[plan.campaign, plan.version] = self._index().pool_for(plan)
        return found

    def _index(self) -> ResourceIndex:
        return ResourceIndex.of(self._resources.values())

    def _raise_if_dead(self) -> None:
        if self._follower is not None and self._follower.done() and (error := self._follower.exception()):
            raise error

    async def _follow(self) -> None:
        while True:
            for tp, records in (await self._consumer.getmany(timeout_ms=1000)).items():
                for record in records:
                    self._take(tp.topic, (record.key or b"").decode(errors="replace"), record.value)
            self.tell_numbers()
            for head in self.undone.values():
                self.repair(head)
            async with self._moved:
                self._moved.notify_all()

    def _take(self, topic: str, key: str, value: bytes | None) -> None:
        """One record; one that cannot be read is logged and leaves what there was."""
        try:
            if topic == RESOURCES.name:
                self._take_resource(key, value)
            elif value is None:
                self._heads.pop(key, None)
            elif "@" in key:
                self._take_version(CampaignVersion.model_validate_json(value))
            else:
                self._take_head(CampaignHead.model_validate_json(value))
        except (ValidationError, OutdialError, RecordError) as error:
            log.error("%s on %s cannot be used: %s", key, topic, error, extra={"action": "head_refused"})

    def _take_resource(self, key: str, value: bytes | None) -> None:
        now = None if value is None else _RESOURCE.validate_json(value)
        if isinstance(now, Number):
            caller_of(now)  # it must be one that can be called from
        before = self._resources.pop(key, None)
        if now is not None:
            self._resources[key] = now
        if before != now and isinstance(now or before, Halt | SuppressionList):
            self._take_held()
        if before != now and isinstance(now or before, Number):
            self._pools.clear()
            self._renumbered = True

    def _take_held(self) -> None:
        """Halts and lists are asked for before each request, and are few."""
        held = self._resources.values()
        self.halts = tuple(each for each in held if isinstance(each, Halt))
        self.lists = {each.id: each.as_of for each in held if isinstance(each, SuppressionList)}
        self._tell_held()

    def tell_numbers(self) -> None:
        """Tells of numbers that have changed: once for all of a file, for everybody is looked at again."""
        if self._renumbered:
            self._renumbered = False
            self._tell_held()

    def _tell_held(self) -> None:
        for changed in self._held:
            changed()

    def _take_version(self, version: CampaignVersion) -> None:
        """A version is immutable: the first record of a key holds."""
        if (version.id, version.version) not in self._plans:
            self._budgets = None
            self._plans[version.id, version.version] = compile_plan(version.file, version.version)

    def _take_head(self, head: CampaignHead) -> None:
        """The newest record holds, unless it leaves the end, which is final: of commands that cross, `stop` wins."""
        before = self._heads.get(head.id)
        if before is not None and leaves_the_end(before, head):
            self.undone[head.id] = before
            return
        self.undone.pop(head.id, None)
        self._heads[head.id], self._budgets = head, None
        self._keep_pauses(head)
        if before is None or _told(before) != _told(head):
            for changed in self._changed:
                changed(head)

    def _keep_pauses(self, head: CampaignHead) -> None:
        matter = consequential(head.pauses)
        if matter and not self._has_late_steps(head.id):  # nothing else asks when somebody is due for the first time
            matter = tuple(pause for pause in matter if pause.policy != "draft")
        if matter:
            self.pauses[head.id] = matter
        else:
            self.pauses.pop(head.id, None)

    def _has_late_steps(self, campaign: str) -> bool:
        plans = (plan for (name, _), plan in self._plans.items() if name == campaign)
        return any(isinstance(step, Contacting) and step.late for plan in plans for step in plan.steps)


def _told(head: CampaignHead) -> tuple[Any, ...]:
    """What of a head makes a difference to people."""
    return head.state, head.version, head.starts_at, head.draining, head.pauses
