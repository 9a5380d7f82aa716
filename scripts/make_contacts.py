"""Writes examples/contacts.csv: invented people on numbers reserved for fiction (+1 NPA 555 01xx). Seeded: the same file each time.

    python scripts/make_contacts.py [FILE]

Some rows name their time zone, most leave it to phone and postal code, and the last few are broken on purpose, so that an import
shows what it rejects and what it merges.
"""

import csv
import random
import sys
from pathlib import Path

SEED = 20261102
PEOPLE = 320
DEFAULT = Path(__file__).parent.parent / "examples" / "contacts.csv"
FIELDS = ("id", "first_name", "last_name", "phone", "email", "timezone", "state", "postal_code", "company", "plan")
Row = dict[str, str]

#: State, area code, a postal code nearby.
PLACES = """
AL 205 35203|AK 907 99501|AZ 602 85004|AZ 520 85701|AR 501 72201|CA 213 90012|CA 415 94103|CA 619 92101|CA 916 95814|CO 303 80202
CO 970 80521|CT 203 06510|CT 860 06103|DE 302 19801|DC 202 20001|FL 305 33130|FL 813 33602|FL 850 32501|FL 904 32202|GA 404 30303
GA 912 31401|HI 808 96813|ID 208 83702|IL 312 60602|IL 217 62701|IN 317 46204|IN 219 46402|IA 515 50309|KS 316 67202|KS 785 66603
KY 502 40202|KY 270 42101|LA 504 70112|LA 318 71101|ME 207 04101|MD 410 21202|MA 617 02108|MA 413 01103|MI 313 48226|MI 906 49855
MN 612 55401|MN 218 55802|MS 601 39201|MO 314 63103|MO 816 64106|MT 406 59101|NE 402 68102|NE 308 69361|NV 702 89101|NV 775 89501
NH 603 03101|NJ 201 07302|NJ 609 08608|NM 505 87102|NY 212 10007|NY 716 14202|NY 518 12207|NC 704 28202|NC 919 27601|ND 701 58102
OH 216 44114|OH 614 43215|OK 405 73102|OK 918 74103|OR 503 97204|OR 541 97401|PA 215 19107|PA 412 15222|RI 401 02903|SC 803 29201
SD 605 57104|TN 615 37219|TN 901 38103|TX 214 75201|TX 915 79901|TX 512 78701|UT 801 84111|VT 802 05401|VA 804 23219|VA 703 22201
WA 206 98104|WA 509 99201|WV 304 25301|WI 414 53202|WY 307 82001
"""

#: Zones given in so many words; `EST` is none that names a place, and importers have to say what they make of it.
EXPLICIT = {
    "CA": "America/Los_Angeles",
    "IL": "America/Chicago",
    "NY": "America/New_York",
    "UT": "America/Denver",
    "AZ": "America/Phoenix",
    "HI": "Pacific/Honolulu",
}

FIRST = """
Ada Amir Anouk Bela Bruno Carys Cleo Dara Dario Edda Emil Fadi Fern Gail Goran Hana Hugo Ines Ivo Jada Jonas Kaia Kofi Lena
Luca Maya Milo Nadia Nils Odette Omar Petra Quinn Rafa Rosa Selim Sina Tariq Thea Uma Vera Viktor Wanda Xenia Yara Zeno
"""
HEAD = "Alder Ash Birch Brook Cinder Copper Crane Ember Fallow Field Fox Glen Harrow Hazel Juniper Lark Marl Otter Quill Rowan"
TAIL = "beck bourne by combe cott dale den ford ham hurst land ley more side stead ton wick worth"
TRADES = "Bakery Books Cabinets Dental Freight Gardens Optics Plumbing Printing Roofing Tools Yoga"
PLANS = ("basic", "plus", "family")


def places() -> list[list[str]]:
    """[state, area code, postal code], each area code once."""
    return [entry.split() for line in PLACES.split("\n") for entry in line.split("|") if entry]


def one_of(words: str, rng: random.Random) -> str:
    return rng.choice(words.split())


def person(i: int, place: list[str], subscriber: int, rng: random.Random) -> Row:
    """One person; `subscriber` is 100 to 199, the part of 555 that is reserved for fiction."""
    state, area, postal_code = place
    first, last = one_of(FIRST, rng), one_of(HEAD, rng) + one_of(TAIL, rng)
    trade = f"{one_of(HEAD, rng)} {one_of(TRADES, rng)}"
    written = rng.choice(("{0}-555-0{1}", "({0}) 555-0{1}", "+1{0}5550{1}", "{0}.555.0{1}"))
    return {
        "id": f"c-{i:04}",
        "first_name": first,
        "last_name": last,
        "phone": written.format(area, subscriber),
        "email": f"{first}.{last}@example.com".lower(),
        "timezone": EXPLICIT[state] if state in EXPLICIT and rng.random() < 0.4 else "",
        "state": state,
        "postal_code": postal_code,
        "company": rng.choice((trade, f"{trade}, Inc.", "")),
        "plan": rng.choice(PLANS),
    }


def broken(people: list[Row]) -> list[Row]:
    """Rows an import has to account for: three that cannot be reached, two that come twice."""
    unreachable = [people[10] | {"phone": "12345"}, people[20] | {"phone": ""}, people[30] | {"phone": "ask reception"}]
    rejected = [row | {"id": f"c-{len(people) + i:04}"} for i, row in enumerate(unreachable, 1)]
    return [*rejected, people[40] | {"plan": "family"}, people[50] | {"company": "Otter Tools"}]


def rows() -> list[Row]:
    """All rows of the file."""
    rng = random.Random(SEED)
    spread = places()
    numbers = {area: rng.sample(range(100, 200), 100) for _, area, _ in spread}
    people = []
    for i in range(PEOPLE):
        place = spread[i % len(spread)]
        people.append(person(i + 1, place, numbers[place[1]].pop(), rng))
    next(p for p in people if p["state"] == "NY" and not p["timezone"])["timezone"] = "EST"
    people[4] |= {"phone": "800-555-0123", "timezone": ""}  # toll-free: tells nothing of where anybody is
    return people + broken(people)


def main(target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
