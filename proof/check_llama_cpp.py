"""Shows that llama.cpp takes a synthetic checkpoint, and keeps its logits for the Rust tests to compare with candle's.

    python proof/check_llama_cpp.py FILE            load FILE, read every token, serve a completion; compare with the fixture
    python proof/check_llama_cpp.py FILE --write    the same, and write the fixture

The fixture holds the logits of the tiny model only; those of any other model are computed and not compared.
"""

import argparse
import hashlib
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

import llama_cpp
import llama_cpp.llama_cpp as library
import llama_cpp.server.__main__ as llama_server
import numpy as np

FIXTURE = pathlib.Path(__file__).parent.parent / "tests" / "data" / "llama-cpp-tiny.json"
# In the tiny vocabulary: BOS, user, two bytes, the merged token, three words, assistant, <think>.
TOKENS = [509, 507, 72, 105, 256, 300, 400, 505, 508, 510]
# Relative root mean square between two machines: kernels differ in the order of their sums and in how they round
# activations to 8 bits.
TOLERANCE = 0.03
SERVER_SECONDS = 300


# Keeps llama.cpp from repacking weights for the machine's own kernels: the plain ones give nearly the same logits on every
# machine. Besides, a llama.cpp compiled by GCC 12 for a processor with AMX crashes in them (`ldtilecfg` reads a tile
# configuration whose stores the compiler dropped).
default_params = library.llama_model_default_params


def plain_params():
    params = default_params()
    params.use_extra_bufts = False
    return params


library.llama_model_default_params = plain_params


def check(truth, message):
    if not truth:
        sys.exit(f"failed: {message}")


def check_tokens(model):
    """Every id decodes to its byte or to printable text, and that text encodes to something that decodes to it."""
    for token in range(model.n_vocab()):
        piece = model.detokenize([token], special=True)
        if token < 256:
            check(piece == bytes([token]), f"token {token} is {piece!r}, not its byte")
            continue
        check(piece and piece.decode().isprintable(), f"token {token} is {piece!r}")
        ids = model.tokenize(piece, add_bos=False, special=True)
        check(model.detokenize(ids, special=True) == piece, f"{piece!r} is encoded as {ids}")
    text = "naïve café ☕ 你好\n\tx = 1;  within".encode()
    ids = model.tokenize(text, add_bos=True)
    check(ids[0] == model.token_bos(), "no BOS at the start")
    check(model.detokenize(ids) == text, f"{text!r} comes back as {model.detokenize(ids)!r}")
    print(f"{model.n_vocab()} tokens: each is its byte or printable, and survives a round trip")


def compute_logits(model):
    model.reset()
    model.eval(TOKENS)
    scores = np.array(model.scores[: len(TOKENS)], dtype=np.float64)
    check(np.isfinite(scores).all(), "logits are not finite")
    print(f"logits of the last position: mean {scores[-1].mean():.3f}, std {scores[-1].std():.3f}")
    return scores


def compare(fixture, digest, scores):
    check(fixture["file_sha256"] == digest, f"the fixture is of another file: {fixture['file_sha256']}")
    wanted = np.array(fixture["last_logits"])
    distance = np.sqrt(((scores[-1] - wanted) ** 2).mean() / (wanted**2).mean())
    check(distance < TOLERANCE, f"logits are {distance:.4f} from the fixture's, {TOLERANCE} is allowed")
    same = sum(int(a == b) for a, b in zip(scores.argmax(axis=1), fixture["top_tokens"]))
    print(f"fixture: relative distance {distance:.2e}, {same} of {len(TOKENS)} most likely tokens the same")


def post(port, path, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=SERVER_SECONDS) as reply:
        return json.load(reply)


def check_server(path):
    """Serves the file on a free port of this machine and asks for one completion and one chat answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, __file__, "--serve", "--model", str(path), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--n_ctx", "512", "--verbose", "false"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + SERVER_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5).close()
                break
            except OSError:
                check(server.poll() is None, "the server ended by itself")
                check(time.monotonic() < deadline, f"no answer from the server in {SERVER_SECONDS} s")
                time.sleep(0.2)
        reply = post(port, "completions", {"prompt": "Why is the sky blue?", "max_tokens": 8, "temperature": 0})
        print(f"completion: {reply['choices'][0]['text']!r}, {reply['usage']}")
        check(reply["usage"]["completion_tokens"] > 0, "the completion is empty")
        question = [{"role": "user", "content": "Why is the sky blue?"}]
        reply = post(port, "chat/completions", {"messages": question, "max_tokens": 8, "temperature": 0})
        print(f"chat: {reply['choices'][0]['message']['content']!r}, {reply['usage']}")
        check(reply["usage"]["completion_tokens"] > 0, "the chat answer is empty")
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def main():
    if sys.argv[1:2] == ["--serve"]:
        # The server in a process of its own: check_server starts this script again.
        del sys.argv[1]
        return llama_server.main()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--write", action="store_true", help="write the fixture of the tiny model")
    arguments = parser.parse_args()
    with arguments.file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    model = llama_cpp.Llama(
        str(arguments.file), n_ctx=512, n_gpu_layers=0, n_threads=2, logits_all=True, verbose=False
    )
    print(f"llama-cpp-python {llama_cpp.__version__} loaded {model.metadata['general.name']}, sha256 {digest}")
    check(model.metadata["claimbench.synthetic"] == "true", "the file does not say that it is synthetic")
    check_tokens(model)
    scores = compute_logits(model)
    if model.metadata["claimbench.model"] == "tiny-qwen2":
        fixture = {
            "made_by": "proof/check_llama_cpp.py",
            "llama_cpp_python": llama_cpp.__version__,
            "file_sha256": digest,
            "tokens": TOKENS,
            "top_tokens": scores.argmax(axis=1).tolist(),
            "last_logits": [round(value, 6) for value in scores[-1].tolist()],
        }
        if arguments.write:
            FIXTURE.write_text(json.dumps(fixture) + "\n")
        compare(json.loads(FIXTURE.read_text()), digest, scores)
    model.close()
    check_server(arguments.file)
    print("good")


main()
