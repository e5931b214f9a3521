"""Keeps llama.cpp's logits of the tiny synthetic GGUF files, and those of the same dequantised weights in float64.

    python tests/reference/make_llama_cpp.py            write tests/data/reference/llama-cpp/ anew
    python tests/reference/make_llama_cpp.py --check    compute again and compare with what is committed
    ... --generator target/release/examples/synthetic_checkpoint    do not start cargo for each file

How far a program's logits may be from the float64 ones is judged by how far llama.cpp's are. README.md tells the rest.
"""

import argparse
import hashlib
import importlib.metadata
import pathlib
import subprocess
import sys
import tempfile

import gguf
import llama_cpp
import llama_cpp.llama_cpp as library
import numpy as np
import safetensors.torch
import torch
import transformers
from exact import InFloat64, distance, logits_of, toml

DATA = pathlib.Path(__file__).parent.parent / "data" / "reference" / "llama-cpp"
CARGO = "cargo run --quiet --release --example synthetic_checkpoint --"
MODELS = ["tiny-qwen2", "tiny-llama", "tiny-llama3", "tiny-qwen3", "tiny-mistral3", "tiny-deepseek2"]
RECIPES = ["q4_k_m", "q6_k", "q8_0"]
SEED, TOKENS, VOCAB = 1, 40, 512
# Logits are kept of every second position: half the bytes, and still 10,240 numbers for each file.
POSITIONS = list(range(1, TOKENS, 2))
# Relative root mean square between two machines. llama.cpp's kernels differ in the order of their sums, and a sum next to a
# rounding step makes another 8-bit activation.
LLAMA_CPP_TOLERANCE, FLOAT64_TOLERANCE = 0.03, 1e-6


# Keeps llama.cpp from repacking weights for the machine's own kernels, as proof/check_llama_cpp.py does.
default_params = library.llama_model_default_params


def plain_params():
    params = default_params()
    params.use_extra_bufts = False
    return params


library.llama_model_default_params = plain_params


def llama_cpp_logits(path, tokens):
    # llama.cpp reads a missing query rank as 0 only in files of 26, 27 or 48 layers, as the published ones have. Said from
    # outside it takes 4 layers too.
    overrides = {"deepseek2.attention.q_lora_rank": 0} if "deepseek2" in path.name else None
    model = llama_cpp.Llama(
        str(path), n_ctx=64, n_batch=64, n_gpu_layers=0, n_threads=2, logits_all=True, verbose=False, flash_attn=False,
        type_k=library.GGML_TYPE_F32, type_v=library.GGML_TYPE_F32, kv_overrides=overrides,
    )
    model.eval(tokens)
    logits = torch.from_numpy(np.array(model.scores[: len(tokens)], dtype=np.float32))
    model.close()
    assert torch.isfinite(logits).all()
    return logits


