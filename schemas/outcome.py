"""The one closing record of each command. Topic `call-outcomes`, keyed by contact id. A public contract."""

from schemas.base import Record


class Outcome(Record, kw_only=True, frozen=True):
    """How a command ended: a disposition, or `not_dialed` with its reason and the earliest next instant.

    Written by the dialer alone, once per dial_id (a repeat after a crash has the same event_id).
    """

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
    disposition: str  # engine/retries.py
    reason: str | None = None  # of not_dialed: the gate's check, or revoked, handed_over, slot
    retry_at: int | None = None  # campaign ms: earliest next instant of a not_dialed; None: when `reason` has passed
    ends: str | None = None  # exit reason, if the gate said never
    caller: str | None = None
    provider_call_id: str | None = None
    opt_out: str | None = None
    callback_at: str | None = None
    requested_at: int | None = None  # campaign ms
    ended_at: int  # campaign ms: waits count from here
    talk_ms: int | None = None

    @property
    def key(self) -> str:
        return self.contact_id
