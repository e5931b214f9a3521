"""Small vocabularies trained on the page, in every form this program reads, with the reference's ids."""

import base64
import hashlib
import json

import tokenizers
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

import vocabularies
from vocabularies import BYTE, CONTROL, NORMAL, UNKNOWN, USER_DEFINED

MERGES = 320
RULES = ["default", "gpt-2", "qwen2", "deepseek-r1-qwen", "llama-bpe", "smaug-bpe", "tekken"]
RULES += ["deepseek-llm", "deepseek-coder", "deepseek-v3"]
MARKS = [("<s>", CONTROL), ("</s>", CONTROL), ("<|user|>", CONTROL), ("<think>", USER_DEFINED), ("</think>", USER_DEFINED)]
MARKED = "<|user|>Où est  l'été ?</s> <think>\n2 + 2</think>\n\n<s> 4</s>"

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|")
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def trained(symbols):
    """Merges of the most frequent pair, the first of equals, over the whole text: they cross words, digits and lines, so
    that every place where a rule splits shows in the ids."""
    merges = []
    while len(merges) < MERGES:
        counts = {}
        for pair in zip(symbols, symbols[1:]):
            counts[pair] = counts.get(pair, 0) + 1
        best = max(counts, key=lambda pair: counts[pair])
        merges.append(best)
        merged, at = [], 0
        while at < len(symbols):
            if tuple(symbols[at : at + 2]) == best:
                merged.append(best[0] + best[1])
                at += 2
            else:
                merged.append(symbols[at])
                at += 1
        symbols = merged
    return merges


def distinct(texts):
    return list(dict.fromkeys(texts))


def byte_level(page):
    merges = trained([vocabularies.CHARACTERS[byte] for byte in page])
    tokens = distinct([*vocabularies.CHARACTERS.values()] + [left + right for left, right in merges])
    tokens, types = tokens + [text for text, _ in MARKS], [NORMAL] * len(tokens) + [kind for _, kind in MARKS]
    return {
        "model": "gpt2",
        "tokens": tokens,
        "token_type": types,
        "merges": [f"{left} {right}" for left, right in merges],
        "bos_token_id": tokens.index("<s>"),
        "eos_token_id": tokens.index("</s>"),
        "add_bos_token": True,
    }


