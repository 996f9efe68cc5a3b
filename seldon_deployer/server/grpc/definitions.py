"""The classes of both protocols' messages, and what services have which methods.

In pools of their own: other packages in the same process (seldon-core, MLServer, TensorFlow) may
define messages of these names too, and the pool that all share refuses the second one.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_FLOATS = (FieldDescriptorProto.TYPE_FLOAT, FieldDescriptorProto.TYPE_DOUBLE)


@cache
def message_class(name: str) -> Any:
    """The class of a message as the .proto files have it, by its full name."""
    return GetMessageClass(wire_pool().FindMessageTypeByName(name))


@cache
def packed_class(name: str) -> Any:
    """The same message with its lists of floats and doubles as `repeated bytes`, for writing.

    Such a list is on the wire as one field of bytes, all numbers in a row: given as bytes it is
    written without a Python object for each number (1.3 million doubles: 10 ms instead of 200).
    """
    return GetMessageClass(_packed_pool().FindMessageTypeByName(name))


@cache
def wire_pool() -> DescriptorPool:
    """The messages and services as the .proto files have them."""
    return _fill(DescriptorPool(), _read_descriptors())


@cache
def _packed_pool() -> DescriptorPool:
    descriptors = _read_descriptors()
    for file in descriptors.file:
        for message in file.message_type:
            for field in message.field:
                if field.type in _FLOATS and field.label == field.LABEL_REPEATED:
                    field.type = field.TYPE_BYTES
    return _fill(DescriptorPool(), descriptors)


def _read_descriptors() -> FileDescriptorSet:
    content = files(__package__).joinpath("protos", "descriptors.binpb").read_bytes()
    return FileDescriptorSet.FromString(content)


def _fill(pool: DescriptorPool, descriptors: FileDescriptorSet) -> DescriptorPool:
    for file in descriptors.file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool
