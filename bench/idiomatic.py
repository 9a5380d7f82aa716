"""The baseline of bench/lane.py: the same one-call campaign as an app of the Faust that its documentation teaches.

Models are `faust.Record`, one agent a topic with `async for`, state in `app.Table` with changelogs (memory store), records sent one
by one with `await topic.send`, everything else as it comes (acks=all is Faust's default). The provider is in the process, as in
the product's run. It writes what the product writes for each person: the same topics, the same records with the same fields.

It is given every advantage that costs it nothing: no windows, no pacing, no reports to a line's owner, one check for a gate, and
ids from the product's own functions. And it promises less: a crash between a dial command and its row calls a person twice.

`python -m faust -A bench.idiomatic:app worker`, with BENCH_BOOTSTRAP, BENCH_DATADIR.
"""

import asyncio
import os
import time
from random import Random
from typing import Any

import faust

from engine.answers import CHECKS
from schemas import ids

PREFIX = "idiomatic-"
PARTITIONS = 8
CALLER = "+12125550101"
#: Where a number may be: given, not found out.
PLACES = ["US-NY"]

app = faust.App(
    "idiomatic",
    broker=f"kafka://{os.environ.get('BENCH_BOOTSTRAP', '127.0.0.1:19092')}",
    datadir=os.environ.get("BENCH_DATADIR", ".idiomatic"),
    topic_partitions=PARTITIONS,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)


class Contact(faust.Record):
    id: str
    phone: str
    timezone: str


class Enroll(faust.Record):
    kind: str
    contact_id: str
    campaign: str


class Attempt(faust.Record):
    at: int
    campaign: str
    channel: str
    dial_id: str
    caller: str | None = None


class Profile(faust.Record):
    contact_id: str
    phone: str
    zones: list[str]
    zone_sources: dict[str, list[str]]
    jurisdictions: list[str]
    jurisdiction_sources: dict[str, list[str]]
    attempts: list[Attempt]


class Slot(faust.Record):
    line: str
    epoch: int
    start: int
    end: int
    granted: int


class Open(faust.Record):
    dial_id: str
    channel: str
    address: str
    caller: str
    slot: Slot
    at: int


class Last(faust.Record):
    step: str
    channel: str
    disposition: str
    at: int
    dial_id: str


class Exit(faust.Record):
    reason: str
    cause: str
    at: int


class Row(faust.Record):
    enrollment_id: str
    contact_id: str
    campaign: str
    entry: int
    version: int
    state: str
    step: str = ""
    seq: int = 1
    due: int = 0
    open: Open | None = None
    last: Last | None = None
    attempts: int = 0
    reached: bool = False
    exit: Exit | None = None


class Command(faust.Record):
    kind: str  # dial | link | unlink
    event_id: str
    cause: str
    address: str
    contact_id: str
    dial_id: str | None = None
    enrollment_id: str | None = None
    campaign: str | None = None
    version: int | None = None
    entry: int | None = None
    step: str | None = None
    seq: int | None = None
    channel: str | None = None
    caller: str | None = None
    zones: list[str] | None = None
    jurisdictions: list[str] | None = None
    slot: Slot | None = None
    agent: str | None = None
    at: int | None = None


class Outcome(faust.Record):
    event_id: str
    cause: str
    dial_id: str
    enrollment_id: str
    contact_id: str
    campaign: str
    version: int
    entry: int
    step: str
    seq: int
    channel: str
    address: str
    disposition: str
    caller: str
    attempt_at: int | None = None
    provider_call_id: str | None = None
    requested_at: int | None = None
    ended_at: int = 0
    talk_ms: int | None = None


class Call(faust.Record):
    dial_id: str
    state: str
    channel: str
    contact_id: str
    not_after: int
    deadline: int
    at: int
    accepted: bool = False
    provider_call_id: str | None = None
    requested_by: int | None = None
    template: Outcome | None = None
    closing: Outcome | None = None


class Ledger(faust.Record):
    address: str
    calls: dict[str, Call]
    attempts: list[Attempt]


class Link(faust.Record):
    address: str
    contact_id: str


class Receipt(faust.Record):
    event_id: str
    cause: str
    dial_id: str
    address: str
    kind: str  # accepted | ended
    source: str
    provider_call_id: str | None = None
    disposition: str | None = None
    requested_by: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    talk_ms: int | None = None


class Event(faust.Record):
    event_id: str
    cause: str
    kind: str
    contact_id: str
    enrollment_id: str
    campaign: str
    version: int
    entry: int
    at: int
    step: str | None = None
    data: dict[str, Any] | None = None


