"""Why a call was, or was not, placed. Topic `decisions`, keyed by address: gate evaluations that changed something."""

import msgspec

from schemas.base import Record


class AnswerRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One check's answer. ok None: not asked here. until: campaign ms, `when:<event>` or `never`."""

    check: str  #: which check of the gate: lifecycle, suppression, window ... (engine/gate.py)
    ok: bool | None  #: the answer; null: not asked here
    until: int | str | None = None  #: of a no: campaign ms when it turns, `when:<event>`, or `never`
    detail: str | None = None  #: what exactly says no, in words; of never at the least the exit reason


class Decision(Record, kw_only=True, frozen=True):
    """The whole vector of answers of one evaluation of the gate."""

    dial_id: str = ""  #: the command; left out: a step fell due and was refused, before there was any
    enrollment_id: str = ""  #: hash of contact, campaign and entry
    step: str = ""  #: id of the step
    address: str  #: number, E.164
    contact_id: str  #: who
    campaign: str  #: id of the campaign
    version: int  #: version of its file
    point: str  #: due: the step fell due; reserve: before the attempt was reserved; request: right before the provider was asked
    ok: bool  #: whether every check said yes
    answers: tuple[AnswerRecord, ...]  #: of each check
    at: int  #: campaign ms

    @property
    def key(self) -> str:
        return self.address
