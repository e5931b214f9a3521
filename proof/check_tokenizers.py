"""Shows that this program splits text into the same tokens as the programs the models' makers use.

    python proof/check_tokenizers.py            compare with the reference tokenizers and with the fixtures
    python proof/check_tokenizers.py --write    the same, and write the fixtures first

Real vocabularies are taken from where packages ship them, into a temporary folder: mistral-common's data, and the
vocabulary-only files in the sources of llama-cpp-python. They are not copied into the repository; counts and digests of
their ids are (tests/data/tokenizer-proof.json). Small vocabularies are trained on the page itself and kept with the
reference's ids (tests/data/tokenizers.json), for the tests that run without Python.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import gguf
import jinja2
import llama_cpp
import mistral_common
import tokenizers
import transformers
from mistral_common.tokens.tokenizers.sentencepiece import SentencePieceTokenizer
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

import chat_templates
import small_vocabularies
import vocabularies
from small_vocabularies import digest

ROOT = pathlib.Path(__file__).parent.parent
PAGE = ROOT / "tests" / "data" / "page.txt"
PROOF = ROOT / "tests" / "data" / "tokenizer-proof.json"
SMALL = ROOT / "tests" / "data" / "tokenizers.json"
LLAMA_CPP_FILES = ["gpt-2", "qwen2", "llama-bpe", "deepseek-llm", "deepseek-coder", "llama-spm", "baichuan"]
# Rules whose own vocabularies no package ships, on another's: where text is split shows in the ids all the same.
OTHER_RULES = ["deepseek-v3", "deepseek-r1-qwen", "default", "smaug-bpe"]
TEKKEN_FILES = ["tekken_240718.json", "tekken_240911.json"]
SENTENCEPIECE_FILES = [
    "tokenizer.model.v1",
    "mistral_instruct_tokenizer_240216.model.v2",
    "mistral_instruct_tokenizer_240323.model.v3",
    "mistral_instruct_tokenizer_241114.model.v7",
]


def check(truth, message):
    if not truth:
        sys.exit(f"failed: {message}")


def llama_cpp_ids(path, page, special=True):
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    ids = model.tokenize(page, add_bos=special, special=True)
    model.close()
    return ids


class Ours:
    """The program under test."""

    def __init__(self, profile):
        command = ["cargo", "build", "--quiet", "--profile", profile, "--example", "tokenise", "--example", "chat_template"]
        subprocess.run(command, cwd=ROOT, check=True)
        target = subprocess.run(["cargo", "metadata", "--format-version=1", "--no-deps"], cwd=ROOT, capture_output=True)
        folder = pathlib.Path(json.loads(target.stdout)["target_directory"])
        self.examples = folder / ("debug" if profile == "dev" else profile) / "examples"

    def ids(self, path, page, special=True):
        """The ids of the page, and whether they give it back."""
        command = [self.examples / "tokenise"] + ([] if special else ["--plain"]) + [path]
        result = subprocess.run(command, input=page, capture_output=True)
        check(result.returncode == 0, f"{path.name}: {result.stderr.decode()}")
        *ids, end = result.stdout.decode().splitlines()
        return [int(one) for one in ids], end == "text"


def first_difference(reference, ours):
    for at, (one, other) in enumerate(zip(reference, ours)):
        if one != other:
            return f"at {at}: {reference[at : at + 5]} and not {ours[at : at + 5]}"
    return f"{len(reference)} ids and not {len(ours)}"


def unpacked_sources(folder, archive):
    """The sources of the installed llama-cpp-python; the package index has them."""
    if archive is None:
        version = llama_cpp.__version__
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "llama-cpp-python"]
        subprocess.run(command + [f"llama-cpp-python=={version}", "--dest", str(folder)], check=True)
        (archive,) = folder.glob("llama_cpp_python-*.tar.gz")
    with tarfile.open(archive) as sources:
        wanted = [one for one in sources.getmembers() if "/vendor/llama.cpp/models/" in one.name]
        sources.extractall(folder, members=wanted, filter="data")
    (models,) = folder.glob("*/vendor/llama.cpp/models")
    return models


def real_vocabularies(folder, models, page):
    """(name, file or folder, ids by reference) for every real vocabulary; the first reference decides."""
    for name in LLAMA_CPP_FILES:
        path = models / f"ggml-vocab-{name}.gguf"
        yield name, path, {"llama.cpp": llama_cpp_ids(path, page)}
    for rule in OTHER_RULES:
        path = folder / f"qwen2-as-{rule}.gguf"
        vocabularies.with_rule(models / "ggml-vocab-qwen2.gguf", path, rule)
        yield f"qwen2 as {rule}", path, {"llama.cpp": llama_cpp_ids(path, page)}
    data = pathlib.Path(mistral_common.__file__).parent / "data"
    text = page.decode()
    for name in TEKKEN_FILES:
        path = folder / f"{name}.gguf"
        vocabularies.of_tekken(data / name, path)
        reference = Tekkenizer.from_file(data / name).encode(text, bos=True, eos=False)
        yield name, path, {"mistral-common": reference, "llama.cpp": llama_cpp_ids(path, page)}
    for name in SENTENCEPIECE_FILES:
        path = folder / f"{name}.gguf"
        vocabularies.of_sentencepiece(data / name, path)
        reference = SentencePieceTokenizer(data / name).encode(text, bos=True, eos=False)
        yield name, path, {"mistral-common": reference, "llama.cpp": llama_cpp_ids(path, page)}
    yield qwen2_as_json(folder, models, text)


def qwen2_as_json(folder, models, text):
    """A full vocabulary as a tokenizer.json of the form that Qwen2 has."""
    keys = gguf.GGUFReader(models / "ggml-vocab-qwen2.gguf").fields
    tokens = keys["tokenizer.ggml.tokens"].contents()
    types = keys["tokenizer.ggml.token_type"].contents()
    path = folder / "qwen2"
    path.mkdir()
    small_vocabularies.write_qwen2(path, tokens, types, keys["tokenizer.ggml.merges"].contents())
    reference = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
    return "qwen2 as tokenizer.json", path, {"tokenizers": reference.encode(text).ids}


def check_real(ours, folder, models, page):
    results = []
    for name, path, references in real_vocabularies(folder, models, page):
        ids, is_whole = ours.ids(path, page)
        decisive, reference = next(iter(references.items()))
        verdicts = [f"{one} {'the same' if known == ids else f'another {len(known)}'}" for one, known in references.items()]
        print(f"{name}: {len(ids)} tokens; {', '.join(verdicts)}")
        results.append(
            {"name": name, "reference": decisive, "tokens": len(reference), "sha256": digest(reference), "text_comes_back": is_whole}
            | ({"llama_cpp_agrees": references["llama.cpp"] == reference} if len(references) > 1 else {})
        )
        check(ids == reference, f"{name}: {first_difference(reference, ids)}")
    # A comparison that cannot fail shows nothing: the wrong rule has to give other ids.
    wrong = folder / "wrong.gguf"
    vocabularies.with_rule(models / "ggml-vocab-qwen2.gguf", wrong, "gpt-2")
    right = next(result for result in results if result["name"] == "qwen2")
    check(digest(ours.ids(wrong, page)[0]) != right["sha256"], "a wrong rule gives the right ids")
    return results


def check_small(ours, folder, page):
    small = small_vocabularies.made(folder, page, llama_cpp_ids)
    for name, path, text, ids in small["checks"]:
        found, _ = ours.ids(path, text)
        check(found == ids, f"{name}: {first_difference(ids, found)}")
        print(f"{name}: {len(ids)} tokens, the same")
    return small["fixture"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the fixtures")
    parser.add_argument("--sources", type=pathlib.Path, help="llama-cpp-python's archive of sources, if it is here already")
    parser.add_argument("--profile", default="release", help="cargo's profile to build with")
    arguments = parser.parse_args()
    ours = Ours(arguments.profile)
    page = PAGE.read_bytes()
    versions = {
        "llama_cpp_python": llama_cpp.__version__,
        "mistral_common": mistral_common.__version__,
        "tokenizers": tokenizers.__version__,
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        models = unpacked_sources(folder, arguments.sources)
        head = {"made_by": "proof/check_tokenizers.py", "page_sha256": hashlib.sha256(page).hexdigest()}
        small = head | versions | check_small(ours, folder, page)
        templates = chat_templates.check(ours.examples / "chat_template", models / "templates")
        versions |= {"transformers": transformers.__version__, "jinja2": jinja2.__version__}
        proof = head | versions | {"vocabularies": check_real(ours, folder, models, page), "chat_templates": templates}
    for path, found in [(SMALL, small), (PROOF, proof)]:
        if arguments.write:
            path.write_text(small_vocabularies.as_text(found))
        known = json.loads(path.read_text())
        check(known == json.loads(json.dumps(found)), f"{path.name} says something else; --write writes it anew")
    print("good")


main()
