"""`outdial topics apply` returns when what it has created can be used, and not before."""

from types import SimpleNamespace
from typing import Any

import pytest

from cli import topics
from engine.errors import OutdialError


def shown(**leaders: int) -> Any:
    """A broker's answer: topics of one partition, with its leader (-1: none)."""
    return SimpleNamespace(topics={name: SimpleNamespace(partitions={0: SimpleNamespace(leader=n)}) for name, n in leaders.items()})


class Client:
    """Gives these answers, the last one again and again."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def list_topics(self, timeout: float) -> Any:  # noqa: ARG002 - the client's signature
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_topics_that_the_broker_does_not_show_or_lead_yet_are_waited_for() -> None:
    client: Any = Client(shown(), shown(calls=1), shown(calls=1, rows=-1), shown(calls=1, rows=1))
    topics.wait_for_leaders(client, ["calls", "rows"])
    assert client.answers == [client.list_topics(1.0)]


def test_topics_that_nobody_leads_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "TIMEOUT", 0.0)
    client: Any = Client(shown(calls=1, rows=-1))
    with pytest.raises(OutdialError, match="has made rows, but does not lead them"):
        topics.wait_for_leaders(client, ["calls", "rows"])