def sentence_piece(page):
    # Some characters only, so that the rest becomes bytes.
    text = page.decode().replace(" ", "▁")
    characters = [one for one in distinct(text) if text.count(one) > 2 and one not in "\n\t"]
    merges = [(left, right) for left, right in trained(list(text)) if not set(left + right) - set(characters)]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = distinct([left + right for left, right in merges])
    marks = [("[INST]", CONTROL), ("<think>", USER_DEFINED), ("</think>", USER_DEFINED)]
    tokens = ["<unk>", "<s>", "</s>"] + [text for text, _ in marks] + bytes_ + pieces + characters
    types = [UNKNOWN, CONTROL, CONTROL] + [kind for _, kind in marks] + [BYTE] * 256 + [NORMAL] * len(pieces + characters)
    # Two pieces share a score, which no list of merges can say.
    scores = [0.0] * (6 + 256) + [-float(at // 2) for at in range(len(pieces))] + [-1000.0] * len(characters)
    return {
        "model": "llama",
        "tokens": tokens,
        "scores": scores,
        "token_type": types,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "unknown_token_id": 0,
    }


TEKKEN = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
TEKKEN += r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
TEKKEN += r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def tekken_ids(folder, vocabulary, page):
    """The page by mistral-common. llama.cpp's pattern for this rule knows no marks and no case beyond ASCII."""
    specials = 10
    tokens = vocabulary["tokens"][: -len(MARKS)]
    bytes_ = {character: byte for byte, character in vocabularies.CHARACTERS.items()}
    ordered = [vocabularies.CHARACTERS[byte] for byte in range(256)] + tokens[256:]
    entries = [
        {"rank": rank, "token_bytes": base64.b64encode(bytes(bytes_[one] for one in text)).decode(), "token_str": None}
        for rank, text in enumerate(ordered)
    ]
    config = {"pattern": TEKKEN, "num_vocab_tokens": len(entries), "default_vocab_size": len(entries) + specials}
    names = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"]
    names += ["[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]"]
    marks = [{"rank": rank, "token_str": name, "is_control": True} for rank, name in enumerate(names)]
    path = folder / "tekken.json"
    config |= {"default_num_special_tokens": specials, "version": "v3"}
    path.write_text(json.dumps({"config": config, "vocab": entries, "special_tokens": marks}))
    ids = Tekkenizer.from_file(path).encode(page.decode(), bos=False, eos=False)
    return [vocabulary["bos_token_id"]] + [tokens.index(ordered[one - specials]) for one in ids]


def added(texts, start):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return [{"id": start + at, "content": text, "special": "hink" not in text} | flags for at, text in enumerate(texts)]


def template(mark, identity):
    return {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": mark, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {mark: {"id": mark, "ids": [identity], "tokens": [mark]}},
    }


def split(pattern):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def tokenizer_json(model, added_tokens, normalizer, pre_tokenizer, post_processor, decoder):
    options = {"dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None}
    options |= {"fuse_unk": False, "byte_fallback": False, "ignore_merges": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added_tokens,
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": decoder,
        "model": {"type": "BPE"} | options | model,
    }


def qwen2_json(tokens, types, merges):
    """The form of Qwen2's file: normalised text, marks beyond the vocabulary, nothing put around a text."""
    plain = [text for text, kind in zip(tokens, types) if kind == NORMAL]
    marks = [text for text, kind in zip(tokens, types) if kind != NORMAL]
    model = {"vocab": {text: at for at, text in enumerate(plain)}, "merges": merges, "unk_token": None}
    steps = {"type": "Sequence", "pretokenizers": [split(QWEN2), BYTE_LEVEL]}
    return tokenizer_json(model, added(marks, len(plain)), {"type": "NFC"}, steps, BYTE_LEVEL, BYTE_LEVEL)


def write_qwen2(folder, tokens, types, merges):
    (folder / "tokenizer.json").write_text(json.dumps(qwen2_json(tokens, types, merges)))


def json_forms(vocabulary, pieces):
    """The forms of tokenizer.json that models here have, over the same small vocabularies."""
    plain = vocabulary["tokens"][: -len(MARKS)]
    marks = added([text for text, _ in MARKS], len(plain))
    model = {"vocab": {text: at for at, text in enumerate(plain)}, "merges": [one.split(" ") for one in vocabulary["merges"]]}
    post = {"type": "Sequence", "processors": [BYTE_LEVEL, template("<s>", len(plain))]}
    digits = {"type": "Digits", "individual_digits": True}
    steps = [split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), digits, BYTE_LEVEL]
    old = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}
    yield "qwen2", qwen2_json(vocabulary["tokens"], vocabulary["token_type"], vocabulary["merges"])
    yield "llama3", tokenizer_json(
        model | {"ignore_merges": True},
        marks,
        None,
        {"type": "Sequence", "pretokenizers": [split(LLAMA3), BYTE_LEVEL]},
        post,
        BYTE_LEVEL,
    )
    yield "deepseek", tokenizer_json(model, marks, None, {"type": "Sequence", "pretokenizers": steps}, post, BYTE_LEVEL)
    yield "gpt2", tokenizer_json(model, marks, None, old, None, old)
    yield from mistral_forms(pieces)


def mistral_forms(pieces):
    """SentencePiece as merges: what makes a token is a merge, and the best tokens' come first."""
    tokens = pieces["tokens"]
    ids = {text: at for at, text in enumerate(tokens)}
    ranked = sorted(range(262, len(tokens)), key=lambda at: (-pieces["scores"][at], at))
    splits = [(tokens[at][:cut], tokens[at][cut:]) for at in ranked for cut in range(1, len(tokens[at]))]
    merges = [pair for pair in splits if pair[0] in ids and pair[1] in ids]
    model = {"vocab": ids, "merges": merges, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
    marks = added(tokens[:6], 0)
    space = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    decoder = {"type": "Sequence", "decoders": [space, {"type": "ByteFallback"}, {"type": "Fuse"}, strip]}
    prepend = {"type": "Prepend", "prepend": "▁"}
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    normalizer = {"type": "Sequence", "normalizers": [prepend, replace]}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    yield "mistral", tokenizer_json(model, marks, normalizer, None, template("<s>", 1), decoder)
    yield "metaspace", tokenizer_json(model, marks, None, metaspace, template("<s>", 1), decoder)


def digest(ids):
    """SHA-256 of the ids as text with commas."""
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()


def kept(ids):
    """What the fixture keeps: every id of the marked text, and of the page, which is long, how many and their digest."""
    return {"page_tokens": len(ids["page"]), "page_sha256": digest(ids["page"]), "marked": ids["marked"]}


def made(folder, page, llama_cpp_ids):
    """The fixture, and (name, file, text, ids) to check this program with."""
    marked, checks = MARKED.encode(), []
    small = byte_level(page)
    rules = {}
    for rule in RULES:
        path = folder / f"small-{rule}.gguf"
        vocabularies.write_vocabulary(path, small | {"pre": rule})
        rules[rule] = {"page": llama_cpp_ids(path, page), "marked": llama_cpp_ids(path, marked)}
        if rule == "tekken":
            rules[rule]["page"] = tekken_ids(folder, small, page)
        checks += [(f"small {rule}", path, text, rules[rule][name]) for name, text in [("page", page), ("marked", marked)]]
    pieces = sentence_piece(page)
    spaces = {}
    for name, adds_space in [("with_space", True), ("without_space", False)]:
        path = folder / f"small-{name}.gguf"
        vocabularies.write_vocabulary(path, pieces | {"add_space_prefix": adds_space})
        spaces[name] = {"page": llama_cpp_ids(path, page), "marked": llama_cpp_ids(path, marked)}
        checks += [(f"small {name}", path, text, spaces[name][at]) for at, text in [("page", page), ("marked", marked)]]
    files = []
    for name, content in json_forms(small, pieces):
        path = folder / f"small-{name}"
        path.mkdir()
        (path / "tokenizer.json").write_text(json.dumps(content))
        reference = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
        ids = {at: reference.encode(text.decode()).ids for at, text in [("page", page), ("marked", marked)]}
        texts = {"page": reference.decode(ids["page"]), "marked": reference.decode(ids["marked"])}
        # A text that comes back as another one, normalised or with a space less, is kept.
        others = {at: text for at, text in texts.items() if text != (page if at == "page" else marked).decode()}
        files.append({"name": name, "file": content, "ids": kept(ids), "texts": others})
        checks += [(f"small {name}", path, text, ids[at]) for at, text in [("page", page), ("marked", marked)]]
    fixture = {
        "marked": MARKED,
        "byte_level": {"vocabulary": small, "rules": {rule: kept(ids) for rule, ids in rules.items()}},
        "sentence_piece": {"vocabulary": pieces, "spaces": {name: kept(ids) for name, ids in spaces.items()}},
        "tokenizer_json": files,
    }
    return {"fixture": fixture, "checks": checks}


def as_text(value, depth=0):
    """JSON with a line for each entry of the outer objects and each list of numbers in one."""
    if isinstance(value, dict) and depth < 4:
        inner = ",\n".join(f"{' ' * (depth + 1)}{json.dumps(key)}: {as_text(one, depth + 1)}" for key, one in value.items())
        return "{\n" + inner + "\n" + " " * depth + "}" + ("\n" if depth == 0 else "")
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(" " * (depth + 1) + json.dumps(one, ensure_ascii=False) for one in value) + "\n" + " " * depth + "]"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
