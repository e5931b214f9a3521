"""Writes tiny random checkpoints and the logits that transformers computes from them, for `cargo test` to compare with.

    python tests/reference/make_fixtures.py            write tests/data/reference/<name>/ and fixtures.toml anew
    python tests/reference/make_fixtures.py --check    write into a temporary folder and compare with what is committed
    python tests/reference/make_fixtures.py --only qwen2,llama

Each checkpoint has what its architecture can make go wrong switched on. The logits are of the weights as stored, computed in
float64. The script fails if a fixture would be too easy: see `check_hardness` and `check_faults`. README.md tells the rest.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import sys
import tempfile
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import safetensors.torch
import torch
import transformers
from exact import InFloat64, distance, logits_of, toml

DATA = pathlib.Path(__file__).parent.parent / "data" / "reference"
PROMPTS, TOKENS, VOCAB = 2, 40, 123
# Relative root mean square of the logits between two machines that write the same fixture: only float64 sums differ.
TOLERANCE = 1e-6
# The project's tests allow an F32 model this distance from the reference; a fault must stand out from it by far.
F32_TOLERANCE = 1e-4
FAULT_DISTANCE = 100 * F32_TOLERANCE
SHARD = "100KB"
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


@dataclasses.dataclass
class Fixture:
    """One architecture: its config as transformers takes it, and the scales that make its attention and logits lively."""

    name: str
    seed: int
    switched_on: str
    config: transformers.PreTrainedConfig
    dtypes: tuple = ("f32",)
    # Whether the F32 config is in the form most hub repositories have; F16 and BF16 ones always are.
    older: bool = False
    sharded: bool = False
    embedding: float = 0.02
    final_norm: float = 1.0
    attention: float = 1.9
    head: float = 2.0


def fixtures():
    common = {"vocab_size": VOCAB, "num_hidden_layers": 2, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}
    square = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    yarn = {"rope_type": "yarn", "beta_fast": 32.0, "beta_slow": 1.0}
    ministral = {**common, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32}
    ministral |= {"intermediate_size": 40, "rms_norm_eps": 1e-5, "max_position_embeddings": 256}
    ministral |= {"rope_parameters": {**yarn, "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 16}}
    ministral["rope_parameters"] |= {"mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1}
    yield Fixture(
        "qwen2", 1, "grouped queries, biases on q, k and v, untied head, a window that is stated but off",
        transformers.Qwen2Config(
            **common, **square, intermediate_size=56, rms_norm_eps=1e-6, max_position_embeddings=128,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, tie_word_embeddings=False,
            use_sliding_window=False, sliding_window=8,
        ),
        dtypes=("f32", "bf16", "f16"),
    )
    yield Fixture(
        "qwen2-tied", 2, "tied embeddings, one key-value head, two shards and an index",
        transformers.Qwen2Config(
            **common, **square | {"num_key_value_heads": 1}, intermediate_size=56, rms_norm_eps=1e-6,
            max_position_embeddings=128, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
            tie_word_embeddings=True,
        ),
        sharded=True, final_norm=10.0,
    )
    yield Fixture(
        "qwen3", 3, "heads wider than hidden / heads, norms on query and key heads, YaRN factor 4 from 16 positions",
        transformers.Qwen3Config(
            **common, **square, head_dim=32, intermediate_size=40, rms_norm_eps=1e-6, max_position_embeddings=64,
            rope_parameters={**yarn, "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 16},
            tie_word_embeddings=False,
        ),
        older=True,
    )
    yield Fixture(
        "llama", 4, "rotary scaling of Llama 3 with its ramp inside, tied embeddings, three queries per key-value head",
        transformers.LlamaConfig(
            **common, hidden_size=96, num_attention_heads=6, num_key_value_heads=2, intermediate_size=24,
            rms_norm_eps=1e-5, max_position_embeddings=512, tie_word_embeddings=True,
            rope_parameters={
                "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
            },
        ),
        dtypes=("f32", "bf16", "f16"), embedding=0.05, final_norm=4.0,
    )
    yield Fixture(
        "mistral", 5, "heads wider than hidden / heads, a window of 8 positions on every layer",
        transformers.MistralConfig(
            **common, **square, head_dim=32, intermediate_size=40, rms_norm_eps=1e-5, max_position_embeddings=128,
            rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, sliding_window=8,
            tie_word_embeddings=False,
        ),
        older=True,
    )
    yield Fixture(
        "ministral3", 6, "YaRN factor 16 from 16 positions, the query scale (beta 0.1), wide heads",
        transformers.Ministral3Config(**ministral, tie_word_embeddings=False),
    )
    yield Fixture(
        "mistral3", 7, "the same text model, tied, nested in `text_config` beside a vision tower that is not used",
        transformers.Mistral3Config(
            text_config=transformers.Ministral3Config(**ministral, tie_word_embeddings=True),
            vision_config=transformers.PixtralVisionConfig(
                hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, head_dim=8,
                image_size=8, patch_size=4,
            ),
            image_token_index=VOCAB - 1, tie_word_embeddings=True,
        ),
        embedding=0.05, final_norm=4.0,
    )
    yield Fixture(
        "deepseek_v2", 8, "latent attention without a query rank, 8 experts of which 2, 2 shared, YaRN factor 40",
        transformers.DeepseekV2Config(
            **common, hidden_size=64, num_attention_heads=4, num_key_value_heads=4, intermediate_size=24,
            rms_norm_eps=1e-6, max_position_embeddings=1280, tie_word_embeddings=False, q_lora_rank=None,
            kv_lora_rank=24, qk_nope_head_dim=32, qk_rope_head_dim=16, v_head_dim=16, first_k_dense_replace=1,
            n_routed_experts=8, num_experts_per_tok=2, n_shared_experts=2, moe_intermediate_size=12,
            norm_topk_prob=False, topk_method="greedy", routed_scaling_factor=1.0, n_group=1, topk_group=1,
            rope_parameters={
                **yarn, "rope_theta": 10000.0, "factor": 40.0, "original_max_position_embeddings": 32,
                "mscale": 0.707, "mscale_all_dim": 0.707,
            },
        ),
        dtypes=("f32", "bf16", "f16"), attention=1.6,
    )


def text_of(config):
    """The config of the text model: a vision model nests it."""
    return getattr(config, "text_config", config)


def auto(config):
    nested = config.model_type == "mistral3"
    return transformers.AutoModelForImageTextToText if nested else transformers.AutoModelForCausalLM


def load(folder, config=None, dtype=torch.float64):
    config = config or transformers.AutoConfig.from_pretrained(folder)
    with InFloat64() if dtype == torch.float64 else contextlib.nullcontext():
        model = auto(config).from_pretrained(
            folder, config=config, dtype=dtype, attn_implementation="eager", experts_implementation="eager"
        )
    return model.eval()


def fill(model, fixture):
    """Random weights from a generator that is the same on every machine, in the order of the sorted names."""
    generator = np.random.Generator(np.random.PCG64(fixture.seed))
    for name, weight in sorted(model.named_parameters()):
        values = generator.standard_normal(tuple(weight.shape))
        uniform = generator.uniform(0.5, 1.5, tuple(weight.shape))
        part = name.removesuffix(".weight").rsplit(".", 1)[-1]
        if name.endswith(".bias"):
            values *= 0.5
        elif part in ("q_norm", "k_norm"):
            values = 1.9 * uniform
        elif weight.dim() == 1:
            values = uniform * (fixture.final_norm if name.endswith("model.norm.weight") else 1.0)
        elif part == "embed_tokens":
            values *= fixture.embedding
        else:
            gains = {"lm_head": fixture.head, "gate": 2.0} | dict.fromkeys(
                ["q_proj", "k_proj", "kv_a_proj_with_mqa", "kv_b_proj"], fixture.attention
            )
            values *= gains.get(part, 1.0) / math.sqrt(weight.shape[-1])
        weight.data = torch.from_numpy(values).to(torch.float32)
    model.tie_weights()


def older_config(config):
    """The config in the form that repositories from before transformers 5 have."""
    config = dict(config)
    rope = dict(config.pop("rope_parameters"))
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    # The key as the publishers name it.
    key = "type" if config["model_type"] == "deepseek_v2" else "rope_type"
    config["rope_scaling"] = None if kind == "default" else {key: kind, **rope}
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    if config["model_type"] == "qwen2":
        config |= {"sliding_window": 8, "use_sliding_window": False}
    if config["model_type"] == "deepseek_v2":
        config |= {"scoring_func": "softmax", "moe_layer_freq": 1, "ep_size": 1, "aux_loss_alpha": 0.001, "seq_aux": True}
        del config["head_dim"], config["qk_head_dim"]
    return config


def save(model, folder, fixture, dtype):
    model.to(DTYPES[dtype])
    model.save_pretrained(folder, max_shard_size=SHARD if fixture.sharded else "10MB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    if fixture.older or dtype != "f32":
        path = folder / "config.json"
        written = transformers.AutoConfig.from_pretrained(folder)
        path.write_text(json.dumps(older_config(json.loads(path.read_text())), indent=2) + "\n")
        read = transformers.AutoConfig.from_pretrained(folder)
        text_of(read).rope_parameters.pop("type", None)
        assert text_of(read).rope_parameters == text_of(written).rope_parameters


def check_hardness(config, logits, attentions):
    """Spread of the logits and entropy of attention, as a part of uniform's, over positions from 8 on."""
    spread = logits.std().item()
    positions = torch.arange(TOKENS)
    visible = (positions + 1).clamp(max=getattr(config, "sliding_window", None) or TOKENS)
    shares = []
    for weights in attentions:
        entropy = -torch.special.xlogy(weights, weights).sum(-1) / visible.log()
        assert (weights > 0).sum(-1).eq(visible).all(), "the mask is not the one the config states"
        shares.append(entropy[:, :, 8:].mean().item())
    share = sum(shares) / len(shares)
    assert spread >= 1, f"the logits' standard deviation is {spread:.2f}"
    assert share < 0.5, f"attention has {share:.2f} of the entropy of uniform: {shares}"
    return round(spread, 3), round(share, 3)


