//! Passes Node's link arguments on when the addon is built.

fn main() {
    if std::env::var_os("CARGO_FEATURE_NODE").is_none() {
        return;
    }
    napi_build::setup();
    // An addon unloaded with its last worker thread takes its thread-local destructors with it, and the
    // process crashes when one runs later (rust-lang/rust#91979): the library stays loaded for good.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux" || os == "freebsd") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
