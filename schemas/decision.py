"""Why a call was, or was not, placed. Topic `decisions`, keyed by address: gate evaluations that changed something."""

import msgspec

from schemas.base import Record


class AnswerRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One check's answer. ok None: not asked here. until: campaign ms, `when:<event>` or `never`."""

    check: str
    ok: bool | None
    until: int | str | None = None
    detail: str | None = None


class Decision(Record, kw_only=True, frozen=True):
    """The whole vector of answers of one evaluation of the gate."""

    dial_id: str
    address: str
    contact_id: str
    campaign: str
    version: int
    point: str  # reserve | request
    ok: bool
    answers: tuple[AnswerRecord, ...]
    at: int  # campaign ms

    @property
    def key(self) -> str:
        return self.address