class Answer(faust.Record):
    check: str
    ok: bool | None


class Decision(faust.Record):
    event_id: str
    cause: str
    dial_id: str
    address: str
    contact_id: str
    campaign: str
    version: int
    point: str
    ok: bool
    answers: list[Answer]
    at: int


def now() -> int:
    """Milliseconds, as all instants on the records."""
    return int(time.time() * 1000)


def topic(name: str, model: Any) -> Any:
    return app.topic(PREFIX + name, key_type=str, value_type=model)


def table(name: str) -> Any:
    return app.Table(name, partitions=PARTITIONS, key_type=str)


contacts, enrollments = topic("contacts", Contact), topic("enrollments", Enroll)
commands, receipts = topic("dial-commands", Command), topic("dial-receipts", Receipt)
outcomes, events, decisions = topic("call-outcomes", Outcome), topic("campaign-events", Event), topic("decisions", Decision)
profiles, rows, ledger, links = table("contact-profiles"), table("step-timers"), table("dial-ledger"), table("links")


# --- enroll -----------------------------------------------------------------------------------------------------------------------


@app.agent(contacts)
async def on_contact(stream: Any) -> None:
    async for contact in stream:
        sources = {"timezone": [contact.timezone]}
        profiles[contact.id] = Profile(contact.id, contact.phone, [contact.timezone], sources, PLACES, {"phone": PLACES}, [])
        row = rows.get(contact.id)
        if row is not None and row.state == "awaiting_contact":
            await start(row)


@app.agent(enrollments)
async def on_enrollment(stream: Any) -> None:
    async for asked in stream:
        if asked.contact_id in rows:
            continue
        row = Row(
            ids.enrollment_id(asked.contact_id, asked.campaign, 1), asked.contact_id, asked.campaign, 1, 1, "awaiting_contact"
        )
        await tell(row, "enrolled", row.enrollment_id, now())
        if asked.contact_id in profiles:
            await start(row)
        else:
            rows[asked.contact_id] = row


async def start(row: Row) -> None:
    """The first step falls due at once, and may be taken at once."""
    phone, at = profiles[row.contact_id].phone, now()
    row = rows[row.contact_id] = row.derive(state="waiting", step="call", due=at)
    await commands.send(key=phone, value=command(row, "link", phone))
    await tell(row, "step_due", f"{row.enrollment_id}/call/{row.seq}", at, "call", due=at)
    slot = Slot("main", 1, at * 1000, (at + 900) * 1000, at * 1000)
    opened = Open(ids.dial_id(row.enrollment_id, row.seq), "call", phone, CALLER, slot, at)
    row = rows[row.contact_id] = row.derive(state="issued", open=opened)
    dial = command(row, "dial", phone).derive(
        dial_id=opened.dial_id, enrollment_id=row.enrollment_id, campaign=row.campaign, version=1, entry=1, step="call",
        seq=row.seq, channel="call", caller=CALLER, zones=["UTC"], jurisdictions=PLACES, slot=slot, agent="robin", at=at,
    )  # fmt: skip
    await commands.send(key=phone, value=dial)


def command(row: Row, kind: str, address: str) -> Command:
    event = ids.event_id(row.enrollment_id, kind, address)
    return Command(kind, event, row.enrollment_id, address, row.contact_id)


async def tell(row: Row | Outcome, kind: str, cause: str, at: int, step: str | None = None, **data: Any) -> None:
    event = ids.event_id(cause, kind, row.enrollment_id)
    await events.send(
        key=row.contact_id,
        value=Event(event, cause, kind, row.contact_id, row.enrollment_id, row.campaign, 1, 1, at, step, data),
    )


# --- dialer -----------------------------------------------------------------------------------------------------------------------


@app.agent(commands)
async def on_command(stream: Any) -> None:
    async for asked in stream:
        name = f"{asked.address}|{asked.contact_id}"
        if asked.kind == "link":
            links[name] = Link(asked.address, asked.contact_id)
        elif asked.kind == "unlink":
            links.pop(name, None)
        else:
            await dial(asked)


