"""An echo server on Python's websockets: prints its port, echoes until it is killed.

argv[1] says how it compresses, see deflate.py."""

import asyncio
import sys

import deflate
import websockets


async def echo(connection, path=None):
    try:
        async for message in connection:
            if message == "close 4001":
                await connection.close(4001, "as you asked")
            elif message == "fragments":
                await connection.send(["in ", "three ", "pieces"])
            else:
                await connection.send(message)
    except websockets.ConnectionClosed:
        pass  # with a code that is not 1000: no news, the tests do that


async def main():
    options = {"max_size": 64 * 1024 * 1024, "subprotocols": ["second"], **deflate.server(sys.argv[1])}
    async with websockets.serve(echo, "127.0.0.1", 0, **options) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