def in_heads(weight, size, change):
    """The weight with its rows, head by head, changed by `change` `[heads, size, ...] -> the same`."""
    return change(weight.reshape(-1, size, *weight.shape[1:])).reshape(weight.shape).clone()


def other_pairs(part):
    """Rows in such an order that the rotation of halves turns neighbours; for latent models the other way round."""
    size = part.shape[1]
    return part[:, [*range(0, size, 2), *range(1, size, 2)]]


def faults(config):
    """By name: what changes the config, and what changes the state of the loaded model. Only those that apply."""
    text = text_of(config)
    latent = hasattr(text, "kv_lora_rank")
    rope = text.rope_parameters
    nothing = lambda _: None

    def rotary_only(part):
        return torch.cat([part[:, : -text.qk_rope_head_dim], other_pairs(part[:, -text.qk_rope_head_dim :])], 1)

    def wrong_pairs(state):
        for name, weight in state.items():
            if "vision_tower" in name:
                continue
            if latent and name.endswith("q_proj.weight"):
                weight.copy_(in_heads(weight, text.qk_nope_head_dim + text.qk_rope_head_dim, rotary_only))
            elif latent and "kv_a_proj_with_mqa" in name:
                weight.copy_(in_heads(weight, len(weight), rotary_only))
            elif any(part in name for part in ["q_proj.", "k_proj.", "q_norm.", "k_norm."]):
                weight.copy_(in_heads(weight, text.head_dim if hasattr(text, "head_dim") else 16, other_pairs))

    def swapped_heads(state):
        for name, weight in state.items():
            if ("k_proj." in name or "v_proj." in name) and "vision_tower" not in name:
                size = len(weight) // text.num_key_value_heads
                weight.copy_(in_heads(weight, size, lambda part: part.flip(0)))

    def dropped_bias(state):
        next(weight for name, weight in state.items() if name.endswith("v_proj.bias")).zero_()

    def untied_head(state):
        head = next(weight for name, weight in state.items() if name.endswith("embed_tokens.weight"))
        state["untied"] = torch.roll(head, 1, 0)

    yield "theta-x-1.1", lambda: rope.update(rope_theta=rope["rope_theta"] * 1.1), nothing
    yield "wrong-rope-pairs", lambda: None, wrong_pairs
    yield "eps-x-10", lambda: setattr(text, "rms_norm_eps", text.rms_norm_eps * 10), nothing
    if getattr(text, "sliding_window", None):
        yield "window-plus-1", lambda: setattr(text, "sliding_window", text.sliding_window + 1), nothing
        yield "window-minus-1", lambda: setattr(text, "sliding_window", text.sliding_window - 1), nothing
    if not latent and text.num_key_value_heads > 1:
        yield "kv-heads-swapped", lambda: None, swapped_heads
    if config.model_type == "qwen2":
        yield "bias-dropped", lambda: None, dropped_bias
    if rope["rope_type"] != "default":
        plain = {"rope_type": "default", "rope_theta": rope["rope_theta"]}
        if "llama_4_scaling_beta" in rope:
            keep = ["llama_4_scaling_beta", "original_max_position_embeddings"]
            plain |= {key: rope[key] for key in keep}
            yield "query-scale-dropped", lambda: rope.update(llama_4_scaling_beta=0.0), nothing
        yield "rope-scaling-dropped", lambda: setattr(text, "rope_parameters", plain), nothing
    if text.tie_word_embeddings:
        yield "tied-head-untied", lambda: None, untied_head


