"""PyTorch with transformers as a process that answers commands: `side_pytorch.py FOLDER --threads N`.

The model is computed as it comes: attention by `scaled_dot_product_attention`, weights in the type of the folder, no compiler.
"""

import argparse
import os

os.environ["HF_HUB_OFFLINE"] = "1"

import side
import torch
import transformers


class PyTorch(side.Model):
    """A loaded folder; a variant says which of transformers' caches is used."""

    variants = ["dynamic", "static"]
    batch_variants = variants

    def __init__(self, folder):
        loaded = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="auto", attn_implementation="sdpa")
        self.model, self.variant, self.cache = loaded.eval(), "dynamic", None
        self.ids = min(self.model.config.vocab_size, side.LARGEST_ID)

    def choose(self, variant):
        if variant not in self.variants:
            raise ValueError(f"no variant {variant}")
        self.variant = variant

    def begin(self, contexts, sequences, positions):
        config = self.model.config
        if self.variant == "static":
            self.cache = transformers.StaticCache(config=config, max_cache_len=positions)
        else:
            self.cache = transformers.DynamicCache(config=config)
        if contexts:
            self.step(contexts)

    @torch.inference_mode()
    def step(self, prompts):
        """Only the last position of each sequence reaches the output matrix."""
        tokens = torch.tensor(prompts)
        logits = self.model(tokens, past_key_values=self.cache, use_cache=True, logits_to_keep=1).logits
        return logits[:, -1].argmax(-1).tolist()

    def facts(self):
        version = f"PyTorch {torch.__version__}, transformers {transformers.__version__}"
        kernels = torch.backends.cpu.get_cpu_capability()
        mkldnn = "with" if torch.backends.mkldnn.is_available() else "without"
        said = f"{kernels} kernels, {mkldnn} oneDNN, weights in {str(self.model.dtype).removeprefix('torch.')}"
        return {"program": "PyTorch", "version": version, "system_info": said}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    side.serve(lambda: PyTorch(options.folder), torch.get_num_threads())


if __name__ == "__main__":
    main()
