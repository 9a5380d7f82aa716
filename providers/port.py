"""The port to whoever places the calls and sends the messages. Nothing outside providers/ knows an adapter but streams/app.py.

An adapter never decides whether to dial and never dials again: it makes one request and says what it learnt, as a receipt. What
it must tell apart is *nobody was dialed* (rejected), *taken* (accepted) and *nobody knows* (unknown), since only the first may be
tried again (design rule 9).
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from schemas import ids
from schemas.receipt import Receipt

#: Real ms an adapter waits for the answer to a request. A slot's end plus this is the command's `not_after`.
CLIENT_TIMEOUT_MS = 2_000


class Request(msgspec.Struct, frozen=True, gc=False):
    """One call to place or message to send. Must not leave after `not_after` (real ms)."""

    dial_id: str
    channel: str  # call | sms | email
    address: str
    caller: str | None = None  # E.164 caller ID
    sender: str | None = None  # who an email is from; None: as the provider has it
    agent: str | None = None  # who speaks, for a call
    subject: str | None = None  # of an email
    text: str | None = None  # what a message says
    variables: Mapping[str, Any] = {}
    ring_timeout_ms: int = 30_000  # campaign ms
    max_duration_ms: int = 3_600_000  # campaign ms, from the answer
    not_after: int = 2**53 - 1  # real ms


class Provider(Protocol):
    """An adapter. Its methods run on the worker's event loop and must not block it."""

    name: str
    #: A *not found* of its look-up proves that nobody was dialed.
    authoritative: bool
    #: It reaches real people: refused on a clock that is not real.
    real: bool

    async def start(self) -> None:
        """Opens connections. A provider that is not there yet is no error."""
        ...

    async def close(self) -> None:
        """Closes what `start` opened; requests that are out end as unknown."""
        ...

    async def request(self, request: Request) -> Receipt:
        """Makes the request once and never raises (but when cancelled).

        accepted; rejected with provider_error, provider_throttled, config_error or invalid_number, when certainly nobody was
        dialed; unknown, when no answer came in time or the connection broke after the request may have left.
        """
        ...

    async def lookup(self, dial_id: str, address: str) -> Receipt:
        """What became of a command: ended, accepted (still going on, or a message), not_found or unknown. Never raises.

        not_found only from an authoritative look-up: anyone else's is unknown.
        """
        ...


def statement(dial_id: str, address: str, kind: str, source: str, **said: Any) -> Receipt:
    """The receipt of one statement (`said`: fields of Receipt). The same statement about the same dial_id has the same event_id."""
    subject = said.get("provider_call_id") or said.get("disposition") or source
    event_id = ids.event_id(dial_id, kind, subject)
    return Receipt(event_id=event_id, cause=dial_id, dial_id=dial_id, address=address, kind=kind, source=source, **said)