def check_faults(folder, tokens, reference):
    """Each planted fault must move the logits by far more than the tests allow."""
    found = {}
    for index, (name, _, _) in enumerate(faults(transformers.AutoConfig.from_pretrained(folder))):
        config = transformers.AutoConfig.from_pretrained(folder)
        _, change_config, change_state = list(faults(config))[index]
        change_config()
        model = load(folder, config)
        state = model.state_dict()
        change_state(state)
        if "untied" in state:
            model.get_output_embeddings().weight = torch.nn.Parameter(state["untied"])
        found[name] = distance(logits_of(model, tokens)[0], reference)
        assert found[name] > FAULT_DISTANCE, f"{name} moves the logits by {found[name]:.1e} only"
    return {name: float(f"{value:.2g}") for name, value in found.items()}


def distance_in(folder, kind, tokens, reference):
    """How far transformers' logits are when it computes in `kind`, to one digit."""
    model = load(folder, dtype=DTYPES[kind])
    return float(f"{distance(logits_of(model, tokens, DTYPES[kind])[0], reference):.1g}")


def make(fixture, root, tell):
    """Writes the fixture in each of its dtypes and yields a row of fixtures.toml for each."""
    generator = np.random.Generator(np.random.PCG64([fixture.seed, 1]))
    tokens = torch.from_numpy(generator.integers(0, VOCAB, (PROMPTS, TOKENS)))
    model = auto(fixture.config).from_config(fixture.config)
    fill(model, fixture)
    for dtype in fixture.dtypes:
        name = fixture.name if dtype == "f32" else f"{fixture.name}-{dtype}"
        folder = root / name
        folder.mkdir(parents=True)
        fill(model.to(torch.float32), fixture)
        save(model, folder, fixture, dtype)
        reference, attentions = logits_of(load(folder), tokens)
        spread, entropy = check_hardness(text_of(transformers.AutoConfig.from_pretrained(folder)), reference, attentions)
        # How far transformers itself gets from float64 when it rounds as a program would that computes in this type.
        own = {kind: distance_in(folder, kind, tokens, reference) for kind in sorted({"f32", dtype})}
        assert own["f32"] < F32_TOLERANCE / 4, f"transformers in F32 is {own['f32']:.1e} from float64: too chaotic"
        tensors = {"tokens": tokens, "logits": reference.float().contiguous()}
        safetensors.torch.save_file(tensors, folder / "expected.safetensors")
        for path in folder.glob("*.safetensors"):
            assert path.stat().st_size <= 400_000, f"{path} has {path.stat().st_size} bytes"
        found = check_faults(folder, tokens, reference)
        if tell:
            print(f"{name}: spread {spread}, attention entropy {entropy} of uniform, transformers {own}, faults {found}")
        yield {
            "name": name, "dtype": dtype, "seed": fixture.seed, "switched_on": fixture.switched_on,
            "logits_spread": spread, "attention_entropy_of_uniform": entropy, "transformers_distances": own,
            "fault_distances": found,
        }


