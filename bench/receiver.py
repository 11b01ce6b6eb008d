"""`python -m bench.receiver answer|hang` is a receiver of webhooks that costs next to nothing. It prints its port and takes all there is."""

import asyncio
import sys

ANSWER = b'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n{"accepted": "%s"}'
AROUND = len(b'{"accepted": ""}')


async def serve(hangs: bool) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = (line.partition(b": ") for line in head.split(b"\r\n"))
                fields = {name.lower(): value for name, _, value in lines}
                await reader.readexactly(int(fields[b"content-length"]))
                if hangs:
                    await asyncio.sleep(3600)
                name = fields.get(b"webhook-id", b"")
                writer.write(ANSWER % (AROUND + len(name), name))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1] == "hang"))
