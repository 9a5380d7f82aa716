"""What could not be used. Topic `dead-letters`, keyed by the source key: the untouched bytes and why they were refused."""

from schemas.base import Record


class DeadLetter(Record, kw_only=True, frozen=True):
    """A record that was refused. `key_base64` and `value_base64` are its bytes as they lay on the topic."""

    topic: str
    partition: int
    offset: int
    reason: str  # one sentence
    error: str  # class of the error
    key_base64: str | None = None
    value_base64: str | None = None
    at: int = 0  # real ms

    @property
    def key(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"
