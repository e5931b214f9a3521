"""Compares chat templates rendered by this program with the same rendered by transformers."""

import datetime
import json
import subprocess

import transformers.utils.chat_template_utils as chats

BOS, EOS = "<BOS>", "<EOS>"
TODAY = datetime.datetime(2025, 2, 10)


class FixedDate(datetime.datetime):
    """The day the example renders with, whatever day it is."""

    @classmethod
    def now(cls, tz=None):
        return cls(TODAY.year, TODAY.month, TODAY.day, tzinfo=tz)


def message(role, content):
    return {"role": role, "content": content}


CONVERSATIONS = [
    [message("user", "Où est <b>l'été</b> & 'ça va'\n  ?")],
    [
        message("system", "Be brief."),
        message("user", "2+2?"),
        message("assistant", "<think>\nhm\n</think>\n\n4"),
        message("user", "And 3+3? "),
    ],
]
# Templates for tools only: without tools transformers stops at iterating over none, and minijinja takes none for empty.
FOR_TOOLS = ["CohereForAI-c4ai-command-r-plus-tool_use", "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use"]
FOR_TOOLS += ["NousResearch-Hermes-3-Llama-3.1-8B-tool_use"]


def by_transformers(template, conversation, adds_prompt):
    chats.datetime = FixedDate
    try:
        texts, _ = chats.render_jinja_template(
            [conversation], chat_template=template, add_generation_prompt=adds_prompt, bos_token=BOS, eos_token=EOS
        )
        return texts[0]
    except Exception:
        # A template refuses what it does not know with an exception of its own.
        return None


def by_us(program, path, conversation, adds_prompt):
    command = [program, path, BOS, EOS] + ([] if adds_prompt else ["--no-prompt"])
    result = subprocess.run(command, input=json.dumps(conversation).encode(), capture_output=True)
    return result.stdout.decode() if result.returncode == 0 else None


def check(program, folder):
    """Renders every template of llama.cpp's tests; returns how many texts and refusals are the same."""
    same = refused = 0
    paths = [path for path in sorted(folder.glob("*.jinja")) if path.stem not in FOR_TOOLS]
    for path in paths:
        template = path.read_text()
        for conversation in CONVERSATIONS:
            for adds_prompt in (True, False):
                wanted = by_transformers(template, conversation, adds_prompt)
                found = by_us(program, path, conversation, adds_prompt)
                if wanted != found:
                    raise SystemExit(f"failed: {path.name}\n{wanted!r}\nand not\n{found!r}")
                same += wanted is not None
                refused += wanted is None
    print(f"{len(paths)} chat templates: {same} texts the same, {refused} refused by both")
    return {"templates": len(paths), "same_texts": same, "refused_by_both": refused}
