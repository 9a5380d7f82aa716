"""The baseline of bench/lane.py: the same one-call campaign as an app of the Faust that its documentation teaches.

Models are `faust.Record`, one agent a topic with `async for`, state in `app.Table` with changelogs (memory store), records sent one
by one with `await topic.send`, everything else as it comes (acks=all is Faust's default). The provider is in the process, as in
the product's run. It writes what the product writes for each person: the same topics, the same number of records.

It is given every advantage that costs it nothing: no windows, no pacing, no reports to a line's owner, one check for a gate, ids
without hashes. And it promises less: a crash between a dial command and its row calls a person twice.

`python -m faust -A bench.idiomatic:app worker`, with BENCH_BOOTSTRAP, BENCH_DATADIR.
"""

import asyncio
import os
import time
from random import Random
from typing import Any

import faust

PREFIX = "idiomatic-"
PARTITIONS = 8

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


class Profile(faust.Record):
    contact_id: str
    phone: str
    zones: list[str]


class Row(faust.Record):
    contact_id: str
    campaign: str
    state: str
    step: str
    seq: int
    due: float
    attempts: int = 0
    dial_id: str | None = None
    address: str | None = None
    exit: str | None = None


class Command(faust.Record):
    kind: str  # dial | link | unlink
    contact_id: str
    address: str
    campaign: str | None = None
    dial_id: str | None = None
    at: float | None = None


class Ledger(faust.Record):
    address: str
    contact_id: str
    dial_id: str
    campaign: str
    state: str
    disposition: str | None = None


class Receipt(faust.Record):
    kind: str  # accepted | ended
    dial_id: str
    address: str
    disposition: str | None = None
    at: float | None = None


class Outcome(faust.Record):
    dial_id: str
    contact_id: str
    campaign: str
    disposition: str
    ended_at: float


class Event(faust.Record):
    kind: str
    contact_id: str
    campaign: str
    at: float
    reason: str | None = None


class Decision(faust.Record):
    dial_id: str
    address: str
    ok: bool
    answers: list[str]


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
        profiles[contact.id] = Profile(contact_id=contact.id, phone=contact.phone, zones=[contact.timezone])
        row = rows.get(contact.id)
        if row is not None and row.state == "awaiting_contact":
            await start(contact.id, row.campaign)


@app.agent(enrollments)
async def on_enrollment(stream: Any) -> None:
    async for asked in stream:
        if asked.contact_id in rows:
            continue
        await tell("enrolled", asked.contact_id, asked.campaign)
        if asked.contact_id in profiles:
            await start(asked.contact_id, asked.campaign)
        else:
            rows[asked.contact_id] = Row(asked.contact_id, asked.campaign, "awaiting_contact", "", 1, 0.0)


async def start(contact_id: str, campaign: str) -> None:
    """The first step falls due at once, and may be taken at once."""
    phone = profiles[contact_id].phone
    row = rows[contact_id] = Row(contact_id, campaign, "waiting", "call", 1, time.time())
    await commands.send(key=phone, value=Command("link", contact_id, phone))
    dial_id = f"{contact_id}/{campaign}/{row.seq}"
    rows[contact_id] = row.derive(state="issued", dial_id=dial_id, address=phone)
    await commands.send(key=phone, value=Command("dial", contact_id, phone, campaign, dial_id, time.time()))


async def tell(kind: str, contact_id: str, campaign: str, reason: str | None = None) -> None:
    await events.send(key=contact_id, value=Event(kind, contact_id, campaign, time.time(), reason))


# --- dialer -----------------------------------------------------------------------------------------------------------------------


@app.agent(commands)
async def on_command(stream: Any) -> None:
    async for command in stream:
        name = f"{command.address}|{command.contact_id}"
        if command.kind == "link":
            links[name] = command.contact_id
        elif command.kind == "unlink":
            links.pop(name, None)
        else:
            await dial(command)


async def dial(command: Command) -> None:
    known = ledger.get(command.address)
    ok = known is None or known.state == "settled"
    await decisions.send(key=command.address, value=Decision(command.dial_id, command.address, ok, ["number_free"]))
    if ok:
        ledger[command.address] = Ledger(command.address, command.contact_id, command.dial_id, command.campaign, "reserved")
        await request(command)


async def request(command: Command) -> None:
    """The provider, in the process: it accepts, and the call has ended as soon as the loop turns."""
    accepted = Receipt("accepted", command.dial_id, command.address, None, time.time())
    await receipts.send(key=command.address, value=accepted)
    asyncio.get_running_loop().create_task(end(command))


async def end(command: Command) -> None:
    disposition = Random(command.dial_id).choice(("answered", "no_answer", "voicemail", "busy"))
    await receipts.send(key=command.address, value=Receipt("ended", command.dial_id, command.address, disposition, time.time()))


@app.agent(receipts)
async def on_receipt(stream: Any) -> None:
    async for receipt in stream:
        row = ledger.get(receipt.address)
        if row is None or row.dial_id != receipt.dial_id or row.state == "settled":
            continue
        if receipt.kind == "accepted":
            ledger[receipt.address] = row.derive(state="accepted")
            continue
        ledger[receipt.address] = row.derive(state="settled", disposition=receipt.disposition)
        closing = Outcome(row.dial_id, row.contact_id, row.campaign, receipt.disposition, receipt.at)
        await outcomes.send(key=row.contact_id, value=closing)


# --- outcomes ---------------------------------------------------------------------------------------------------------------------


@app.agent(outcomes)
async def on_outcome(stream: Any) -> None:
    async for outcome in stream:
        row = rows.get(outcome.contact_id)
        if row is None or row.dial_id != outcome.dial_id:
            continue
        reason = "answered" if outcome.disposition == "answered" else "completed"
        await tell("call_ended", row.contact_id, row.campaign)
        leaving = rows[row.contact_id] = row.derive(state="exiting", attempts=row.attempts + 1, dial_id=None, exit=reason)
        await tell("exited", row.contact_id, row.campaign, reason)
        rows[row.contact_id] = leaving.derive(state="exited")
        await commands.send(key=row.address, value=Command("unlink", row.contact_id, row.address))


if __name__ == "__main__":
    app.main()
