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

# Compute the reference logits again by transformers and llama.cpp and compare with the fixtures (see proof/README.md)
proof:
    cargo build --release --example synthetic_checkpoint
    python3 tests/reference/make_fixtures.py --check
    python3 tests/reference/make_llama_cpp.py --check --generator target/release/examples/synthetic_checkpoint
    target/release/examples/synthetic_checkpoint tiny-qwen2 1 target/proof-tiny.gguf
    python3 proof/check_llama_cpp.py target/proof-tiny.gguf
    {{ if path_exists("target/proof-text") == "true" { "target/proof-text/bin/python" } else { "python3" } }} proof/check_tokenizers.py

# Measure beside llama.cpp (GGUF files) and PyTorch (folders), and write the table in docs/PERFORMANCE.md (see benches/peers/README.md)
peers +PATHS:
    cargo build --release --example engine_steps --example ceilings
    python3 benches/peers/compare.py --write {{ PATHS }}

# Everything that CI runs
ci:
    bash .ci/run
