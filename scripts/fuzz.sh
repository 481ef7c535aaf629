#!/usr/bin/env bash
# Fuzzes every byte reader, each for so many seconds (default 60): scripts/fuzz.sh [seconds] [target …].
# Needs the nightly toolchain and cargo-fuzz, which it installs when it is missing. FUZZ_SANITIZER=none is faster.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

seconds="${1:-60}"
shift || true
if ! cargo fuzz --version >/dev/null 2>&1; then cargo install --locked cargo-fuzz; fi

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then mapfile -t targets < <(cargo +nightly fuzz list); fi
for target in "${targets[@]}"; do
  echo "── $target"
  options=(-max_total_time="$seconds" -max_len=4096 -print_final_stats=1)
  case "$target" in json_*) options+=(-dict=json.dict) ;; esac
  cargo +nightly fuzz run "$target" -s "${FUZZ_SANITIZER:-address}" -- "${options[@]}" 2>&1 | grep -E "^stat::|ERROR|panicked|SUMMARY" || true
  # A crash leaves its input behind.
  if compgen -G "artifacts/$target/*" >/dev/null; then
    echo "found something: fuzz/artifacts/$target" >&2
    exit 1
  fi
done
