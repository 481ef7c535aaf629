#!/usr/bin/env bash
# Fuzzes every byte reader and option parser, each for so many seconds (default 60): scripts/fuzz.sh [seconds] [target …].
# Takes the nightly toolchain where there is one, else the stable one with its unstable flags unlocked, and installs cargo-fuzz
# when it is missing. FUZZ_SANITIZER=none is faster. Starts from fuzz/corpus and keeps what it finds in fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

seconds="${1:-60}"
shift || true
if ! cargo fuzz --version >/dev/null 2>&1; then cargo install --locked cargo-fuzz; fi
cargo=(cargo)
if cargo +nightly --version >/dev/null 2>&1; then cargo+=(+nightly); else export RUSTC_BOOTSTRAP=1; fi

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then mapfile -t targets < <("${cargo[@]}" fuzz list); fi
sanitizer="${FUZZ_SANITIZER:-address}"
# Apart from the runs, whose output is cut: what does not compile has to say so.
for target in "${targets[@]}"; do "${cargo[@]}" fuzz build -s "$sanitizer" "$target"; done

for target in "${targets[@]}"; do
  echo "── $target"
  mkdir -p "found/$target" "corpus/$target"
  options=(-max_total_time="$seconds" -max_len=4096 -print_final_stats=1)
  if [ -e "dictionaries/${target%%_*}.dict" ]; then options+=(-dict="dictionaries/${target%%_*}.dict"); fi
  status=0
  "${cargo[@]}" fuzz run "$target" -s "$sanitizer" "found/$target" "corpus/$target" -- "${options[@]}" >"found/$target.log" 2>&1 || status=$?
  grep -E "^stat::|cov: .* DONE|ERROR|panicked|SUMMARY" "found/$target.log" || true
  if [ "$status" -ne 0 ]; then
    echo "found something, or did not run: fuzz/found/$target.log, and fuzz/artifacts/$target for the input" >&2
    exit 1
  fi
done
