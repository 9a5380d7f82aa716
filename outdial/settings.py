"""Settings of every process, read from the environment (prefix OUTDIAL_). A wrong value names its variable and the remedy."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine.errors import UsageError
from outdial.clock import ClockSpec, parse_clock

#: Ports from here on are ephemeral on Linux: a loopback connect there can meet its own socket and talk to itself.
EPHEMERAL = 32_768

REMEDIES = {
    "broker_port": f"use a port from 1024 to {EPHEMERAL - 2} (its controller takes the next one), or unset it for 19092",
    "partitions": "use a whole number from 1 to 1000, or unset it for 8",
    "webhook_port": f"use a port from 1 to {EPHEMERAL - 1}, or unset it for 18081",
    "simulator_port": f"use a port from 1 to {EPHEMERAL - 1}, or unset it for 18080",
    "clock": 'write it as "2026-11-26T14:00:00Z x60" or "2026-11-26T14:00:00Z@2026-11-20T09:30:00Z x60", or unset it',
    "provider_url": "write it as http://host:port, or unset it for http://127.0.0.1:18080",
    "provider": "use simulator or inprocess, or unset it for simulator",
    "bootstrap": "write it as host:port[,host:port...], or unset it to use the embedded broker",
}


class Settings(BaseSettings):
    """What a process needs to know of its surroundings. Raises `UsageError` on a value that cannot be used."""

    model_config = SettingsConfigDict(env_prefix="OUTDIAL_", env_ignore_empty=True, extra="ignore", frozen=True)

    #: Where Outdial keeps what is not on the broker: the embedded broker itself, the clock's anchor, locks, logs.
    home: Path = Path(".outdial")
    #: Where downloaded jars are kept (default: `<home>/cache`); several homes may share one.
    cache: Path | None = None
    #: A broker that is already there, `host:port`; unset: the embedded one.
    bootstrap: str | None = None
    broker_port: int = Field(default=19_092, ge=1_024, le=EPHEMERAL - 2)
    partitions: int = Field(default=8, ge=1, le=1_000)
    clock: str | None = None
    provider_url: str = Field(default="http://127.0.0.1:18080", pattern=r"^https?://[^/\s]+")
    webhook_host: str = "127.0.0.1"
    webhook_port: int = Field(default=18_081, ge=1, lt=EPHEMERAL)
    simulator_port: int = Field(default=18_080, ge=1, lt=EPHEMERAL)
    webhook_secret: SecretStr | None = None
    worker_name: str | None = None
    #: Who places the calls: the simulator over HTTP, or one inside the worker whose calls end at once (for benchmarks).
    provider: Literal["simulator", "inprocess"] = "simulator"
    #: For tests alone: parts of the write protocol to leave out (`one-flush`, `command-first`), to show what they are for.
    test_ablate: str = ""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # `from None`: the cause would print the values, of which one may be the secret.
            raise UsageError(_sentence(error)) from None

    @field_validator("clock")
    @classmethod
    def _clock_can_be_read(cls, value: str | None) -> str | None:
        if value is not None:
            parse_clock(value)
        return value

    @field_validator("bootstrap")
    @classmethod
    def _bootstrap_has_ports(cls, value: str | None) -> str | None:
        for server in (value or "").split(",") if value else []:
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdecimal():
                raise ValueError(f"{server.strip()!r} is not host:port")
        return value

    @model_validator(mode="after")
    def _broker_has_its_ports_alone(self) -> Self:
        taken = {"webhook_port": self.webhook_port, "simulator_port": self.simulator_port}
        for name, port in taken.items():
            if self.bootstrap is None and port in (self.broker_port, self.broker_port + 1):
                raise ValueError(f"OUTDIAL_{name.upper()} is {port}, which the embedded broker uses: choose another port")
        return self

    def bootstrap_servers(self) -> str:
        """The broker to talk to, as `host:port[,host:port...]`."""
        return self.bootstrap or f"127.0.0.1:{self.broker_port}"

    def cache_dir(self) -> Path:
        """Where the embedded broker's jars are kept."""
        return self.cache or self.home / "cache"

    def clock_spec(self) -> ClockSpec | None:
        """The campaign clock that was asked for; None: the system's."""
        return None if self.clock is None else parse_clock(self.clock)


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=True)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return reason
    name = str(first["loc"][0])
    shown = "" if name == "webhook_secret" else f" is {first['input']!r}, which cannot be used"
    return f"OUTDIAL_{name.upper()}{shown} ({reason[:1].lower()}{reason[1:]}): {REMEDIES.get(name, 'correct or unset it')}"
