"""A whole Outdial on this machine: embedded broker, simulator, webhooks and workers, on ports of its own. For the demo, drills and
benchmarks; nothing of it outlives the process that started it."""

import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.broker import Broker
from deploy.ports import free_ports
from deploy.processes import Processes
from outdial.settings import Settings


class Stack(Processes):
    """Starts with the broker and empty topics; `settings` is what every process of it sees. `bootstrap`: a broker that is already
    there, instead of one of its own."""

    def __init__(
        self,
        home: Path,
        cache: Path,
        clock: str | None = None,
        environment: Mapping[str, str] | None = None,
        bootstrap: str | None = None,
    ) -> None:
        _end_leftovers(home)
        ports = free_ports(4)
        secret = "whsec_" + secrets.token_hex(24)
        chosen = {
            "OUTDIAL_HOME": str(home),
            "OUTDIAL_CACHE": str(cache),
            "OUTDIAL_BROKER_PORT": str(ports[0]),
            "OUTDIAL_SIMULATOR_PORT": str(ports[2]),
            "OUTDIAL_WEBHOOK_PORT": str(ports[3]),
            "OUTDIAL_PROVIDER_URL": f"http://127.0.0.1:{ports[2]}",
            "OUTDIAL_WEBHOOK_SECRET": secret,
            "OUTDIAL_BOOTSTRAP": bootstrap or "",
            "OUTDIAL_CLOCK": clock or "",
        }
        super().__init__(home / "logs", chosen | dict(environment or {}))
        self.settings = Settings(
            home=home,
            cache=cache,
            bootstrap=bootstrap,
            broker_port=ports[0],
            simulator_port=ports[2],
            webhook_port=ports[3],
            provider_url=f"http://127.0.0.1:{ports[2]}",
            clock=clock,
        )
        self.broker = Broker(self.settings)

    def set_clock(self, clock: str) -> None:
        """For the processes that are started from now on."""
        self.environment["OUTDIAL_CLOCK"] = clock
        self.settings = self.settings.model_copy(update={"clock": clock})

    @property
    def simulator_log(self) -> Path:
        return self.settings.home / "simulator.jsonl"

    def __exit__(self, *error: object) -> None:
        self.stop_all()
        self.broker.down()

    def start_provider(self, *options: str) -> None:
        """The simulator and the webhooks that it calls."""
        target = f"http://127.0.0.1:{self.settings.webhook_port}/v1/webhooks/simulator"
        self.start("simulator", "simulator", "--log", str(self.simulator_log), "--webhooks", target, *options)
        self.start("webhooks", "webhooks")

    def start_worker(self, name: str) -> None:
        self.environment["OUTDIAL_WORKER_NAME"] = name
        self.start(name, "worker")


def clock_at(campaign: datetime, rate: float, ahead: float) -> str:
    """A clock that shows `campaign` in `ahead` real seconds, and then runs `rate` times as fast."""
    real = datetime.now(UTC) + timedelta(seconds=ahead)
    return f"{campaign.isoformat()}@{real.isoformat()} x{rate:g}"


def _end_leftovers(home: Path) -> None:
    """A run that was killed may have left its broker running, and has left its data."""
    if home.exists():
        Broker(Settings(home=home, bootstrap=None)).down()
        shutil.rmtree(home)
