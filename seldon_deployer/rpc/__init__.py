"""gRPC over HTTP/2 without TLS, as an asyncio protocol: for the model server and the gateway.

HTTP/2 is the library h2's affair, here is what gRPC adds to it. grpcio would be the usual choice;
but it takes 90 ms of CPU to import in every unit, copies each message several times, and cannot be
handed a connection, which the gateway needs to speak REST and gRPC on one port, as an ingress does.

Sources: "gRPC over HTTP2", RFC 9113.
"""
