"""A client on Python's websockets: sends messages to the echo server at argv[1], prints what it found as JSON.

argv[2] says how it compresses, see deflate.py."""

import asyncio
import json
import sys

import deflate
import websockets


async def main(url, compression):
    found = {}
    options = {"max_size": 64 * 1024 * 1024, "subprotocols": ["first", "second"], **deflate.client(compression)}
    async with websockets.connect(url, **options) as connection:
        found["extensions"] = [extension.name for extension in connection.extensions]
        found["subprotocol"] = connection.subprotocol
        messages = ["", "a\u00e9\u20ac\U0001f600", b"", bytes(range(256)) * 256, bytes(range(256)) * 4096]
        same = []
        for message in messages:
            await connection.send(message)
            same.append(await connection.recv() == message)
        found["same"] = same
        await connection.send(["in ", "three ", "pieces"])
        found["joined"] = await connection.recv()
        await asyncio.wait_for(await connection.ping(), 5)
        found["ponged"] = True
        await connection.close(4002, "done here")
        found["closed"] = connection.close_code
    print(json.dumps(found))


asyncio.run(main(*sys.argv[1:]))
