"""The id of a new cluster is one that Kafka's own tools take."""

from uuid import UUID

from deploy.broker import cluster_id


def test_an_id_that_would_be_read_as_an_option_is_drawn_again() -> None:
    draws = iter([UUID(int=0xF8 << 120), UUID(int=0xFB << 120), UUID(int=1)])
    assert cluster_id(lambda: next(draws)) == "AAAAAAAAAAAAAAAAAAAAAQ"


def test_ids_are_22_characters_and_differ() -> None:
    ids = {cluster_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert {len(one) for one in ids} == {22}
