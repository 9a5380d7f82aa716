"""What the simulator tells of a request that it took: of a call, how it ended; of a message, what became of it."""

from datetime import UTC, datetime

from msgspec.structs import replace

from engine.retries import Disposition
from providers.mix import Fate
from providers.simlog import Entry
from providers.simwire import News

#: Nobody listens there: the recordings of calls that never were.
RECORDINGS = "https://recordings.simulator.example"
_HOW = {
    Disposition.ANSWERED: "A person answered and talked for {} s.",
    Disposition.ANSWERED_SILENT: "Somebody picked up and said nothing.",
    Disposition.VOICEMAIL: "A machine answered; a message was left.",
}


def accepted(entry: Entry) -> News:
    """A call that is going on, or a message."""
    kind = "call.accepted" if entry.channel == "call" else "message.accepted"
    return News(type=kind, dial_id=entry.dial_id, to=entry.number, call_id=entry.call_id)


def ended(entry: Entry) -> News:
    """How a call ended, or what became of a message."""
    news = replace(accepted(entry), disposition=entry.disposition, ended_at=entry.ends_at, opt_out=entry.opt_out, cost=entry.cost)
    if entry.channel != "call":
        return replace(news, type="message.status", permanent=entry.permanent)
    return replace(
        news,
        type="call.ended",
        callback_at=callback_at(entry.fate, entry.ends_at),
        started_at=entry.received_campaign_ms,
        talk_ms=entry.talk_ms,
        recording_url=recording_url(entry.call_id, entry.fate),
        summary=summary(entry.fate),
    )


def callback_at(fate: Fate, ended_at: int) -> str | None:
    """When the person wants to be called back, ISO 8601."""
    if fate.callback_ms is None:
        return None
    return datetime.fromtimestamp((ended_at + fate.callback_ms) / 1000, UTC).isoformat()


def recording_url(call_id: str, fate: Fate) -> str | None:
    """Where the recording of a call would be, if anything was said."""
    return f"{RECORDINGS}/{call_id}.wav" if fate.disposition in _HOW else None


def summary(fate: Fate) -> str | None:
    """What was talked about, in a sentence or two."""
    if fate.disposition not in _HOW:
        return None
    asked = " They asked not to be contacted again." if fate.opt_out else ""
    asked += " They asked to be called back." if fate.callback_ms is not None else ""
    return _HOW[Disposition(fate.disposition)].format(round(fate.talk_ms / 1000)) + asked
