"""Writes a folder of safetensors with random weights in the shape of a model of models.toml, for both sides to read.

    python benches/peers/make_folder.py r1-distill-qwen-1.5b bf16 target/r1-distill-qwen-1.5b-bf16
    python benches/peers/make_folder.py r1-distill-qwen-1.5b f32 target/r1-distill-qwen-1.5b-f32
"""

import argparse
import pathlib
import tomllib

import torch
import transformers

MODELS = pathlib.Path(__file__).resolve().parent.parent.parent / "models.toml"
DTYPES = {"bf16": torch.bfloat16, "f32": torch.float32}
SEED = 1


def config_of(shape):
    """Plain models of two families; what others need on top is refused, since it would be computed wrongly."""
    known = {"family", "layers", "hidden", "intermediate", "heads", "kv_heads", "head_dim", "vocab", "tied_embeddings"}
    known |= {"rope_theta", "rms_norm_eps", "max_positions", "sliding_window"}
    window = shape.get("sliding_window", {})
    if set(shape) - known or window.get("used") or shape["family"] not in ("qwen2", "llama"):
        raise SystemExit("only plain models of the families qwen2 and llama")
    kind = {"qwen2": transformers.Qwen2Config, "llama": transformers.LlamaConfig}[shape["family"]]
    return kind(
        vocab_size=shape["vocab"], hidden_size=shape["hidden"], intermediate_size=shape["intermediate"],
        num_hidden_layers=shape["layers"], num_attention_heads=shape["heads"], num_key_value_heads=shape["kv_heads"],
        head_dim=shape["head_dim"], max_position_embeddings=shape["max_positions"], rms_norm_eps=shape["rms_norm_eps"],
        rope_parameters={"rope_type": "default", "rope_theta": shape["rope_theta"]},
        tie_word_embeddings=shape["tied_embeddings"],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("precision", choices=DTYPES)
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    models = {model["id"]: model for model in tomllib.loads(MODELS.read_text())["model"]}
    if options.model not in models:
        raise SystemExit(f"models.toml has no model `{options.model}`")
    torch.manual_seed(SEED)
    config = config_of(models[options.model]["shape"])
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=DTYPES[options.precision])
    model.save_pretrained(options.folder)
    size = sum(file.stat().st_size for file in options.folder.glob("*.safetensors"))
    print(f"{options.folder.name}: {size:,} bytes of weights")


if __name__ == "__main__":
    main()
