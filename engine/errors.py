"""Every error that Outdial raises on purpose. `OutdialError` is a user's error: one sentence with its remedy, no traceback."""


class OutdialError(Exception):
    """Something the user can mend. The message names the place and the remedy. Exit status 1."""

    exit_status = 1


class UsageError(OutdialError):
    """The command was used wrongly. Exit status 2."""

    exit_status = 2


class RecordError(Exception):
    """A record from outside that cannot be used: it goes to dead-letters with this sentence as its reason."""
