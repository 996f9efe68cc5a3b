"""Our two ends of gRPC, each against grpcio's other end and against each other, over loopback."""

import asyncio
import contextlib
import socket
import struct
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from hpack import Encoder
from hyperframe.frame import PingFrame, SettingsFrame
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from seldon_deployer.rpc.client import CallLost, NotBegun, RpcClient
from seldon_deployer.rpc.server import ServerConnection
from seldon_deployer.rpc.serving import Serving
from seldon_deployer.rpc.status import RpcError, StatusCode

LARGE = bytes(range(256)) * 40_000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = SettingsFrame(0).serialize()
ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


async def answer(call):
    """What the server of these tests says, by the last part of the path."""
    match call.path.rpartition("/")[2]:
        case "Echo":
            return [call.message]
        case "Headers":
            return [b"".join(b"%s=%s;" % header for header in call.headers)]
        case "Fail":
            raise RpcError(StatusCode.NOT_FOUND, "100 % of nöthing")
        case "Break":
            raise ZeroDivisionError
        case "Sleep":
            await asyncio.sleep(float(bytes(call.message)))
            return [b"slept"]
        case "Stream":
            while (message := await call.read()) is not None:
                call.write([b"<", message, b">"])
            return None
    raise RpcError(StatusCode.UNIMPLEMENTED, call.path)


@asynccontextmanager
async def serving(most_bytes=2**26):
    shared = Serving(answer, most_bytes, lambda path: path.endswith("Stream"))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ServerConnection(shared, loop), "127.0.0.1", 0)
    try:
        yield shared, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await shared.stop(1)


@asynccontextmanager
async def grpcio_channel(port):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=ANY_SIZE) as channel:
        yield channel


@asynccontextmanager
async def our_client():
    client = RpcClient()
    try:
        yield client
    finally:
        client.close()


def test_grpcios_client_gets_messages_of_any_size_one_after_the_other_and_at_once():
    async def run():
        async with serving() as (_, port), grpcio_channel(port) as channel:
            ask = channel.unary_unary("/test/Echo")
            for content in (b"", b"a", LARGE, b"b"):
                assert await ask(content) == content
            answers = await asyncio.gather(*(ask(LARGE[: 100_000 * i]) for i in range(20)))
            assert [len(each) for each in answers] == [100_000 * i for i in range(20)]

    asyncio.run(run())


def test_grpcios_client_is_told_statuses_with_their_words():
    async def run():
        async with serving(most_bytes=1000) as (_, port), grpcio_channel(port) as channel:
            for path, content, code, words in (
                ("Fail", b"", grpc.StatusCode.NOT_FOUND, "100 % of nöthing"),
                ("Break", b"", grpc.StatusCode.INTERNAL, "the server failed"),
                ("None", b"", grpc.StatusCode.UNIMPLEMENTED, "/test/None"),
                ("Echo", LARGE, grpc.StatusCode.RESOURCE_EXHAUSTED, "more than the 1000"),
            ):
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await channel.unary_unary(f"/test/{path}")(content)
                assert raised.value.code() == code
                assert words in raised.value.details()
            # The connection goes on.
            assert await channel.unary_unary("/test/Echo")(b"a") == b"a"

    asyncio.run(run())


def test_a_stream_answers_each_message_as_it_comes():
    async def run():
        async with serving() as (_, port), grpcio_channel(port) as channel:
            call = channel.stream_stream("/test/Stream")()
            for content in (b"a", LARGE, b""):
                await call.write(content)
                assert await call.read() == b"<" + content + b">"
            await call.done_writing()
            assert await call.read() == grpc.aio.EOF
            assert await call.code() == grpc.StatusCode.OK

    asyncio.run(run())


def test_an_open_stream_does_not_keep_a_server_from_its_end():
    async def run():
        async with serving() as (shared, port), grpcio_channel(port) as channel:
            call = channel.stream_stream("/test/Stream")()
            await call.write(b"a")
            assert await call.read() == b"<a>"
            await asyncio.wait_for(shared.stop(60), 20)
            assert await call.read() == grpc.aio.EOF
            assert await call.code() == grpc.StatusCode.OK

    asyncio.run(run())


