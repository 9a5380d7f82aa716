"""The one closing record of each command. Topic `call-outcomes`, keyed by contact id. A public contract."""

from schemas.base import Record


class Outcome(Record, kw_only=True, frozen=True):
    """How a command ended: a disposition, or `not_dialed` with its reason and the earliest next instant.

    Written by the dialer alone, once per dial_id (a repeat after a crash has the same event_id).
    """

    dial_id: str  #: the command: hash of enrollment_id and seq
    enrollment_id: str  #: hash of contact, campaign and entry
    contact_id: str  #: who
    campaign: str  #: id of the campaign
    version: int  #: version of the campaign file the person entered with
    entry: int  #: which passage of the person through the campaign, from 1
    step: str  #: id of the step
    seq: int  #: number of the command within the enrollment, from 1
    channel: str  #: call, sms or email
    address: str  #: number (E.164) or email address that was, or was not, contacted
    disposition: str  #: how it ended: engine/retries.py lists them; expect further ones
    reason: str | None = None  #: of not_dialed: the gate's check, revoked, handed_over, not_requested; of unknown: what is missing
    retry_at: int | None = None  #: of not_dialed, campaign ms: not before this; left out: when what `reason` names has passed
    ends: str | None = None  #: exit reason, if the gate said never
    skips: str | None = None  #: why the step is passed over, if the gate said never of its channel alone
    attempt_at: int | None = None  #: campaign ms from which it counts against limits; left out: it never reached the network
    caller: str | None = None  #: caller ID, E.164
    provider_call_id: str | None = None  #: the provider's own id
    opt_out: str | None = None  #: scope in which the person asked not to be contacted again
    callback_at: str | None = None  #: when the person asked to be called back, as the provider wrote it
    requested_at: int | None = None  #: campaign ms, when the provider was asked
    ended_at: int  #: campaign ms, end of the call: waits count from here
    talk_ms: int | None = None  #: campaign ms spent talking
    recording_url: str | None = None  #: where the provider keeps the recording
    summary: str | None = None  #: what was talked about, in the provider's words
    cost: int | None = None  #: millionths of the provider's unit of currency
    action: str | None = None  #: of a message that was a post-call action: its action_id; it is of no step of the flow

    @property
    def key(self) -> str:
        return self.contact_id
