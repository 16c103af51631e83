# SPDX-License-Identifier: Apache-2.0
"""Readers that are not ours: py-lmdb and Google's protobuf with the definitions of Caffe and TensorFlow, written down from
their documentation, and TFRecord framing with a checksum computed bit by bit."""
import struct

import lmdb
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_TYPES = {"int32": _F.TYPE_INT32, "int64": _F.TYPE_INT64, "bytes": _F.TYPE_BYTES, "float": _F.TYPE_FLOAT, "bool": _F.TYPE_BOOL,
          "string": _F.TYPE_STRING}


def _message(file, name, *fields):
    """Fields are (number, "repeated"?, type, name); a type that is not in _TYPES is a message of the same file."""
    m = file.message_type.add(name=name)
    for number, repeated, kind, field in fields:
        f = m.field.add(name=field, number=number, label=_F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL)
        if kind in _TYPES:
            f.type = _TYPES[kind]
        else:
            f.type, f.type_name = _F.TYPE_MESSAGE, f".{file.package}.{kind}"
        if repeated and kind in ("float", "int64"):
            f.options.packed = True


def _classes():
    caffe = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    _message(caffe, "Datum", (1, 0, "int32", "channels"), (2, 0, "int32", "height"), (3, 0, "int32", "width"), (4, 0, "bytes", "data"),
             (5, 0, "int32", "label"), (6, 1, "float", "float_data"), (7, 0, "bool", "encoded"))
    _message(caffe, "BlobProto", (1, 0, "int32", "num"), (2, 0, "int32", "channels"), (3, 0, "int32", "height"), (4, 0, "int32", "width"),
             (5, 1, "float", "data"))
    tf = descriptor_pb2.FileDescriptorProto(name="example.proto", package="tensorflow", syntax="proto3")
    _message(tf, "BytesList", (1, 1, "bytes", "value"))
    _message(tf, "FloatList", (1, 1, "float", "value"))
    _message(tf, "Int64List", (1, 1, "int64", "value"))
    _message(tf, "Feature", (1, 0, "BytesList", "bytes_list"), (2, 0, "FloatList", "float_list"), (3, 0, "Int64List", "int64_list"))
    _message(tf, "Features", (1, 1, "FeatureEntry", "feature"))
    _message(tf, "FeatureEntry", (1, 0, "string", "key"), (2, 0, "Feature", "value"))
    _message(tf, "Example", (1, 0, "Features", "features"))
    pool = descriptor_pool.DescriptorPool()
    factory = message_factory.MessageFactory(pool)
    pool.Add(caffe)
    pool.Add(tf)
    return [factory.GetPrototype(pool.FindMessageTypeByName(n)) for n in ("caffe.Datum", "caffe.BlobProto", "tensorflow.Example")]


Datum, BlobProto, Example = _classes()


def read_lmdb(folder):
    """[(key, Datum)] in the order of the keys."""
    env = lmdb.open(str(folder), readonly=True, lock=False)
    with env.begin() as txn:
        records = [(bytes(key), Datum.FromString(value)) for key, value in txn.cursor()]
    env.close()
    return records


def datum_pixels(datum):
    """Height x width x channels; colours as red, green, blue."""
    planes = np.frombuffer(datum.data, np.uint8).reshape(datum.channels, datum.height, datum.width)
    return planes[::-1].transpose(1, 2, 0)


def _crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_tfrecords(path):
    """[{feature: its value}]; checksums of the lengths and of the data are compared."""
    data, at, records = path.read_bytes(), 0, []
    while at < len(data):
        length, length_crc = struct.unpack_from("<QI", data, at)
        record = data[at + 12:at + 12 + length]
        assert _crc32c(data[at:at + 8]) == length_crc
        assert _crc32c(record) == struct.unpack_from("<I", data, at + 12 + length)[0]
        at += length + 16
        entries = Example.FromString(record).features.feature
        records.append({e.key: (e.value.int64_list.value or e.value.bytes_list.value)[0] for e in entries})
        assert len(records[-1]) == len(entries)
    return records


def example_pixels(record):
    return np.frombuffer(record["image_raw"], np.uint8).reshape(record["height"], record["width"], record["depth"])
