# SPDX-License-Identifier: MIT
"""Writes GGUF files (ggml, docs/gguf.md): metadata and the list of tensors, without their data. For tests."""

import struct

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d"}


class Writer:
    def __init__(self, order="<", version=3):
        self.order, self.version = order, version

    def number(self, kind, value):
        return struct.pack(self.order + FORMATS[kind], value)

    def string(self, text):
        text = text if isinstance(text, bytes) else text.encode()
        return self.number(U64, len(text)) + text

    def value(self, kind, value):
        if kind == STRING:
            return self.string(value)
        if kind != ARRAY:
            return self.number(kind, value)
        of, values = value
        return self.number(U32, of) + self.number(U64, len(values)) + b"".join(self.value(of, v) for v in values)

    def file(self, pairs, tensors=()):
        """pairs: (key, type, value); an array's value is (type, values)."""
        out = b"GGUF" + self.number(U32, self.version) + self.number(U64, len(tensors)) + self.number(U64, len(pairs))
        for key, kind, value in pairs:
            out += self.string(key) + self.number(U32, kind) + self.value(kind, value)
        for i, name in enumerate(tensors):
            out += self.string(name) + self.number(U32, 1) + self.number(U64, 32) + self.number(U32, 0) + \
                self.number(U64, 128 * i)
        return out


def kind_of(value):
    """The type that llama.cpp's converter writes a Python value as."""
    if isinstance(value, list):
        return ARRAY, (BOOL if isinstance(value[0], bool) else STRING if isinstance(value[0], str) else I32, value)
    if isinstance(value, str):
        return STRING, value
    if isinstance(value, bool):
        return BOOL, value
    return (F32 if isinstance(value, float) else U32), value


def model(architecture, keys, tensors=(), order="<", version=3):
    """A model's file: what comes first and last in real ones (a name, tokens) around the keys given, which stand
    without the architecture: {"block_count": 2, "attention.head_count": [4, 8]}"""
    pairs = [("general.architecture", STRING, architecture), ("general.name", STRING, "Some Model"),
             ("general.tags", ARRAY, (STRING, ["text-generation", "\u00fc"]))]
    pairs += [(architecture + "." + key, *kind_of(value)) for key, value in keys.items()]
    pairs += [("tokenizer.ggml.tokens", ARRAY, (STRING, ["<pad>", "a", "b" * 300] * 500)),
              ("tokenizer.ggml.scores", ARRAY, (F32, [0.5] * 1500)), ("tokenizer.ggml.bos_token_id", U32, 2),
              ("general.quantization_version", U32, 2)]
    return Writer(order, version).file(pairs, ["token_embd.weight", *tensors, "output_norm.weight"])
