"""The example of a month, the longest in real time as well: people are called again at ever other times of their day."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.acceptance.shows import PEOPLE, shown


def test_people_are_reached_again_over_a_month_at_ever_other_times_of_their_day(tmp_path: Path) -> None:
    campaigns, log = shown(tmp_path, "re-engagement")
    one = campaigns["re-engagement"]
    assert one["enrolled"] == PEOPLE
    assert one["exits"]["answered"] > PEOPLE / 5  # nearly all, unless the machine is so busy that their days end before
    calls: dict[str, list[int]] = {}
    for line in log:
        if line["channel"] == "call":
            calls.setdefault(line["number"], []).append(line["received_campaign_ms"])
    # A day lasts four seconds: a busy machine misses hours, and comes to six of the eight calls, or to four, in these weeks.
    long = [times for times in calls.values() if len(times) >= 4 and max(times) - min(times) > 14 * 86_400_000]
    assert max((len({hour_of(at) for at in times}) for times in long), default=0) >= 3  # not the same hour again and again


def hour_of(at: int) -> int:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo("America/Chicago")).hour
