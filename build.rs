//! How the program is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // At a fixed address: a supervisor then starts without the tens of thousands of relocations that a program which may
    // lie anywhere begins with, a millisecond and a megabyte of memory of its own for each execution.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
