"""Text messages that ask not to be contacted again: the keywords that carriers and the CTIA's guidelines name.

The message must be the word and nothing else: "stop by tomorrow" asks for something else. START and its kin lift nothing: whoever
has opted out is contacted again when somebody takes the opt-out back (`outdial suppress remove`) and answers for it.
"""

import re

_WORDS = frozenset(
    ("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "opt-out")
)


def asks_to_stop(text: str) -> bool:
    """Whether a message is one of the words; case, blanks and punctuation around it do not matter."""
    return re.sub(r"\s+", " ", text.casefold().strip(" \t\r\n.,!?;:'\"()*-_")) in _WORDS