class File:
    """Keys and dequantised tensors of a GGUF file."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.keys = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("tokenizer.")}
        self.family = self.keys["general.architecture"]
        self.tensors = {
            tensor.name: torch.tensor(gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=torch.float64)
            for tensor in reader.tensors
        }

    def key(self, name, default=None):
        value = self.keys.get(f"{self.family}.{name}", default)
        # A number of four bytes, as the decimal it stands for: 9.999999974752427e-07 is 1e-6.
        return float(f"{value:.7g}") if isinstance(value, float) else value


def config_of(file):
    """The transformers config that states what the file's keys state."""
    key = file.key
    heads = key("attention.head_count")
    common = {
        "vocab_size": VOCAB, "hidden_size": key("embedding_length"), "intermediate_size": key("feed_forward_length"),
        "num_hidden_layers": key("block_count"), "num_attention_heads": heads,
        "num_key_value_heads": key("attention.head_count_kv"), "rms_norm_eps": key("attention.layer_norm_rms_epsilon"),
        "max_position_embeddings": key("context_length"), "tie_word_embeddings": "output.weight" not in file.tensors,
        "rope_parameters": rope_of(file), "pad_token_id": None,
    }
    head_dim = {"head_dim": key("attention.key_length", common["hidden_size"] // heads)}
    match file.family:
        case "qwen2":
            return transformers.Qwen2Config(**common)
        case "qwen3":
            return transformers.Qwen3Config(**common, **head_dim)
        case "llama":
            return transformers.LlamaConfig(**common, **head_dim)
        case "mistral3":
            return transformers.Ministral3Config(**common, **head_dim)
        case "deepseek2":
            common["num_key_value_heads"] = heads
            rotary = key("rope.dimension_count")
            assert key("expert_gating_func") == 1 and not key("expert_weights_norm", False), "softmax, not normalised"
            return transformers.DeepseekV2Config(
                **common, q_lora_rank=None, kv_lora_rank=key("attention.kv_lora_rank"), qk_rope_head_dim=rotary,
                qk_nope_head_dim=key("attention.key_length_mla") - rotary, v_head_dim=key("attention.value_length_mla"),
                first_k_dense_replace=key("leading_dense_block_count"), n_routed_experts=key("expert_count"),
                num_experts_per_tok=key("expert_used_count"), n_shared_experts=key("expert_shared_count"),
                moe_intermediate_size=key("expert_feed_forward_length"), norm_topk_prob=False, topk_method="greedy",
                routed_scaling_factor=key("expert_weights_scale"),
            )
    raise ValueError(file.family)


def rope_of(file):
    rope = {"rope_type": "default", "rope_theta": file.key("rope.freq_base")}
    if file.key("rope.scaling.type") != "yarn":
        return rope
    factor = file.key("rope.scaling.factor")
    rope |= {
        "rope_type": "yarn", "factor": factor, "beta_fast": file.key("rope.scaling.yarn_beta_fast"),
        "beta_slow": file.key("rope.scaling.yarn_beta_slow"),
        "original_max_position_embeddings": file.key("rope.scaling.original_context_length"),
    }
    if (multiplier := file.key("rope.scaling.yarn_log_multiplier")) is not None:
        # A tenth in deepseek2's files, the number itself in mistral3's.
        magnitude = round(multiplier * 10, 6) if file.family == "deepseek2" else multiplier
        rope |= {"mscale": magnitude, "mscale_all_dim": magnitude}
    if (times := file.key("rope.scaling.attn_factor")) is not None:
        # A multiplier in GGUF, the product in transformers.
        rope["attention_factor"] = times * (0.1 * float(np.log(factor)) + 1.0)
    if (beta := file.key("attention.temperature_scale")) is not None:
        rope["llama_4_scaling_beta"] = beta
    return rope


def halves(weight, heads):
    """Rows of neighbouring pairs, as llama.cpp keeps these families' queries and keys, as the halves of transformers."""
    return weight.reshape(heads, -1, 2, weight.shape[-1]).swapaxes(1, 2).reshape(weight.shape)


LAYER = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj", "attn_kv_a_mqa": "self_attn.kv_a_proj_with_mqa",
    "attn_kv_a_norm": "self_attn.kv_a_layernorm", "ffn_gate_inp": "mlp.gate", "ffn_gate_shexp": "mlp.shared_experts.gate_proj",
    "ffn_up_shexp": "mlp.shared_experts.up_proj", "ffn_down_shexp": "mlp.shared_experts.down_proj",
}
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def state_of(file, config):
    """The file's weights under the names of the model in memory."""
    state, tensors = {}, dict(file.tensors)
    tensors.pop("rope_freqs.weight", None)
    for layer in range(config.num_hidden_layers):
        take = lambda name: tensors.pop(f"blk.{layer}.{name}.weight")
        if f"blk.{layer}.attn_k_b.weight" in tensors:
            keys, values = take("attn_k_b").swapaxes(1, 2), take("attn_v_b")
            both = torch.cat([keys, values], 1).flatten(0, 1)
            state[f"model.layers.{layer}.self_attn.kv_b_proj.weight"] = both
        if f"blk.{layer}.ffn_gate_exps.weight" in tensors:
            experts = f"model.layers.{layer}.mlp.experts."
            state[experts + "gate_up_proj"] = torch.cat([take("ffn_gate_exps"), take("ffn_up_exps")], 1)
            state[experts + "down_proj"] = take("ffn_down_exps")
    for name, tensor in tensors.items():
        part, kind = name.rsplit(".", 1)
        if part in WHOLE:
            state[f"{WHOLE[part]}.{kind}"] = tensor
            continue
        _, layer, part = part.split(".")
        if file.family in ("llama", "mistral3") and part in ("attn_q", "attn_k"):
            tensor = halves(tensor, config.num_attention_heads if part == "attn_q" else config.num_key_value_heads)
        state[f"model.layers.{layer}.{LAYER[part]}.{kind}"] = tensor
    if config.tie_word_embeddings:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    return state


def float64_logits(path, tokens):
    """What transformers computes in float64 from the file's keys and dequantised weights."""
    file = File(path)
    config = config_of(file)
    with InFloat64():
        model = transformers.AutoModelForCausalLM.from_config(
            config, dtype=torch.float64, attn_implementation="eager", experts_implementation="eager"
        ).eval()
    model.load_state_dict(state_of(file, config), strict=True)
    if (factors := file.tensors.get("rope_freqs.weight")) is not None:
        model.model.rotary_emb.inv_freq /= factors
    return logits_of(model, torch.tensor([tokens]))[0][0]


def make(model, recipe, generator, folder, tell):
    """The tensors to keep of one file, and its row in files.toml."""
    path = folder / f"{model}.{recipe}.gguf"
    command = [*generator.split(), model, str(SEED), str(path), recipe]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    tokens = np.random.Generator(np.random.PCG64(TOKENS)).integers(0, VOCAB, TOKENS).tolist()
    float64 = float64_logits(path, tokens)[POSITIONS]
    llama = llama_cpp_logits(path, tokens)[POSITIONS]
    path.unlink()
    far = distance(llama, float64)
    if tell:
        print(f"{model} {recipe}: llama.cpp is {far:.2e} from float64, the logits' spread is {float64.std():.2f}", flush=True)
    tensors = {
        "tokens": torch.tensor(tokens), "positions": torch.tensor(POSITIONS), "float64": float64.float().contiguous(),
        "llama_cpp": llama.contiguous(),
    }
    row = {"model": model, "recipe": recipe, "seed": SEED, "sha256": digest, "llama_cpp_distance": float(f"{far:.3g}")}
    return tensors, row


def compare(row, tensors, kept_rows):
    name = f"{row['model']}.{row['recipe']}"
    path = DATA / f"{name}.safetensors"
    if not path.is_file():
        return f"failed: {name} is not committed"
    if toml(row["sha256"]) not in kept_rows:
        return f"failed: {name}: the generator writes another file than the one these logits are of"
    kept = safetensors.torch.load_file(path)
    if not all(torch.equal(tensors[key], kept[key]) for key in ("tokens", "positions")):
        return f"failed: {name} has other tokens"
    exact = distance(tensors["float64"], kept["float64"].double())
    llama = distance(tensors["llama_cpp"], kept["llama_cpp"].double())
    good = exact <= FLOAT64_TOLERANCE and llama <= LLAMA_CPP_TOLERANCE
    return f"{'good' if good else 'failed'}: {name} (float64 {exact:.0e}, llama.cpp {llama:.0e} from the committed logits)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    parser.add_argument("--generator", default=CARGO, help=f"the command that writes a file, {CARGO!r} if not given")
    arguments = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        made = [
            make(model, recipe, arguments.generator, pathlib.Path(folder), not arguments.check)
            for model in MODELS
            for recipe in RECIPES
        ]
    if arguments.check:
        kept_rows = (DATA / "files.toml").read_text()
        lines = [compare(row, tensors, kept_rows) for tensors, row in made]
        print("\n".join(lines))
        sys.exit(any(line.startswith("failed") for line in lines))
    DATA.mkdir(parents=True, exist_ok=True)
    for old in DATA.iterdir():
        old.unlink()
    versions = {name: importlib.metadata.version(name) for name in ("llama-cpp-python", "gguf", "transformers", "torch")}
    lines = ["# Written by tests/reference/make_llama_cpp.py. The distance is of llama.cpp's logits from the float64 ones:\n"]
    lines.append("# their root mean square difference over the spread of the float64 ones.\n")
    lines += [f"{name} = {toml(version.split('+')[0])}\n" for name, version in versions.items()]
    for tensors, row in made:
        safetensors.torch.save_file(tensors, DATA / f"{row['model']}.{row['recipe']}.safetensors")
        lines.append("\n[[file]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in row.items()))
    (DATA / "files.toml").write_text("".join(lines))


if __name__ == "__main__":
    main()
