"""A tap on the wire between workers and the provider: passes everything on, and notes when each request arrives at the socket."""

import asyncio
import contextlib
import threading
import time

from deploy.ports import free_ports

_POST = b"POST /v1/calls"


class Tap:
    """Listens on `port` and forwards to `target`, in a thread of its own. `stamps`: real µs at which a request for a call began.

    Clients send one request at a time on a connection, so what begins with POST begins a request.
    """

    def __init__(self, target: int) -> None:
        self.port, self._target = free_ports(1)[0], target
        self.stamps: list[int] = []
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Tap":
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", self.port))
        self._listening.set()
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(self._pass(reader, far_writer, True), self._pass(far_reader, writer, False))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: bool) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65_536):
                if requests and data.startswith(_POST):
                    self.stamps.append(time.time_ns() // 1_000)
                writer.write(data)
                await writer.drain()
        writer.close()
