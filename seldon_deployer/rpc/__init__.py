"""gRPC over HTTP/2 without TLS, as an asyncio protocol: for the model server and the gateway.

grpcio answers a third of the empty calls a second, takes 90 ms of CPU to import, copies each
message several times, and cannot be handed a listening socket or a connection. What it costs is
HTTP/2 itself: frames, windows and streams are here, HPACK is a library's. That it is HTTP/2 is held
by h2spec's cases and by grpcio's own client in the tests.

Sources: RFC 9113 (HTTP/2), RFC 7541 (HPACK), "gRPC over HTTP2".
"""
