"""The breaker of this worker's provider: fed with what the sender hears, asked by the gate and by the scheduler.

Each worker learns by itself. What one does not send, another may: that costs a refusal, not a call.
"""

import logging

from engine import breaker
from engine.breaker import Breaker, Circuit
from engine.retries import Disposition
from schemas.receipt import Receipt, ReceiptKind

log = logging.getLogger(__name__)

#: What says that the provider itself fails. A refusal for the request's own sake (config_error, invalid_number) shows it at work.
_FAILING = frozenset((Disposition.PROVIDER_ERROR, Disposition.PROVIDER_THROTTLED))
#: Real ms that the scheduler gives the command of a trial to get to its request.
_ON_ITS_WAY = 2_000


class ProviderCircuit:
    """One for all partitions of the worker. Times are real ms."""

    def __init__(self, provider: str = "the provider") -> None:
        self._provider, self._breaker = provider, Breaker()
        self._issued_until = 0

    @property
    def closed(self) -> bool:
        return not self._breaker.pause

    def refused_until(self, now: int) -> int | None:
        """From when on a request may be tried; None: it may be now."""
        return breaker.refused_until(self._breaker, now)

    def not_before(self, now: int) -> int | None:
        """As refused_until, for whoever issues commands: behind a pause one is enough."""
        if self.closed:
            return None
        return max(self.refused_until(now) or 0, self._issued_until if now < self._issued_until else 0) or None

    def issued(self, now: int) -> None:
        """A command is out that may be the trial."""
        if not self.closed:
            self._issued_until = now + _ON_ITS_WAY

    def requested(self, now: int) -> None:
        """A request leaves."""
        self._breaker = breaker.requested(self._breaker, now)

    def heard(self, receipt: Receipt, now: int) -> None:
        """The answer to a request."""
        failed = receipt.kind == ReceiptKind.UNKNOWN or receipt.disposition in _FAILING
        before, self._breaker = self._breaker, breaker.heard(self._breaker, failed, now)
        if before.state is self._breaker.state:
            return
        self._issued_until = 0
        about = {"action": f"provider_{self._breaker.state}", "provider": self._provider}
        if self._breaker.state is Circuit.CLOSED:
            log.warning("%s takes requests again.", self._provider, extra=about)
        elif before.state is Circuit.CLOSED:
            said = receipt.detail or receipt.disposition or receipt.kind
            log.warning("%s fails and is left alone: one request now and then tries it. %s", self._provider, said, extra=about)
