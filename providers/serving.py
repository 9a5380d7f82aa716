"""Serves a web application until the process is asked to end."""

import asyncio
import gc
import signal

from aiohttp import web

from engine.errors import OutdialError
from outdial.logs import get_logger

log = get_logger()

#: Real seconds that requests get to finish.
PATIENCE = 2.0


async def serve(app: web.Application, host: str, port: int, name: str, variable: str) -> None:
    """Returns after SIGTERM or SIGINT, once the requests that were being answered are. `variable` sets the port.

    Raises OutdialError if the port is taken.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=PATIENCE)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        gc.freeze()  # what is imported stays: to walk it again stops the loop for 60 ms, and every request with it
        log.info(f"The {name} listens at http://{host}:{port}.", action="listening", port=port)
        await stop.wait()
    except OSError as error:
        raise OutdialError(
            f"The {name} cannot listen at {host}:{port} ({error.strerror}): set {variable} to a free port"
        ) from error
    finally:
        await runner.cleanup()
