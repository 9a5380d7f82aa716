"""engine/address.py: what an address tells, and in which country it is read."""

import pytest

from engine.address import NOWHERE, address_of
from engine.clocks import added, share_a_clock
from engine.phone import Phone

NY, LA, CHICAGO = "America/New_York", "America/Los_Angeles", "America/Chicago"
HERE = Phone("+12125550101", "US", (NY,))
LONDON = Phone("+442079460101", "GB", ("Europe/London",))
TORONTO = Phone("+14165550101", "CA", ("America/Toronto",))
SYDNEY = Phone("+61491570156", "AU", ())
NOWHERES = Phone("+80012345678", "001", ())
Sources = dict[str, tuple[str, ...]]


@pytest.mark.parametrize(
    ("postal_code", "state", "country", "phone", "sources"),
    [
        ("10007", "NY", None, HERE, {"postal_code": (NY,)}),
        ("10007", None, None, None, {"postal_code": (NY,)}),
        ("10007", "Georgia", None, HERE, {"postal_code": (NY,)}),  # another state, the same clock
        ("48226", "NY", None, HERE, {"postal_code": ("America/Detroit",)}),  # the same clock by another name
        ("10007", "CA", None, HERE, {"postal_code": (NY,), "state": (LA,)}),  # they share none: both
        (None, "florida", None, HERE, {"state": (CHICAGO, NY)}),
        ("99999", "CA", None, HERE, {"state": (LA,)}),  # the code is silent, the state speaks
        ("09012", "AE", None, HERE, {}),
        ("8014", None, "USA", HERE, {"postal_code": (NY,)}),
        ("901", None, "PR", HERE, {"postal_code": ("America/Puerto_Rico",)}),
        # Which country's it is
        ("10115", None, "DE", HERE, {}),
        ("10115", "Berlin", None, LONDON, {}),
        ("10115", None, None, NOWHERES, {"postal_code": (NY,)}),
        ("10007", "NY", None, LONDON, {"postal_code": (NY,)}),  # code and state agree: nowhere but in the US
        ("10007", "CA", None, LONDON, {}),
        ("10007", "NY", "us", LONDON, {"postal_code": (NY,)}),
        ("M5V 3L9", "ON", None, HERE, {"postal_code": ("America/Toronto",)}),
        (None, "BC", None, TORONTO, {"state": ("America/Dawson_Creek", "America/Edmonton", "America/Vancouver")}),
        ("94103", "CA", None, TORONTO, {"postal_code": (LA,)}),
        ("M5V 3L9", None, "Canada", None, {"postal_code": ("America/Toronto",)}),
        ("6000", "WA", None, SYDNEY, {"state": ("Australia/Perth",)}),
        ("6000", "WA", "AU", HERE, {"state": ("Australia/Perth",)}),
        (" ", "", None, HERE, {}),
    ],
)
def test_who_speaks(postal_code: str | None, state: str | None, country: str | None, phone: Phone | None, sources: Sources) -> None:
    assert dict(address_of(postal_code, state, country, phone).sources) == sources


def test_what_cannot_be_read_is_said_where_it_is_sure_to_be_wrong() -> None:
    assert address_of("99999", "Calfornia", None, HERE).problems == (
        "postal code '99999' is not known in the US, so it is ignored: write one such as 10007",
        "state 'Calfornia' is not known in the US, so it is ignored: did you mean CA?",
    )
    assert address_of("M5V", None, "CA", None).problems == (
        "postal code 'M5V' is not known in Canada, so it is ignored: write one such as K1A 0B1",
    )
    assert address_of("SW1A 1AA", "London", None, None) == NOWHERE
    assert address_of("SW1A 1AA", "London", None, LONDON) == NOWHERE
    assert address_of("09012", "AE", None, HERE).problems == ()


def test_clocks() -> None:
    assert share_a_clock(("America/Detroit",), (NY,))
    assert share_a_clock((LA, "America/Denver"), ("America/Boise",))
    assert not share_a_clock(("America/Phoenix",), ("America/Denver",))
    assert not share_a_clock((), (NY,))
    assert added((NY,), ("America/Boise", "America/Denver", "America/Detroit")) == ("America/Boise",)
    assert added((NY, CHICAGO), (CHICAGO,)) == ()