def write_table(rows, path):
    head = "# Written by tests/reference/make_fixtures.py. A distance is a root mean square over the spread of the logits.\n"
    lines = [head + f"torch = {toml(torch.__version__.split('+')[0])}\ntransformers = {toml(transformers.__version__)}\n"]
    for row in rows:
        lines.append("\n[[fixture]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in row.items()))
    path.write_text("".join(lines))


def compare(name, made, kept):
    """One line: whether the fixture made now is the committed one. Weights must be equal, logits near."""
    names = sorted(path.name for path in made.iterdir())
    if not kept.is_dir() or names != sorted(path.name for path in kept.iterdir()):
        return f"failed: {name} has other files than the committed one"
    worst = 0.0
    for file in names:
        if file.endswith(".json"):
            one, other = (json.loads((folder / file).read_text()) for folder in (made, kept))
            one.pop("transformers_version", None), other.pop("transformers_version", None)
            if one != other:
                return f"failed: {name}/{file} differs"
            continue
        one, other = (safetensors.torch.load_file(folder / file) for folder in (made, kept))
        if one.keys() != other.keys():
            return f"failed: {name}/{file} has other tensors"
        for key in one:
            if key == "logits":
                worst = distance(one[key], other[key].double())
            elif not torch.equal(one[key], other[key]):
                return f"failed: {name}/{file}: {key} differs"
    if not worst <= TOLERANCE:
        return f"failed: {name}: logits are {worst:.1e} from the committed ones, {TOLERANCE} is allowed"
    return f"good: {name} (weights equal, logits {worst:.0e} from the committed ones)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    parser.add_argument("--only", help="names of fixtures, with commas; the table is not written")
    arguments = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message=".*output_attentions.*")
    wanted = [one for one in fixtures() if not arguments.only or one.name in arguments.only.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        made = pathlib.Path(temporary)
        rows = [row for fixture in wanted for row in make(fixture, made, not arguments.check)]
        if arguments.check:
            lines = [compare(row["name"], made / row["name"], DATA / row["name"]) for row in rows]
            print("\n".join(lines))
            sys.exit(any(line.startswith("failed") for line in lines))
        for row in rows:
            (DATA / row["name"]).mkdir(parents=True, exist_ok=True)
            for path in (DATA / row["name"]).iterdir():
                path.unlink()
            for path in (made / row["name"]).iterdir():
                (DATA / row["name"] / path.name).write_bytes(path.read_bytes())
    if not arguments.only:
        write_table(rows, DATA / "fixtures.toml")


if __name__ == "__main__":
    main()
