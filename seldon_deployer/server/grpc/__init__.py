"""gRPC for units: Seldon's protocol and V2, over the same handlers as REST.

Imported only where a port for gRPC was asked for: `grpc` and `protobuf` cost a start and memory.
"""
