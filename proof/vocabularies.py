"""Vocabulary-only GGUF files for `check_tokenizers.py`: written anew, or made of what mistral-common ships."""

import base64
import json
import struct

# GGUF's numbers for types of values, and llama.cpp's for types of tokens.
U32, I32, F32, BOOL, TEXT, LIST = 4, 5, 6, 7, 8, 9
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def encoded(kind, value):
    if kind == TEXT:
        data = value.encode()
        return struct.pack("<Q", len(data)) + data
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], value)


def write_gguf(path, keys):
    """Writes a GGUF file without tensors; `keys` are (name, type, value), a list having (LIST, type of its entries)."""
    # llama.cpp wants a shape even where only the vocabulary is read.
    shape = [("general.architecture", TEXT, "llama"), ("llama.context_length", U32, 512)]
    shape += [("llama.embedding_length", U32, 64), ("llama.block_count", U32, 1)]
    shape += [("llama.feed_forward_length", U32, 64), ("llama.attention.head_count", U32, 1)]
    shape += [("llama.attention.layer_norm_rms_epsilon", F32, 1e-5), ("llama.rope.dimension_count", U32, 64)]
    keys = shape + keys
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)))
        for name, kind, value in keys:
            file.write(encoded(TEXT, name))
            if isinstance(kind, tuple):
                file.write(struct.pack("<IIQ", LIST, kind[1], len(value)))
                file.write(b"".join(encoded(kind[1], entry) for entry in value))
            else:
                file.write(struct.pack("<I", kind) + encoded(kind, value))


def write_vocabulary(path, vocabulary):
    """Writes a vocabulary given as a dictionary with the names of the GGUF keys (see `tests/data/tokenizers.json`)."""
    kinds = {
        "model": TEXT,
        "pre": TEXT,
        "tokens": (LIST, TEXT),
        "scores": (LIST, F32),
        "token_type": (LIST, I32),
        "merges": (LIST, TEXT),
        "bos_token_id": U32,
        "eos_token_id": U32,
        "unknown_token_id": U32,
        "add_bos_token": BOOL,
        "add_eos_token": BOOL,
        "add_space_prefix": BOOL,
    }
    write_gguf(path, [(f"tokenizer.ggml.{key}", kinds[key], value) for key, value in vocabulary.items()])


def with_rule(source, target, rule):
    """Copies a GGUF file without tensors, with another name for the rule that splits text."""
    data = source.read_bytes()
    key = encoded(TEXT, "tokenizer.ggml.pre") + struct.pack("<I", TEXT)
    start = data.index(key) + len(key)
    (length,) = struct.unpack_from("<Q", data, start)
    target.write_bytes(data[:start] + encoded(TEXT, rule) + data[start + 8 + length :])


def byte_characters():
    """The character of each byte, after GPT-2: visible ones stand for themselves, the others follow from U+0100 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {**{byte: chr(byte) for byte in visible}, **{byte: chr(0x100 + at) for at, byte in enumerate(hidden)}}


CHARACTERS = byte_characters()


def spelled(data):
    return "".join(CHARACTERS[byte] for byte in data)


def merge_of(token, ranks):
    """The two parts a token was merged from: what is left of its bytes when everything that ranks before it is merged."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [(ranks.get(parts[at] + parts[at + 1], len(ranks)), at) for at in range(len(parts) - 1)]
        rank, at = min(pairs)
        if rank >= ranks[token]:
            return None
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def of_tekken(path, target):
    """Mistral's tekken.json as a GGUF file, as llama.cpp's converter writes it; special tokens come first."""
    data = json.loads(path.read_text())
    config = data["config"]
    specials = config["default_num_special_tokens"]
    named = {0: "<unk>", 1: "<s>", 2: "</s>", 3: "[INST]", 4: "[/INST]"}
    tokens = [named.get(at, f"<SPECIAL_{at}>") for at in range(specials)]
    types = [UNKNOWN] + [CONTROL] * (specials - 1)
    vocabulary = [base64.b64decode(entry["token_bytes"]) for entry in data["vocab"]]
    vocabulary = vocabulary[: config["default_vocab_size"] - specials]
    ranks = {token: rank for rank, token in enumerate(vocabulary)}
    merges = []
    for token in vocabulary:
        tokens.append(spelled(token))
        types.append(NORMAL)
        parts = merge_of(token, ranks) if len(token) > 1 else None
        if parts:
            merges.append(" ".join(map(spelled, parts)))
    write_vocabulary(
        target,
        {
            "model": "gpt2",
            "pre": "tekken",
            "tokens": tokens,
            "token_type": types,
            "merges": merges,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "add_bos_token": True,
        },
    )


def number(data, at):
    """A base-128 number of a protocol buffer, and where the next field begins."""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """The fields of a protocol buffer as (number, value)."""
    at = 0
    while at < len(data):
        tag, at = number(data, at)
        if tag & 7 == 0:
            value, at = number(data, at)
        elif tag & 7 == 5:
            value, at = data[at : at + 4], at + 4
        elif tag & 7 == 1:
            value, at = data[at : at + 8], at + 8
        else:
            length, at = number(data, at)
            value, at = data[at : at + length], at + length
        yield tag >> 3, value


def of_sentencepiece(path, target):
    """A SentencePiece model as a GGUF file: pieces are field 1, with text, score and type as fields 1, 2 and 3."""
    tokens, scores, types = [], [], []
    for field, value in fields(path.read_bytes()):
        if field != 1:
            continue
        piece = dict(fields(value))
        tokens.append(piece[1].decode())
        scores.append(struct.unpack("<f", piece[2])[0] if 2 in piece else 0.0)
        types.append(piece.get(3, NORMAL))
    write_vocabulary(
        target,
        {
            "model": "llama",
            "tokens": tokens,
            "scores": scores,
            "token_type": types,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "unknown_token_id": 0,
            "add_bos_token": True,
            "add_space_prefix": True,
        },
    )
