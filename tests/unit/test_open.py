"""cli/open.py: which addresses the campaigns of an import need."""

from typing import Any

import pytest

from cli.open import reach_of
from schemas.campaign import CampaignVersion

CALL, TEXT, MAIL = {"call": {}}, {"sms": {"template": "Hi"}}, {"email": {"subject": "Hi", "template": "Hi"}}
WAIT = {"wait": "1 day"}


def version(*steps: dict[str, Any]) -> CampaignVersion:
    return CampaignVersion(id="spring", version=1, file={"flow": list(steps)}, at=1)


@pytest.mark.parametrize(
    ("versions", "reach"),
    [
        ([], {"phone", "email"}),
        ([version(WAIT, CALL)], {"phone"}),
        ([version(TEXT)], {"phone"}),
        ([version(MAIL, WAIT)], {"email"}),
        ([version(CALL, MAIL)], {"phone", "email"}),
        ([version(CALL), version(MAIL)], {"phone", "email"}),
        ([version(WAIT)], {"phone", "email"}),
    ],
)
def test_the_kinds_of_addresses_that_are_needed(versions: list[CampaignVersion], reach: set[str]) -> None:
    assert reach_of(versions) == reach
