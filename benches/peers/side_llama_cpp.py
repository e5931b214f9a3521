"""llama.cpp as a process that answers commands: `side_llama_cpp.py FILE --threads N [--plain-buffers]`.

It uses the C interface that llama-cpp-python binds, so that nothing of Python but a few calls per step is timed. Weights
mapped, cache in 16-bit floats, 512 tokens at once: llama.cpp's own defaults.
"""

import argparse
import ctypes

import llama_cpp
import llama_cpp.llama_cpp as library
import numpy as np
import side

MICRO_BATCH = 512


class LlamaCpp(side.Model):
    """A loaded file; a variant says whether attention is `plain` or `flash`, and whether sequences share one cache."""

    variants = ["plain", "flash"]
    batch_variants = ["plain", "flash", "plain-unified", "flash-unified"]

    def __init__(self, path, threads, plain_buffers):
        params = library.llama_model_default_params()
        params.n_gpu_layers = 0
        # Keeps llama.cpp from its repacked kernels where those crash; see proof/README.md.
        params.use_extra_bufts = not plain_buffers
        self.model = library.llama_model_load_from_file(path.encode(), params)
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        self.threads, self.variant = threads, "plain"
        self.vocabulary = library.llama_vocab_n_tokens(library.llama_model_get_vocab(self.model))
        self.ids = min(self.vocabulary, side.LARGEST_ID)
        self.context, self.room, self.held, self.past = None, None, [], 0

    def choose(self, variant):
        if variant not in self.batch_variants:
            raise ValueError(f"no variant {variant}")
        self.variant = variant

    def begin(self, contexts, sequences, positions):
        """Contexts of the call before are kept, as this project's engine keeps them: no step is faster for it."""
        room = (sequences, positions, self.variant)
        if room != self.room:
            if self.context:
                library.llama_free(self.context)
            self.context, self.room, self.held = self.new_context(sequences, positions), room, []
        depth = len(contexts[0]) if contexts else 0
        is_held = self.held == contexts
        self.rewind(depth if is_held else 0)
        if contexts and not is_held:
            self.step(contexts)
        self.held = contexts

    def new_context(self, sequences, positions):
        params = library.llama_context_default_params()
        params.n_ctx, params.n_seq_max = sequences * (-(-positions // 256) * 256), sequences
        params.n_batch, params.n_ubatch = params.n_ctx, MICRO_BATCH
        params.n_threads = params.n_threads_batch = self.threads
        flash, unified = self.variant.startswith("flash"), self.variant.endswith("unified")
        kinds = library.LLAMA_FLASH_ATTN_TYPE_ENABLED, library.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.flash_attn_type = kinds[0] if flash else kinds[1]
        params.kv_unified = unified
        context = library.llama_init_from_model(self.model, params)
        if not context:
            raise RuntimeError("llama.cpp made no context")
        return context

    def rewind(self, position):
        memory = library.llama_get_memory(self.context)
        for sequence in range(self.room[0]):
            library.llama_memory_seq_rm(memory, sequence, position, -1)
        self.past = position

    def step(self, prompts):
        length = len(prompts[0])
        if len(prompts) == 1:
            tokens = (library.llama_token * length)(*prompts[0])
            self.compute(library.llama_batch_get_one(tokens, length))
        else:
            batch = self.batch(prompts)
            self.compute(batch)
            library.llama_batch_free(batch)
        self.past += length
        return [self.likeliest((row + 1) * length - 1) for row in range(len(prompts))]

    def batch(self, prompts):
        length = len(prompts[0])
        batch = library.llama_batch_init(length * len(prompts), 0, 1)
        batch.n_tokens = length * len(prompts)
        for row, prompt in enumerate(prompts):
            for place, token in enumerate(prompt):
                at = row * length + place
                batch.token[at], batch.pos[at] = token, self.past + place
                batch.n_seq_id[at], batch.seq_id[at][0] = 1, row
                batch.logits[at] = place + 1 == length
        return batch

    def compute(self, batch):
        failed = library.llama_decode(self.context, batch)
        if failed:
            raise RuntimeError(f"llama_decode ended with {failed}")

    def likeliest(self, at):
        """The greedy choice; reading the logits waits for the computation to end."""
        logits = library.llama_get_logits_ith(self.context, at)
        return int(np.ctypeslib.as_array(logits, (self.vocabulary,)).argmax())

    def facts(self):
        system = library.llama_print_system_info().decode().strip()
        return {"program": "llama.cpp", "version": f"llama-cpp-python {llama_cpp.__version__}", "system_info": system}


@library.llama_log_callback
def silent(_level, _text, _data):
    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--plain-buffers", action="store_true", help="do without the repacked kernels")
    options = parser.parse_args()
    library.llama_log_set(silent, ctypes.c_void_p(0))
    library.llama_backend_init()
    side.serve(lambda: LlamaCpp(options.file, options.threads, options.plain_buffers), options.threads)


if __name__ == "__main__":
    main()
