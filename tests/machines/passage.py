"""One person's passage through one campaign, as somebody would follow it with a pencil: the model of test_campaign_machine.py.

It knows nothing of rows, tables, records or ids. A flow is a list of steps in the words of the campaign file, with times in ms; the
window is open all day, so that what is due is called, unless the campaign is paused.
"""

from dataclasses import dataclass, field
from typing import Any

M, H = 60_000, 3_600_000

#: Dispositions that the model knows, and what they are. All others are attempts that reach nobody and are not repeated.
ANSWERED, MACHINE = {"answered", "answered_silent"}, {"voicemail", "fax"}
UNRUNG = {"provider_error", "provider_throttled", "config_error", "canceled"}
BAD = {"invalid_number", "fax"}
STRENGTH = ("erased", "opted_out", "goal", "answered", "unreachable", "unenrolled", "expired", "campaign_ended", "completed")


@dataclass
class Passage:
    """steps: the flow. numbers: how many telephones the person has. now: ms."""

    steps: list[dict[str, Any]]
    numbers: int
    now: int
    answers_by_silence: bool = False
    where: str | None = None  # the step the person stands at; None: left
    due: int = 0
    out: bool = False  # a command is out
    left: str | None = None  # the reason, once the person has left or is leaving
    last: str = ""  # disposition of the last attempt
    reached: bool = False
    attempts: int = 0
    callbacks: int = 0
    wanted: int | None = None  # a call that was asked for while another was out
    promised: bool = False
    fell_due: int | None = None
    bad: int = 0  # numbers that are none
    visits: dict[str, int] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)  # of this visit, by disposition
    here: int = 0  # attempts of this visit
    unrung: int = 0
    shifts: list[tuple[int, int]] = field(default_factory=list)  # pauses by whose length all moves that falls due in them
    held_up: list[tuple[int, int, int]] = field(default_factory=list)  # pauses after which old steps are skipped: begin, end, older

    def __post_init__(self) -> None:
        self._go(self.steps[0]["id"], self.now)

    # --- what happens ---

    def look(self, running: bool) -> bool:
        """The person's turn: whether a command goes out now. In a pause nothing moves at all."""
        if not running or self.where is None or self.out or self.left or self.due > self.now:
            return False
        step = self._step()
        if "wait" in step:
            self._go(self._then(), self.due)
            return False
        if self._not_taken(step):
            return False
        if any(end - max(self.due, begin) > older for begin, end, older in self.held_up):
            self._go(self._otherwise(step), self.due)
            return False
        self.out = True
        return True

    def resumed(self, begin: int, policy: str, older: int) -> None:
        """A pause is over. hold: nothing more to it. A call that the person asked for stays where it was promised."""
        if policy == "expire":
            self.held_up.append((begin, self.now, older))
        if policy == "shift":
            self.shifts.append((begin, self.now))
        if policy == "shift" and not self.out and not self.promised and begin <= self.due < self.now:
            self.due += self.now - begin
            if self.fell_due is not None and begin <= self.fell_due < self.now:
                self.fell_due += self.now - begin

    def closes(self, disposition: str, ended: int, asked: int | None, opt_out: bool) -> None:
        """The call ended, or never was one."""
        self.out = False
        what = "answered" if self.answers_by_silence and disposition == "answered_silent" else disposition
        rang = disposition not in UNRUNG
        self.attempts, self.here = self.attempts + rang, self.here + rang
        self.reached |= disposition in ANSWERED | MACHINE
        self.bad += disposition in BAD
        self.last, self.fell_due, self.promised = disposition, None, False
        wanted, self.wanted = (asked if asked is not None else self.wanted), None
        if self.left:
            self._leave("opted_out" if opt_out else self._means(what) or self.left)
        elif opt_out:
            self._leave("opted_out")
        elif wanted is not None and self.callbacks < 2:
            self._promise(max(wanted, ended))
        elif reason := self._means(what):
            self._leave(reason)
        elif not self._again(disposition, ended, rang):
            self._go(self._then(), ended)

    def not_dialed(self, again_at: int) -> None:
        """The dialer said no, until then."""
        self.out = False
        if self.left:
            self.where = None
            return
        self.fell_due = self.fell_due or self.due
        self.due = again_at
        if self.wanted is not None and self.callbacks < 2:
            self._promise(max(self.wanted, self.now))
        self.wanted = None

    def asks(self, at: int) -> None:
        """For a call, elsewhere than in one of ours."""
        if self.left or self.where is None:
            return
        if self.out:
            self.wanted = at
        elif self.callbacks < 2:
            self._promise(max(at, self.now))

    def asked_out(self, reason: str) -> None:
        if self.where is not None and (self.out or not self.left):
            self._leave(reason)

    # --- how it goes on ---

    def _means(self, disposition: str) -> str | None:
        if disposition == "answered":
            return "answered"
        return "unreachable" if disposition == "invalid_number" and self.bad >= self.numbers else None

    def _again(self, disposition: str, ended: int, rang: bool) -> bool:
        step = self._step()
        if not rang:
            self.unrung += 1
            self.due = ended + min(M * 2 ** (self.unrung - 1), 4 * H)
            return self.unrung <= 12
        if self.here >= step.get("max_attempts", 99):
            return False
        if disposition in BAD and self.bad < self.numbers:
            self.unrung, self.due = 0, ended
            return True
        after, most, factor = step.get("retry", {}).get(disposition, (0, 0, 1))
        n = self.tried.get(disposition, 0)
        if n >= most:
            return False
        self.tried[disposition] = n + 1
        self.unrung, self.due = 0, ended + after * factor**n
        return True

    def _promise(self, at: int) -> None:
        """The call that a callback belongs to: here, else the next one, else the last one before."""
        order = [step["id"] for step in self.steps]
        calls = [step["id"] for step in self.steps if "call" in step]
        behind = [name for name in calls if order.index(name) >= order.index(self.where or "")]
        name = behind[0] if behind else calls[-1]
        if name != self.where:
            self.where, self.tried, self.here = name, {}, 0
        self.callbacks, self.promised = self.callbacks + 1, True
        self.due, self.unrung, self.fell_due = at, 0, None

    def _not_taken(self, step: dict[str, Any]) -> bool:
        untouched = not self.here and not self.unrung and not self.promised
        if untouched and not self._holds(step):
            self._go(self._otherwise(step), self.due)
        elif self.now - (self.fell_due or self.due) > step.get("late", 10**15):
            self._leave("expired") if step["do"] == "exit" else self._go(self._otherwise(step), self.due)
        elif self.bad >= self.numbers:
            self._leave("unreachable")
        else:
            return False
        return True

    def _go(self, name: str | None, at: int) -> None:
        """To a step, over those that are passed over; None: the end."""
        while name is not None:
            step = self._step(name)
            if self.visits.get(name, 0) >= step.get("visits", 99) or ("wait" in step and not self._holds(step)):
                name = self._otherwise(step)
                continue
            if "exit" in step:
                self._leave(step["exit"])
                return
            self.visits[name] = self.visits.get(name, 0) + 1
            self.where, self.due = name, at + step.get("wait", 0)
            for begin, end in self.shifts:
                self.due += end - begin if begin <= self.due < end else 0
            self.tried, self.here, self.unrung, self.fell_due, self.promised = {}, 0, 0, None, False
            return
        self._leave("completed" if self.reached else "unreachable")

    def _leave(self, reason: str) -> None:
        if self.left is None or STRENGTH.index(reason) < STRENGTH.index(self.left):
            self.left = reason
        if not self.out:
            self.where = None

    def _holds(self, step: dict[str, Any]) -> bool:
        return "after" not in step or self.last == step["after"]

    def _step(self, name: str | None = None) -> dict[str, Any]:
        return next(step for step in self.steps if step["id"] == (name or self.where))

    def _next(self, step: dict[str, Any]) -> str | None:
        i = self.steps.index(step) + 1
        return self.steps[i]["id"] if i < len(self.steps) else None

    def _then(self) -> str | None:
        step = self._step()
        return self._way(step.get("then", self._next(step)))

    def _otherwise(self, step: dict[str, Any]) -> str | None:
        return self._way(step.get("otherwise", self._next(step)))

    @staticmethod
    def _way(name: str | None) -> str | None:
        return None if name == "end" else name
