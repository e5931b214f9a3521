# Short names for the commands that CI calls too. `just` alone lists them.

_default:
    @just --list

# Measure the default models and write the page
bench:
    cargo bench

# All tests
test:
    cargo test

# Format and lint, warnings are errors
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Write the JSON schema of the run file anew
schema:
    cargo run --quiet -- schema > schema/run-1.json

# Write the page on what was run and checked anew from the published runs
models:
    cargo run --quiet -- list --coverage reports > docs/MODELS.md

# Review changed snapshots of pages and texts (needs cargo-insta)
review:
    cargo insta test --review

# Load the synthetic checkpoint in llama.cpp and compare with the committed fixture (see proof/README.md)
proof:
    cargo run --release --example synthetic_checkpoint -- tiny-qwen2 1 target/proof-tiny.gguf
    python3 proof/check_llama_cpp.py target/proof-tiny.gguf

# Everything that CI runs
ci:
    bash .ci/run
