"""What could not be used. Topic `dead-letters`, keyed by the source key: the untouched bytes and why they were refused."""

from schemas.base import Record


class DeadLetter(Record, kw_only=True, frozen=True):
    """A record that was refused. `key_base64` and `value_base64` are its bytes as they lay on the topic."""

    topic: str  #: where it lay
    partition: int  #: where it lay
    offset: int  #: where it lay; -1: it lay nowhere, see `name`
    reason: str  #: one sentence: why it could not be used
    error: str  #: class of the error
    key_base64: str | None = None  #: its key, untouched
    value_base64: str | None = None  #: its value, untouched; of a very long one the first 600 kB
    at: int = 0  #: real UTC ms, when it was refused
    name: str | None = None  #: of what lay on no topic, as a post-call action that was given up: its id

    @property
    def key(self) -> str:
        return f"{self.topic}/{self.partition}/{self.name or self.offset}"
