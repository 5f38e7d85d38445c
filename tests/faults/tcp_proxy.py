# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Links between services that can be cut: a TCP proxy for each, on one thread.

pass    bytes go both ways
hold    no byte goes either way, connections stay: what a silent network does
oneway  bytes go to the server, none come back
reset   connections are reset, new ones too

A held byte is not lost: TCP would send it again once the network is back. A held end of a
connection is told late for the same reason."""

import asyncio
import contextlib
import threading

CHUNK = 65536
MODES = ("pass", "hold", "oneway", "reset")


class Proxies:
    """The thread of the links; thread-safe."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def link(self, target_port):
        """A new link; target_port() gives the server's port at each connect."""
        link = Link(self._loop, target_port)
        asyncio.run_coroutine_threadsafe(link.listen(), self._loop).result(10)
        return link

    def close(self):
        asyncio.run_coroutine_threadsafe(self._end_all(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end_all(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Link:
    """Lives on the proxies' thread; set_mode may be called from any other."""

    def __init__(self, loop, target_port):
        self._loop = loop
        self._target_port = target_port
        self._server = None
        self._writers = set()
        self._up = asyncio.Event()  # From the client to the server.
        self._down = asyncio.Event()
        self._resets = False
        self.port = None
        self._up.set()
        self._down.set()

    async def listen(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def set_mode(self, mode):
        assert mode in MODES, mode
        done = threading.Event()
        self._loop.call_soon_threadsafe(self._apply, mode, done)
        done.wait(10)

    def _apply(self, mode, done):
        for gate, is_open in ((self._up, mode in ("pass", "oneway")),
                              (self._down, mode == "pass")):
            if is_open:
                gate.set()
            else:
                gate.clear()
        self._resets = mode == "reset"
        if self._resets:
            for writer in list(self._writers):
                writer.transport.abort()
        done.set()

    async def _serve(self, reader, writer):
        if self._resets:
            writer.transport.abort()
            return
        self._writers.add(writer)
        server = None
        try:
            await self._up.wait()
            server_reader, server = await asyncio.open_connection("127.0.0.1",
                                                                  self._target_port())
            self._writers.add(server)
            await asyncio.gather(self._pump(reader, server, self._up),
                                 self._pump(server_reader, writer, self._down))
        except OSError:
            pass
        finally:
            for end in (writer, server):
                if end:
                    self._writers.discard(end)
                    end.transport.abort()

    async def _pump(self, reader, writer, gate):
        with contextlib.suppress(OSError):
            while True:
                await gate.wait()
                chunk = await reader.read(CHUNK)
                await gate.wait()
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
