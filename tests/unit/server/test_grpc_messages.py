"""protobuf's messages and what handlers take, both ways, without a server."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import seldon_deployer.server.grpc as room
from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import decode_message, encode_message
from seldon_deployer.payload.datatypes import DTYPES, datatype_of
from seldon_deployer.rpc.fields import join_field, split_field
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.grpc.definitions import message_class
from seldon_deployer.server.grpc.seldon_wire import (
    SELDON_MESSAGE,
    data_form,
    read_message,
    write_message,
)
from seldon_deployer.server.grpc.tftensor import read_tftensor, write_tftensor
from seldon_deployer.server.grpc.v2_wire import read_request, write_response
from seldon_deployer.server.grpc.values import read_value, write_value

PROTOS = Path(room.__path__[0]) / "protos"
SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
NUMBERS = sorted(set(DTYPES.values()) - {"object"})


@st.composite
def number_arrays(draw, dtypes=NUMBERS):
    return draw(arrays.arrays(draw(st.sampled_from(dtypes)), draw(SHAPES)))


def same(left, right):
    equal_nan = left.dtype.kind == "f"
    return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=equal_nan)


def test_the_descriptors_are_made_from_the_proto_files(tmp_path):
    made = tmp_path / "descriptors.binpb"
    names = sorted(path.name for path in PROTOS.glob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", PROTOS, "--include_imports"]
    subprocess.run([*command, f"--descriptor_set_out={made}", *names], check=True)

    def files(path):
        found = FileDescriptorSet.FromString(path.read_bytes())
        return {file.name: file for file in found.file}

    assert files(PROTOS / "descriptors.binpb") == files(made)


@given(JSON)
def test_json_survives_a_value(value):
    wire = Value()
    write_value(value, wire)
    assert read_value(wire) == value
    # As protobuf's own JSON has it.
    assert MessageToDict(wire) == value


def test_numpys_numbers_are_values_and_what_json_lacks_is_not():
    wire = Value()
    write_value({"a": np.int64(3), "b": np.array([[1.5]])}, wire)
    assert read_value(wire) == {"a": 3.0, "b": [[1.5]]}
    with pytest.raises(TypeError, match="a set is nothing"):
        write_value({1}, Value())


@given(number_arrays(["float64", "float32", "int32", "uint8"]))
def test_a_tensor_survives_with_its_shape(array):
    content = b"".join(write_message(encode_message(array, like="array")))
    # Read by the class of the .proto file: what any client has.
    wire = message_class(SELDON_MESSAGE).FromString(content)
    payload = decode_message(read_message(wire))
    assert payload.form == "array"
    assert payload.value.shape == array.shape
    assert np.array_equal(payload.value, array.astype(float), equal_nan=True)


@given(number_arrays())
def test_a_tftensor_survives_with_its_type(array):
    wire = message_class("tensorflow.TensorProto")()
    write_tftensor(array, wire)
    assert same(read_tftensor(wire), array)


def test_a_tftensor_may_be_a_list_and_its_last_value_stands_for_the_rest():
    wire = message_class("tensorflow.TensorProto")(dtype=1, float_val=[1.5, 2.5])
    for size in (2, 2):
        wire.tensor_shape.dim.add(size=size)
    assert same(read_tftensor(wire), np.array([[1.5, 2.5], [2.5, 2.5]], "float32"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dtype": 14}, "type 14"),
        ({"dtype": 0}, "DT_INVALID"),
        ({"dtype": 1, "tensor_content": b"123"}, "holds no DT_FLOAT"),
        ({"dtype": 1, "float_val": [1, 2, 3]}, "3 values, its shape"),
        ({"dtype": 1, "float_val": [1], "tensor_shape": {"dim": [{"size": 1 << 40}]}}, "1 values"),
        ({"dtype": 1, "tensor_shape": {"dim": [{"size": -1}]}}, "0 values, its shape"),
    ],
)
def test_a_malformed_tftensor_is_refused(fields, words):
    with pytest.raises(PayloadError, match=words):
        read_tftensor(message_class("tensorflow.TensorProto")(**fields))


def test_text_in_a_tftensor_is_text():
    wire = message_class(SELDON_MESSAGE)()
    wire.data.tftensor.dtype = 7
    wire.data.tftensor.string_val.extend(["é".encode(), b"b"])
    wire.data.tftensor.tensor_shape.dim.add(size=2)
    assert decode_message(read_message(wire)).value.tolist() == ["é", "b"]
    assert data_form(wire) == "tftensor"


@given(st.binary(max_size=80))
def test_any_bytes_split_into_the_message_that_protobuf_reads_or_into_none(content):
    request = message_class("inference.ModelInferRequest")
    try:
        rest, raw = split_field(content, 7)
        found = request.FromString(rest)
    except (ValueError, DecodeError):
        # A group, which protobuf skips where it is unknown, is refused here.
        return
    found.raw_input_contents.extend(bytes(each) for each in raw)
    assert found == request.FromString(content)


@given(st.lists(st.binary(max_size=300)), st.integers(1, 2000))
def test_fields_behind_a_message_are_read_by_protobuf_and_by_us(values, number):
    content = b"".join(part for value in values for part in join_field(number, value))
    rest, found = split_field(content, number)
    assert [bytes(each) for each in found] == values
    assert rest == b""


def infer_request(array, *, raw):
    wire = message_class("inference.ModelInferRequest")(id="7")
    tensor = wire.inputs.add(name="a", datatype=datatype_of(array), shape=array.shape)
    fields = {"b": "bool_contents", "f": f"fp{array.dtype.itemsize * 8}_contents"}
    sizes = {8: "64_contents"}
    size = sizes.get(array.dtype.itemsize, "_contents")
    fields |= {"i": f"int{size}", "u": f"uint{size}"}
    if raw:
        wire.raw_input_contents.append(array.tobytes())
    else:
        getattr(tensor.contents, fields[array.dtype.kind]).extend(array.ravel().tolist())
    return wire.SerializeToString()


@given(number_arrays(), st.booleans())
def test_a_tensor_of_v2_is_answered_as_it_was_asked(array, raw):
    raw = raw or array.dtype == "float16"
    # An empty list is on no wire, and so neither raw nor not.
    message, was_raw = read_request(infer_request(array, raw=raw))
    assert was_raw == raw
    [tensor] = message["inputs"]
    assert same(tensor["data"], array.ravel())
    outputs = [{**tensor, "parameters": {"k": "v", "n": 1, "x": 0.5, "t": True}}]
    answer = {"model_name": "m", "model_version": "v1", "id": "7", "parameters": {}}
    content = b"".join(write_response({**answer, "outputs": outputs}, raw=was_raw))
    wire = message_class("inference.ModelInferResponse").FromString(content)
    [output] = wire.outputs
    assert (output.datatype, list(output.shape)) == (tensor["datatype"], list(array.shape))
    assert output.parameters["x"].double_param == 0.5
    if raw:
        assert list(wire.raw_output_contents) == [array.tobytes()]
    else:
        [(_, values)] = output.contents.ListFields() or [(None, [])]
        assert same(np.array(values, array.dtype).reshape(array.shape), array)


@pytest.mark.parametrize(
    ("datatype", "contents", "words"),
    [
        ("FP32", {"fp64_contents": [1.0]}, "values go into fp32_contents"),
        ("FP16", {"fp32_contents": [1.0]}, "goes into raw_input_contents"),
        ("INT8", {"int_contents": [300]}, "do not fit INT8"),
        ("UINT16", {"uint_contents": [1 << 20]}, "do not fit UINT16"),
        ("FP8", {}, "none of BOOL"),
    ],
)
def test_contents_of_another_type_are_refused(datatype, contents, words):
    wire = message_class("inference.ModelInferRequest")()
    tensor = wire.inputs.add(name="a", datatype=datatype, shape=[1])
    for field, values in contents.items():
        getattr(tensor.contents, field).extend(values)
    with pytest.raises(PayloadError, match=words):
        read_request(wire.SerializeToString())


def test_raw_contents_are_one_for_each_input():
    wire = message_class("inference.ModelInferRequest")(raw_input_contents=[b"1", b"2"])
    wire.inputs.add(name="a", datatype="INT8", shape=[1])
    with pytest.raises(PayloadError, match="1 inputs have 2 raw contents"):
        read_request(wire.SerializeToString())


def test_an_answer_that_no_message_holds_is_the_models_fault():
    with pytest.raises(UnitError, match="cannot be sent") as raised:
        write_message({"jsonData": {"a": {1, 2}}})
    assert raised.value.status_code == 500