def test_one_that_gives_up_ends_its_call_and_no_other():
    async def run():
        async with serving() as (shared, port), grpcio_channel(port) as channel:
            sleep = channel.unary_unary("/test/Sleep")
            other = asyncio.ensure_future(sleep(b"0.5"))
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await sleep(b"30", timeout=0.1)
            assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            assert await other == b"slept"
            [connection] = shared.connections
            assert connection.tasks() == []

    asyncio.run(run())


def test_our_client_asks_grpcios_server():
    async def echo(content, _):
        return content

    async def fail(_, context):
        await context.abort(grpc.StatusCode.ABORTED, "nö %")

    async def run():
        server = grpc.aio.server(options=ANY_SIZE)
        handlers = {
            "Echo": grpc.unary_unary_rpc_method_handler(echo),
            "Fail": grpc.unary_unary_rpc_method_handler(fail),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with our_client() as client:
            for content in (b"", b"a", LARGE):
                assert bytes(await client.ask(port, "/test/Echo", (), [content], 20)) == content
            large = memoryview(LARGE)[:300_000]
            parts = [b"a", large, b"b"]
            answers = await asyncio.gather(
                *(client.ask(port, "/test/Echo", (), parts) for _ in range(150))
            )
            assert {bytes(each) for each in answers} == {b"a" + bytes(large) + b"b"}
            with pytest.raises(RpcError, match="nö %") as raised:
                await client.ask(port, "/test/Fail", (), [b""])
            assert raised.value.code == StatusCode.ABORTED
            await server.stop(0)
            with pytest.raises(NotBegun):
                await client.ask(port, "/test/Echo", (), [b""])

    asyncio.run(run())


def test_our_ends_speak_to_each_other_and_headers_arrive():
    async def run():
        async with serving() as (_, port), our_client() as client:
            told = await client.ask(port, "/test/Headers", ((b"seldon-puid", b"7"),), [b""], 5)
            assert b"seldon-puid=7;" in told
            assert b"grpc-timeout=5000m;" in told
            with pytest.raises(RpcError, match="no answer in time"):
                await client.ask(port, "/test/Sleep", (), [b"30"], 0.1)
            assert bytes(await client.ask(port, "/test/Echo", (), [LARGE])) == LARGE

    asyncio.run(run())


def test_a_server_that_ends_answers_what_it_began_and_sends_the_rest_elsewhere():
    async def run():
        async with serving() as (shared, port), our_client() as client:
            begun = [
                asyncio.ensure_future(client.ask(port, "/test/Sleep", (), [b"0.3"]))
                for _ in range(5)
            ]
            await asyncio.sleep(0.1)
            await shared.stop(5)
            assert [bytes(each) for each in await asyncio.gather(*begun)] == [b"slept"] * 5
            assert not shared.connections

    asyncio.run(run())


def test_no_call_is_lost_by_a_server_that_drains():
    """Clients that ask on and on while each connection of theirs is told to end."""

    async def run():
        async with serving() as (shared, port), grpcio_channel(port) as channel:
            ask = channel.unary_unary("/test/Echo")
            is_over = False

            async def go_on():
                count = 0
                while not is_over:
                    assert await ask(b"a", wait_for_ready=True) == b"a"
                    count += 1
                return count

            clients = [asyncio.ensure_future(go_on()) for _ in range(8)]
            for _ in range(20):
                await asyncio.sleep(0.02)
                shared.drain()
                shared.draining = False
            is_over = True
            assert sum(await asyncio.gather(*clients)) > 20

    asyncio.run(run())


def test_a_lost_connection_is_not_taken_for_an_answer():
    async def hang_up(reader, writer):
        await reader.read(10)
        writer.close()

    async def run():
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server, our_client() as client:
            with pytest.raises(CallLost):
                await client.ask(server.sockets[0].getsockname()[1], "/a/b", (), [b""])

    asyncio.run(run())


def write_frame(kind, flags, number, payload):
    """Any frame, also one that no library would write."""
    head = struct.pack(">IBBI", len(payload) << 8 | kind, flags, 0, number)
    return head[:5] + head[6:] + payload


FRAMES = st.builds(
    write_frame,
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 1, 2, 3, 5, 2**31 - 1]),
    st.binary(max_size=40) | st.just(bytes.fromhex("838644012f")),
)


DATA, HEADERS = 0, 1
# A call, and the start of a message that is longer than any may be.
HEAD = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/test/Echo"),
    (":authority", "a"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
]
CALLED = write_frame(HEADERS, 4, 1, Encoder().encode(HEAD))
TOO_LONG = b"\x00\xff\xff\xff\xff"


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.lists(FRAMES | st.binary(max_size=30), max_size=8), st.booleans())
@example([CALLED, write_frame(DATA, 1, 1, TOO_LONG)], True)
@example([CALLED, write_frame(DATA, 0, 1, TOO_LONG), write_frame(DATA, 1, 1, b"")], True)
@example([CALLED, write_frame(DATA, 0, 1, TOO_LONG), write_frame(DATA, 1, 1, b"a")], True)
def test_whatever_frames_come_the_server_answers_others_as_before(frames, begins_well):
    errors = []

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda _, told: errors.append(told))
        async with serving() as (_, port), our_client() as client:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            start = PREFACE + SETTINGS if begins_well else b""
            with contextlib.suppress(ConnectionError):
                writer.write(start + b"".join(frames))
                writer.write_eof()
                # Ends by itself: nothing hangs.
                await asyncio.wait_for(reader.read(), 5)
            writer.close()
            assert bytes(await client.ask(port, "/test/Echo", (), [b"a"], 5)) == b"a"

    asyncio.run(run())
    assert errors == []


def test_a_message_that_is_too_long_is_told_where_it_came_with_its_end():
    state = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    state.initiate_connection()
    state.send_headers(1, HEAD)
    state.send_data(1, TOO_LONG, end_stream=True)

    async def run():
        told = {}
        async with serving() as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                writer.write(state.data_to_send())
                while "grpc-status" not in told:
                    read = await asyncio.wait_for(reader.read(4096), 5)
                    assert read, "the server hung up"
                    for event in state.receive_data(read):
                        assert not isinstance(event, events.StreamReset)
                        told |= dict(getattr(event, "headers", None) or {})
        assert told["grpc-status"] == str(StatusCode.RESOURCE_EXHAUSTED.value)

    asyncio.run(run())


def test_one_that_never_says_what_it_speaks_is_not_served_for_ever():
    async def run():
        async with serving() as (shared, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.05)
            [connection] = shared.connections
            assert connection._timer is not None
            assert 0 < connection._timer.when() - asyncio.get_running_loop().time() <= 10
            writer.close()

    asyncio.run(run())


def test_pings_whose_answers_nobody_reads_end_the_connection():
    async def run():
        async with serving() as (shared, port):
            raw = socket.create_connection(("127.0.0.1", port))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)
            loop = asyncio.get_running_loop()
            ping = PingFrame(0, opaque_data=bytes(8)).serialize() * 1000
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(raw, PREFACE + SETTINGS)
                for _ in range(2000):
                    await asyncio.wait_for(loop.sock_sendall(raw, ping), 5)
                    if not shared.connections:
                        break
            assert not [each for each in shared.connections if each.is_open]
            raw.close()

    asyncio.run(run())


def test_one_that_takes_back_call_after_call_is_sent_away():
    async def run():
        async with serving() as (shared, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            state = H2Connection(H2Configuration(client_side=True))
            state.initiate_connection()
            names = {":method": "POST", ":scheme": "http", ":path": "/test/Echo", ":authority": "a"}
            kind = ("content-type", "application/grpc")
            with contextlib.suppress(ConnectionError):
                for _ in range(5000):
                    number = state.get_next_available_stream_id()
                    state.send_headers(number, [*names.items(), kind])
                    state.reset_stream(number)
                    writer.write(state.data_to_send())
                await writer.drain()
                await asyncio.wait_for(reader.read(), 5)
            assert not [each for each in shared.connections if each.is_open]
            writer.close()

    asyncio.run(run())