async def dial(asked: Command) -> None:
    known, at = ledger.get(asked.address), now()
    ok = known is None or all(call.state == "settled" for call in known.calls.values())
    event = ids.event_id(asked.dial_id, "decision", "reserve")
    decision = Decision(
        event, asked.event_id, asked.dial_id, asked.address, asked.contact_id, asked.campaign, 1, "reserve", ok,
        [Answer(check, ok) for check in CHECKS], at,
    )  # fmt: skip
    await decisions.send(key=asked.address, value=decision)
    if ok:
        late = at + 2_000
        call = Call(
            asked.dial_id, "reserved", "call", asked.contact_id, late, at + 4_000, at, requested_by=late, template=template(asked)
        )
        before = known or Ledger(asked.address, {}, [])
        ledger[asked.address] = before.derive(calls={**before.calls, asked.dial_id: call})
        await request(asked)


def template(asked: Command) -> Outcome:
    return Outcome(
        "", "", asked.dial_id, asked.enrollment_id, asked.contact_id, asked.campaign, 1, 1, asked.step, asked.seq, "call",
        asked.address, "unknown", asked.caller,
    )  # fmt: skip


async def request(asked: Command) -> None:
    """The provider, in the process: it accepts, and the call has ended as soon as the loop turns."""
    event = ids.event_id(asked.dial_id, "accepted", asked.dial_id)
    accepted = Receipt(
        event, asked.dial_id, asked.dial_id, asked.address, "accepted", "request", f"call-{asked.contact_id}", requested_by=now()
    )
    await receipts.send(key=asked.address, value=accepted)
    asyncio.get_running_loop().create_task(end(asked, now()))


async def end(asked: Command, began: int) -> None:
    disposition = Random(asked.dial_id).choice(("answered", "no_answer", "voicemail", "busy"))
    event = ids.event_id(asked.dial_id, "ended", asked.dial_id)
    ended = Receipt(
        event, asked.dial_id, asked.dial_id, asked.address, "ended", "webhook", f"call-{asked.contact_id}", disposition, None,
        began, now(), 20_000,
    )  # fmt: skip
    await receipts.send(key=asked.address, value=ended)


@app.agent(receipts)
async def on_receipt(stream: Any) -> None:
    async for receipt in stream:
        row = ledger.get(receipt.address)
        call = row.calls.get(receipt.dial_id) if row else None
        if row is None or call is None or call.state == "settled":
            continue
        if receipt.kind == "accepted":
            call = call.derive(accepted=True, provider_call_id=receipt.provider_call_id, requested_by=receipt.requested_by)
            ledger[receipt.address] = row.derive(calls={**row.calls, call.dial_id: call})
            await tell(call.template, "call_placed", call.dial_id, now(), "call", dial_id=call.dial_id, address=row.address)
            continue
        closing = call.template.derive(
            event_id=ids.event_id(call.dial_id, "outcome", call.dial_id), cause=receipt.event_id, disposition=receipt.disposition,
            provider_call_id=receipt.provider_call_id, requested_at=receipt.started_at, ended_at=receipt.ended_at,
            talk_ms=receipt.talk_ms, attempt_at=call.requested_by,
        )  # fmt: skip
        call = call.derive(state="settled", closing=closing, template=None, requested_by=None)
        attempts = [*row.attempts, attempt(closing)]
        ledger[receipt.address] = row.derive(calls={**row.calls, call.dial_id: call}, attempts=attempts)
        await outcomes.send(key=closing.contact_id, value=closing)


def attempt(closing: Outcome) -> Attempt:
    return Attempt(closing.attempt_at, closing.campaign, closing.channel, closing.dial_id, closing.caller)


# --- outcomes ---------------------------------------------------------------------------------------------------------------------


@app.agent(outcomes)
async def on_outcome(stream: Any) -> None:
    async for outcome in stream:
        row = rows.get(outcome.contact_id)
        if row is None or row.open is None or row.open.dial_id != outcome.dial_id:
            continue
        person = profiles[outcome.contact_id]
        profiles[outcome.contact_id] = person.derive(attempts=[*person.attempts, attempt(outcome)])
        reason, cause, at = "answered" if outcome.disposition == "answered" else "completed", outcome.event_id, outcome.ended_at
        await tell(row, "call_ended", cause, at, "call", dial_id=outcome.dial_id, disposition=outcome.disposition)
        last = Last("call", "call", outcome.disposition, at, outcome.dial_id)
        row = rows[row.contact_id] = row.derive(
            state="exiting", seq=2, attempts=1, reached=True, open=None, last=last, exit=Exit(reason, cause, at)
        )
        await tell(row, "exited", cause, at, reason=reason, attempts=1, reached=True)
        rows[row.contact_id] = row.derive(state="exited", last=None)
        await commands.send(key=outcome.address, value=command(row, "unlink", outcome.address))


if __name__ == "__main__":
    app.main()
