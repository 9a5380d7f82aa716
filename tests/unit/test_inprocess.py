"""The in-process provider and the fates it shares with the simulator."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.time import Instant
from outdial.clock import AcceleratedClock, Anchor, SystemClock
from providers.inprocess import InProcess
from providers.mix import PRESETS, Fate, Mix, call_fate, email_fate, message_fate, read_mix
from providers.port import Provider, Request
from schemas.receipt import Receipt, ReceiptKind

NOON = 1_795_521_600_000


def numbers(n: int) -> list[str]:
    return [f"+1212555{i:04d}" for i in range(n)]


def fates(mix: Mix, n: int, seed: int = 1, attempt: int = 1) -> list[Fate]:
    return [call_fate(mix, seed, number, attempt, 30_000, 3_600_000) for number in numbers(n)]


async def dial(provider: Provider, dial_id: str = "d1", address: str = "+12125550101", channel: str = "call") -> Receipt:
    return await provider.request(Request(dial_id=dial_id, channel=channel, address=address))


# --- fates ---


def test_a_fate_is_the_same_in_every_run() -> None:
    assert fates(Mix(), 200) == fates(Mix(), 200)
    assert fates(Mix(), 200) != fates(Mix(), 200, seed=2)
    assert fates(Mix(), 200) != fates(Mix(), 200, attempt=2)


def test_dispositions_come_in_the_shares_that_were_asked_for() -> None:
    mix, n = Mix(), 8_000
    count = Counter(fate.disposition for fate in fates(mix, n))
    total = sum(mix.calls.values())
    for disposition, weight in mix.calls.items():
        assert count[disposition] / n == pytest.approx(weight / total, abs=0.015), disposition


def test_an_invalid_number_stays_invalid_and_a_valid_one_valid() -> None:
    mix = Mix(calls={"answered": 1, "invalid_number": 1})
    first, second = fates(mix, 300, attempt=1), fates(mix, 300, attempt=2)
    assert [fate.disposition for fate in first] == [fate.disposition for fate in second]
    assert {fate.disposition for fate in first} == {"answered", "invalid_number"}


def test_only_answered_calls_carry_requests() -> None:
    some = fates(Mix(opt_out=0.2, callback=0.3), 2_000)
    assert {fate.disposition for fate in some if fate.opt_out or fate.callback_ms} == {"answered"}
    answered = [fate for fate in some if fate.disposition == "answered"]
    assert sum(fate.opt_out == "all" for fate in answered) / len(answered) == pytest.approx(0.2, abs=0.05)
    assert sum(fate.callback_ms is not None for fate in answered) / len(answered) == pytest.approx(0.3, abs=0.06)


def test_times_keep_to_what_was_asked_for() -> None:
    for number in numbers(500):
        fate = call_fate(Mix(), 1, number, 1, 12_000, 9_000)
        assert 0 < fate.ring_ms <= 12_000
        assert 0 <= fate.talk_ms <= 9_000
    assert all(fate.ring_ms == 30_000 and not fate.talk_ms for fate in fates(PRESETS["no-answer"], 20))


def test_a_disposition_nobody_has_heard_of_is_data() -> None:
    assert {fate.disposition for fate in fates(Mix(calls={"line_of_sight": 1}), 5)} == {"line_of_sight"}


def test_messages_have_fates_of_their_own() -> None:
    assert {message_fate(Mix(), 1, number, 1).disposition for number in numbers(500)} == set(Mix().messages)


def test_a_mix_comes_from_a_preset_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mix.yaml"
    path.write_text("calls: {busy: 2, answered: 1}\nopt_out: 0.5\n")
    assert read_mix(str(path)) == Mix(calls={"busy": 2, "answered": 1}, opt_out=0.5)
    assert read_mix("answered") is PRESETS["answered"]


@pytest.mark.parametrize("text", ["calls: {busy: -1}", "calls: {}", "opt_out: 2", "speed: 3", "[", "just text"])
def test_a_mix_that_cannot_be_used_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mix.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"--mix .*mix\.yaml"):
        read_mix(str(path))
    with pytest.raises(UsageError, match="neither a preset"):
        read_mix(str(tmp_path / "missing"))


# --- the adapter ---


def test_instantly_a_call_ends_after_its_request_was_answered() -> None:
    async def run() -> tuple[Receipt, list[Receipt], InProcess]:
        ended: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        provider = InProcess(SystemClock(), ended.set_result, instant=True, mix=PRESETS["answered"])
        accepted = await dial(provider)
        assert not ended.done()
        return accepted, [await ended, await provider.lookup("d1", "+12125550101")], provider

    accepted, (told, found), provider = asyncio.run(run())
    assert (accepted.kind, accepted.source) == (ReceiptKind.ACCEPTED, "request")
    assert (told.kind, told.disposition, told.provider_call_id) == (ReceiptKind.ENDED, "answered", accepted.provider_call_id)
    assert told.talk_ms
    assert told.started_at
    assert told.ended_at
    assert found == told
    assert [(taken.dial_id, taken.address) for taken in provider.requests] == [("d1", "+12125550101")]


def test_on_the_clock_a_call_takes_its_time() -> None:
    async def run() -> tuple[Receipt, int]:
        clock = AcceleratedClock(Anchor(Instant(NOON), SystemClock().real_us(), 100_000))
        ended: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        provider = InProcess(clock, ended.set_result, script=lambda *_: Fate("busy", ring_ms=2_000, talk_ms=0))
        await dial(provider)
        assert (await provider.lookup("d1", "+12125550101")).kind == ReceiptKind.ACCEPTED
        return await ended, clock.now()

    told, now = asyncio.run(run())
    assert told.started_at is not None
    assert told.ended_at == told.started_at + 2_000 <= now


def test_what_is_refused_never_rang() -> None:
    async def run() -> tuple[Receipt, Receipt, InProcess]:
        provider = InProcess(SystemClock(), mix=PRESETS["failing"])
        return await dial(provider), await provider.lookup("d1", "+12125550101"), provider

    refused, found, provider = asyncio.run(run())
    assert (refused.kind, refused.disposition) == (ReceiptKind.REJECTED, "provider_error")
    assert found.kind == ReceiptKind.NOT_FOUND
    assert provider.requests == []


def test_a_repeated_dial_id_is_two_calls_and_a_repeated_statement_one_event() -> None:
    async def run() -> tuple[list[Receipt], list[Receipt], InProcess]:
        provider = InProcess(SystemClock())
        taken = [await dial(provider) for _ in range(2)]
        looked = [await provider.lookup("other", "+12125550101") for _ in range(2)]
        await provider.close()
        return taken, looked, provider

    taken, looked, provider = asyncio.run(run())
    assert [request.dial_id for request in provider.requests] == ["d1", "d1"]
    assert taken[0].event_id != taken[1].event_id
    assert looked[0].event_id == looked[1].event_id


def test_a_message_is_accepted_first_and_delivered_later() -> None:
    async def run() -> tuple[Receipt, Receipt]:
        told: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        provider = InProcess(SystemClock(), told.set_result, instant=True, mix=PRESETS["answered"])
        return await dial(provider, channel="sms"), await told

    accepted, status = asyncio.run(run())
    assert accepted.kind == ReceiptKind.ACCEPTED
    assert (status.kind, status.disposition) == (ReceiptKind.STATUS, "delivered")


def test_an_email_bounces_and_a_call_brings_what_was_said() -> None:
    async def run(channel: str, address: str, mix: Mix) -> tuple[Receipt, Receipt]:
        told: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        provider = InProcess(SystemClock(), told.set_result, instant=True, mix=mix)
        return await dial(provider, address=address, channel=channel), await told

    accepted, status = asyncio.run(run("email", "ana@example.com", Mix(emails={"undelivered": 1}, permanent=1)))
    assert (accepted.cost, status.kind, status.disposition, status.permanent) == (400, ReceiptKind.STATUS, "undelivered", True)
    _, ended = asyncio.run(run("call", "+12125550101", Mix(calls={"answered": 1}, opt_out=0)))
    assert (ended.summary, ended.recording_url) != (None, None)
    assert ended.talk_ms is not None
    assert ended.cost == 14_000 * -(-ended.talk_ms // 60_000)


def test_an_email_may_be_unsubscribed_from_and_a_mailbox_that_is_none_stays_none() -> None:
    mix = Mix(emails={"delivered": 1, "undelivered": 1}, unsubscribe=1, permanent=0.5)
    first = {n: email_fate(mix, 1, f"p{n}@example.com", 1) for n in range(300)}
    assert {fate.opt_out for fate in first.values() if fate.disposition == "delivered"} == {"channel:email"}
    later = {n: email_fate(mix, 1, f"p{n}@example.com", 2) for n in range(300)}
    both = [n for n in first if first[n].disposition == later[n].disposition == "undelivered"]
    assert {first[n].permanent for n in both} == {True, False}
    assert all(first[n].permanent == later[n].permanent for n in both)
