"""A broker that several worlds use, one after the other: each finds it as on its first day."""

from cli.group import GROUP, group_state
from outdial.kafka import admin
from outdial.settings import Settings
from tests.wait import until


def empty(settings: Settings) -> None:
    """Deletes the workers' group, once members that were killed are forgotten, and every topic."""
    client = admin(settings)
    until(lambda: group_state(settings).workers == 0, every=0.1)
    groups = client.list_consumer_groups(request_timeout=10).result().valid
    if any(group.group_id == GROUP for group in groups):
        client.delete_consumer_groups([GROUP])[GROUP].result()
    if names := _topics(settings):
        for future in client.delete_topics(names).values():
            future.result()
    until(lambda: not _topics(settings), every=0.1)


def _topics(settings: Settings) -> list[str]:
    return [name for name in admin(settings).list_topics(timeout=10).topics if not name.startswith("__")]
