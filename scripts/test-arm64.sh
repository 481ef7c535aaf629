#!/usr/bin/env bash
# The core's tests on aarch64: compiled here with Debian's cross packages and run under qemu-user. As far as that
# carries: the core without Node, so the vector code for NEON and all that it is held against.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(rustc-web libstd-rust-web-dev:arm64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)
if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "install these Debian packages (architecture arm64 added): ${packages[*]}" >&2
    exit 1
  fi
  dpkg --add-architecture arm64
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

export RUSTC=/usr/bin/rustc
export CARGO_TARGET_DIR=target/arm64
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
# Linked statically: under qemu-user 7.2 a thread of a dynamically linked program never starts.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64
# Random cases cost a hundred times as much under emulation.
export PROPTEST_CASES="${PROPTEST_CASES:-16}"
cargo test --locked --no-default-features --target aarch64-unknown-linux-gnu --release --lib "$@"
