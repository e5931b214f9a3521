"""Runs a transformers model in float64, where its code would round to float32 on the way; and what both scripts share."""

import contextlib
import json

import torch
from torch.overrides import TorchFunctionMode


class InFloat64(TorchFunctionMode):
    """Wherever transformers' code asks for float32 (norms, softmax, rotary angles, router), gives float64."""

    def __enter__(self):
        self.default = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        return super().__enter__()

    def __exit__(self, *reason):
        torch.set_default_dtype(self.default)
        return super().__exit__(*reason)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        wider = lambda value: torch.float64 if value is torch.float32 else value
        if function is torch.Tensor.float:
            function = torch.Tensor.double
        kwargs = {key: wider(value) for key, value in (kwargs or {}).items()}
        return self.check(function(*[wider(value) for value in args], **kwargs))

    def check(self, result):
        return result


NARROW = (torch.float32, torch.bfloat16, torch.float16, torch.complex64)


class OnlyFloat64(InFloat64):
    """The same, and nothing on the way may be narrower."""

    def check(self, result):
        assert not (isinstance(result, torch.Tensor) and result.dtype in NARROW), result.dtype
        return result


def logits_of(model, tokens, dtype=torch.float64):
    """Logits `[prompts, tokens, vocabulary]` and the attention weights of each layer `[prompts, heads, tokens, tokens]`."""
    with OnlyFloat64() if dtype == torch.float64 else contextlib.nullcontext(), torch.no_grad():
        output = model(input_ids=tokens, use_cache=False, output_attentions=True)
    assert output.logits.dtype == dtype, output.logits.dtype
    assert torch.isfinite(output.logits).all()
    return output.logits, output.attentions


def distance(logits, reference):
    """Root mean square of the difference, over the spread of the reference."""
    return ((logits.double() - reference).square().mean().sqrt() / reference.std()).item()


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)
