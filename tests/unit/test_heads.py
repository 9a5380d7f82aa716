"""What a worker believes of the heads it reads."""

from engine import lifecycle
from engine.lifecycle import Resume
from engine.time import Instant
from schemas.base import encode
from schemas.campaign import CampaignHead, CampaignState
from schemas.topics import CAMPAIGNS
from streams.heads import Heads
from tests.unit.samples import NOW

RUNNING = CampaignHead(id="spring", version=1, state=CampaignState.RUNNING, at=NOW)
LATER = Instant(NOW + 1)


def heads_of(*records: CampaignHead) -> Heads:
    made = Heads("nowhere")
    for record in records:
        made._take(CAMPAIGNS.name, record.key, encode(record))
    return made


def test_of_commands_that_cross_the_end_wins_and_is_written_again() -> None:
    ended = lifecycle.stopped(RUNNING, LATER)
    crossed = lifecycle.paused(RUNNING, LATER)
    heads = heads_of(RUNNING, ended, crossed)
    assert heads.state("spring") is CampaignState.ENDED
    assert heads.undone == {"spring": ended}
    heads._take(CAMPAIGNS.name, "spring", encode(ended))
    assert heads.undone == {}


def test_only_pauses_with_consequences_are_kept_at_hand() -> None:
    paused = lifecycle.paused(RUNNING, NOW)
    assert heads_of(paused).pauses == {}
    assert heads_of(lifecycle.resumed(paused, LATER, Resume())).pauses == {}
    shifted = lifecycle.resumed(paused, LATER, Resume("shift"))
    assert heads_of(paused, shifted).pauses == {"spring": tuple(shifted.pauses)}


def test_whoever_follows_hears_of_what_makes_a_difference_to_people() -> None:
    heads, heard = heads_of(), list[CampaignHead]()
    heads.subscribe(heard.append)
    scheduled = lifecycle.started(CampaignHead(id="spring", version=1, state=CampaignState.DRAFT, at=NOW), NOW, LATER)
    put_off = lifecycle.started(scheduled, NOW, Instant(LATER + 1))
    drained = lifecycle.drained(RUNNING, NOW)
    for head in (scheduled, scheduled, put_off, RUNNING, RUNNING.model_copy(update={"event_id": "again"}), drained):
        heads._take(CAMPAIGNS.name, "spring", encode(head))
    assert heard == [scheduled, put_off, RUNNING, drained]
    assert heads.starts_at("spring") is None
