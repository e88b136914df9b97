"""A long line that loses nothing: `python3 speed_relay.py LISTEN TARGET ROUND_TRIP RATE`.

Two ports, seconds, bytes a second. A relay for TCP: its windows have no limit, its rate has, the same for both
directions. Standard library only, since it runs in the lab, on the Python of the cache's image.
"""

import asyncio
import sys

CHUNK = 2**18
"""Bytes that are read at once at most."""


class Line:
    """One direction, shared by all connections."""

    def __init__(self, delay: float, rate: float) -> None:
        self.delay = delay
        self.rate = rate
        self._free = 0.0

    def arrival(self, now: float, size: int) -> float:
        """When the last of `size` bytes that are sent now arrives."""
        self._free = max(self._free, now) + size / self.rate
        return self._free + self.delay

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection's bytes until its end."""
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def send() -> None:
            data = b"begin"
            while data:
                try:
                    data = await reader.read(CHUNK)
                except ConnectionError:
                    data = b""
                under_way.put_nowait((self.arrival(loop.time(), len(data)), data))

        sending = loop.create_task(send())
        try:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    break
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            sending.cancel()
        writer.close()


async def relay(listen: int, target: int, round_trip: float, rate: float) -> None:
    """Serve until the end of the process."""
    there, back = Line(round_trip / 2, rate), Line(round_trip / 2, rate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(round_trip)  # what a handshake costs
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target, limit=CHUNK)
        await asyncio.gather(there.carry(reader, far_writer), back.carry(far_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", listen, limit=CHUNK)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
