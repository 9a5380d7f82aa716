"""`outdial simulator`: the simulated provider, in a process of its own."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.clock import clock_from
from outdial.settings import Settings
from providers.mix import PRESETS, read_mix

if TYPE_CHECKING:
    from providers.simserver import Options

HOST = "127.0.0.1"


def simulator(
    port: Annotated[int | None, typer.Option(min=1, max=32_767, help="Unset: OUTDIAL_SIMULATOR_PORT, 18080.")] = None,
    seed: Annotated[int, typer.Option(help="Numbers meet the same fates in every run with the same seed.")] = 1,
    log: Annotated[Path | None, typer.Option(help="Accepted requests; unset: simulator.jsonl in OUTDIAL_HOME.")] = None,
    webhooks: Annotated[str | None, typer.Option(metavar="URL|none", help="Unset: `outdial webhooks` on this machine.")] = None,
    mix: Annotated[str, typer.Option(metavar="FILE|PRESET", help=f"What happens: YAML, or {', '.join(PRESETS)}.")] = "realistic",
    silent: Annotated[float, typer.Option(min=0, max=1, help="Drill: share whose webhook is never sent.")] = 0.0,
    hang: Annotated[float, typer.Option(min=0, max=1, help="Drill: share that is dialed but never answered.")] = 0.0,
    repeat: Annotated[float, typer.Option(min=0, max=1, help="Drill: share whose webhook is sent twice.")] = 0.0,
) -> None:
    """Run the simulated provider of calls and messages until it is ended. It rings nobody.

    Example: outdial simulator --seed 7 --mix realistic
    """
    from outdial import logs  # structlog takes a tenth of a second to import: not for `outdial --help`

    logs.configure()
    settings = Settings()
    # aiohttp takes a quarter of a second to import: not for `outdial --help`
    from providers.simserver import Options

    options = Options(seed, read_mix(mix), silent, hang, repeat)
    place = log or settings.home / "simulator.jsonl"
    asyncio.run(_run(settings, options, port or settings.simulator_port, place, webhooks))


async def _run(settings: Settings, options: "Options", port: int, log: Path, webhooks: str | None) -> None:
    from providers.serving import serve
    from providers.signing import signer
    from providers.simhooks import Hooks
    from providers.simlog import Log
    from providers.simserver import Simulator
    from providers.simwire import WEBHOOKS

    url = webhooks or f"http://{settings.webhook_host}:{settings.webhook_port}{WEBHOOKS}"
    hooks = None if webhooks == "none" else Hooks(url, signer(settings))
    provider = Simulator(options, clock_from(settings), Log(log), hooks)
    await serve(provider.app(), HOST, port, "simulator", "--port or OUTDIAL_SIMULATOR_PORT")
