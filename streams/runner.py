"""Runs a worker's Faust app, without Faust's command line: start, SIGTERM, exit status.

A draining worker takes no more records, runs the hooks of revocation, flushes, commits and leaves the group, so that others take
over at once. A failing one stops within seconds, committing nothing more: it is to be run under a supervisor.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Hook = Callable[[], Awaitable[None]]

log = logging.getLogger("outdial.worker")

#: Real seconds that Faust may take to stop once everything is flushed and the group is left, or once the worker has failed.
STOP_S = 5.0


def run(app: Any, *, before: Hook | None = None, after: Hook | None = None) -> int:
    """Runs until SIGTERM or SIGINT (0) or a failure (1). `before` is awaited before records flow, `after` when they do no more.

    Ends the process itself if Faust does not stop in time.
    """
    with asyncio.Runner() as runner:
        status, stopped = runner.run(_main(app, before, after))
        if not stopped:
            # Threads and tasks of Faust that hang would keep the process, and with it the worker's name, from ending.
            logging.shutdown()
            sys.stdout.flush()
            os._exit(status)
    return status


async def _main(app: Any, before: Hook | None, after: Hook | None) -> tuple[int, bool]:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    app.lane.failed = loop.create_future()
    if before is not None:
        await before()
    starting = loop.create_task(app.start())
    status = await _until_over(app, starting, told)
    if status == 0:
        await _drain(app)
    if after is not None:
        await after()
    return status, await _stop(app, starting)


async def _until_over(app: Any, starting: asyncio.Task[Any], told: asyncio.Event) -> int:
    """Waits for a signal (0), or for the lane, Faust or its start to fail (1)."""
    stop, crash = asyncio.create_task(told.wait()), asyncio.create_task(app._crashed.wait())
    waiting = {stop, crash, app.lane.failed, starting}
    while True:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if app.lane.failed in done:
            return 1
        if crash in done or (starting in done and starting.exception() is not None):
            reason = app.crash_reason if crash in done else starting.exception()
            log.critical("Faust failed: %s. The worker stops.", reason, exc_info=reason, extra={"action": "failed"})
            return 1
        if stop in done:
            return 0
        waiting.discard(starting)


async def _drain(app: Any) -> None:
    """Hands everything over. Whatever cannot be is repeated by the next owner."""
    log.info("The worker hands its partitions over.", extra={"action": "draining"})
    try:
        async with asyncio.timeout(2 * STOP_S):
            await app.lane.revoke()
            await app.consumer._thread.leave()
    except Exception as error:  # not joined yet, or no broker
        log.warning("The worker could not leave its group: others wait for its session to end.", exc_info=error)


async def _stop(app: Any, starting: asyncio.Task[Any]) -> bool:
    """Stops Faust; False if it does not stop in time."""
    starting.cancel()
    with contextlib.suppress(Exception):
        async with asyncio.timeout(STOP_S):
            await app.stop()
            return True
    return False
