"""Fixtures that all tests may use: settings of a home of their own, and one real broker for the whole run."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from deploy.broker import Broker
from outdial.settings import Settings
from tests.ports import free_pair

#: The broker's jars (45 MB) are fetched once for the checkout, not once a test.
CACHE = Path(os.environ.get("OUTDIAL_CACHE") or Path(__file__).parent.parent / ".outdial" / "cache").resolve()


# The same here and in CI, for which Hypothesis has a profile of its own. A limit for each example would measure the machine.
hypothesis.settings.register_profile("outdial", deadline=None, print_blob=True)
hypothesis.settings.load_profile("outdial")

#: Files that take longest, the longest first: what is begun last must be short, or one worker goes on while the others have ended.
LONGEST = (
    "acceptance/test_three_campaigns.py",
    "acceptance/test_examples.py",
    "acceptance/test_example_month.py",
    "acceptance/test_pausing.py",
    "acceptance/test_kill_ablated.py",
    "acceptance/test_kill.py",
    "acceptance/test_sharing.py",
    "machines/test_campaign_machine.py",
    "streams/test_tutorial.py",
    "acceptance/test_emails.py",
    "acceptance/test_outage.py",
    "acceptance/test_wishes.py",
    "acceptance/test_post_call.py",
    "streams/test_lane_crash.py",
    "streams/test_read_side.py",
    "acceptance/test_caller_ids.py",
    "acceptance/test_halt.py",
    "acceptance/test_opt_out.py",
    "acceptance/test_lists.py",
    "acceptance/test_worker.py",
    "acceptance/test_limits.py",
    "streams/test_broker.py",
    "streams/test_cli_import.py",
    "streams/test_import_interrupted.py",
    "unit/test_windows_scan.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    rank = {here / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """What the developer has set for Outdial must not reach the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OUTDIAL_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c() -> Iterator[None]:
    """A shell starts what runs in the background deaf to Ctrl-C, and commands inherit that: some tests end theirs with it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a home whose embedded broker runs. It is shared: tests use topics, or at least keys, of their own."""
    settings = Settings(home=tmp_path_factory.mktemp("broker"), cache=CACHE, broker_port=free_pair())
    Broker(settings).up()
    yield settings
    Broker(settings).down()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home where nothing runs, with ports that are free."""
    return Settings(home=tmp_path / "home", cache=CACHE, broker_port=free_pair())


@pytest.fixture
def environment() -> Callable[[Settings], dict[str, str]]:
    """Gives the environment in which a command of the given settings is run in a process of its own."""

    def of(settings: Settings) -> dict[str, str]:
        chosen = {
            "OUTDIAL_HOME": str(settings.home),
            "OUTDIAL_CACHE": str(settings.cache_dir()),
            "OUTDIAL_BROKER_PORT": str(settings.broker_port),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OUTDIAL_")}
        return inherited | chosen

    return of
