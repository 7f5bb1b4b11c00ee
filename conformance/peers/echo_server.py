"""An echo server on Python's websockets: prints its port, echoes until it is killed."""

import asyncio
import sys

import websockets


async def echo(connection, path=None):
    async for message in connection:
        if message == "close 4001":
            await connection.close(4001, "as you asked")
            return
        if message == "fragments":
            await connection.send(["in ", "three ", "pieces"])
            continue
        await connection.send(message)


async def main():
    options = {"max_size": 64 * 1024 * 1024, "subprotocols": ["second"]}
    async with websockets.serve(echo, "127.0.0.1", 0, **options) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
