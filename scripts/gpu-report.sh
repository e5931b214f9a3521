#!/usr/bin/env bash
# Measures on a GPU box without anybody watching, in parts of under four minutes. Each part leaves a run file, so a
# machine that goes away in the middle has lost one part at most. Ends in a short table.
#
#   scripts/gpu-report.sh [--dry-run] [OUT]
#
# OUT (default: target/gpu-report) gets one folder per run, a log per part, summary.txt, and gpu-report.tar.gz with all of
# it. CLAIMBENCH_BIN names a binary built elsewhere with `cargo build --release --features cuda`; without it the script
# builds one. --dry-run takes the tiny test shape on the CPU: it shows that the script works, and measures nothing.
set -uo pipefail

usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

dry_run=false
case ${1:-} in
  --dry-run)
    dry_run=true
    shift
    ;;
  -*)
    usage
    exit 2
    ;;
esac
out=${1:-target/gpu-report}
limit_seconds=230

if [ -z "${CLAIMBENCH_BIN:-}" ]; then
  features="--features cuda"
  if $dry_run; then features=; fi
  # shellcheck disable=SC2086 # empty means no feature
  cargo build --release $features || exit 1
  CLAIMBENCH_BIN=target/release/claimbench
fi
mkdir -p "$out" || exit 1
: > "$out/summary.txt"
failed=0

say() { printf '%s\n' "$*" | tee -a "$out/summary.txt"; }

# part NAME ARGUMENTS...: one call of `claimbench run`, bounded in time.
part() {
  local name=$1 start=$SECONDS code
  shift
  timeout --signal=INT --kill-after=10 "$limit_seconds" "$CLAIMBENCH_BIN" run --out "$out" "$@" > /dev/null 2> "$out/$name.log"
  code=$?
  # 0 is good, 3 is measured with a flag raised: both leave figures.
  case $code in
    0 | 3) say "$(printf '%-28s measured (exit %d) in %d s' "$name" "$code" $((SECONDS - start)))" ;;
    *)
      failed=$((failed + 1))
      say "$(printf '%-28s FAILED (exit %d) in %d s: %s' "$name" "$code" $((SECONDS - start)) "$(tail -n 1 "$out/$name.log")")"
      ;;
  esac
  grep -hE 'machine-hours per million|decode |time to first token' "$out/$name.log" | sed 's/^/    /' | tee -a "$out/summary.txt"
}

say "claimbench $("$CLAIMBENCH_BIN" --version | awk '{print $2}'), $(date -u +%Y-%m-%dT%H:%MZ)"
if command -v nvidia-smi > /dev/null; then
  say "$(nvidia-smi --query-gpu=name,driver_version,memory.total,power.limit --format=csv,noheader 2>&1 | head -n 8)"
else
  say "no nvidia-smi on this machine"
fi

if $dry_run; then
  part tiny-cpu --model tiny-qwen2 --workload tiny --device cpu --weights synthetic --repetitions 6
else
  for start in 1 2 3; do
    part "short-chat-cuda-$start" --workload short-chat --device cuda --weights synthetic --budget 200s
  done
  part short-chat-cpu --workload short-chat --device cpu --weights synthetic --budget 200s
fi

say "$failed parts failed; everything is in $out"
archive=$(mktemp) && tar --exclude='*.tar.gz' -czf "$archive" -C "$out" . && mv "$archive" "$out/gpu-report.tar.gz"
[ "$failed" -eq 0 ]
