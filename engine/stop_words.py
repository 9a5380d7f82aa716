"""Messages that ask not to be contacted again: the keywords that carriers and the CTIA's guidelines name.

The message must be the word and nothing else: "stop by tomorrow" asks for something else. START and its kin lift nothing: whoever
has opted out is contacted again when somebody takes the opt-out back (`outdial suppress remove`) and answers for it.

Under what people write in an email stands what they answer to: only its subject and its first line are theirs for sure.
"""

import re

_WORDS = frozenset(
    ("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "opt-out")
)

_BY_EMAIL = _WORDS | {"unsubscribe me", "please unsubscribe", "please unsubscribe me", "remove me", "please remove me"}


def asks_to_stop(text: str) -> bool:
    """Whether a message is one of the words; case, blanks and punctuation around it do not matter."""
    return _plain(text) in _WORDS


def email_asks_to_stop(subject: str | None, text: str) -> bool:
    """Whether the subject of an email, or its first line, is one of the words."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return _plain(subject or "") in _BY_EMAIL or _plain(first) in _BY_EMAIL


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.casefold().strip(" \t\r\n.,!?;:'\"()*-_"))
