"""Postal codes as spreadsheets leave them. A US ZIP code is a text of five digits; read as a number, 08014 becomes 8014."""

import re

#: Digits that were a number for a while: `8014`, `8014.0`, `80142345`, `8014-2345`.
_ZIP = re.compile(r"(\d{3,5})(?:\.0+)?(?:-(\d{4}))?|(\d{7,9})(?:\.0+)?", re.ASCII)


def mend_zip(text: str, country: str | None = "US") -> str:
    """A US ZIP code with its leading zeros, as `08014` or `08014-2345`; whatever is none, and other countries' codes, as they are.

    Three digits stand for Puerto Rico, the Virgin Islands and forces abroad (005 to 009): others are not completed.
    """
    match = _ZIP.fullmatch(text) if country == "US" else None
    if match is None:
        return text
    if match[3]:
        whole = match[3].zfill(9)
        return f"{whole[:5]}-{whole[5:]}" if whole >= "005" else text
    code = match[1].zfill(5)
    return (f"{code}-{match[2]}" if match[2] else code) if code >= "005" else text
