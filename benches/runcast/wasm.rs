//! What the browser fetches: the wasm and its script, as they are and as brotli.

use std::{io::Write, path::PathBuf};

use crate::row;

const AIM: usize = 350_000;

pub fn measure() {
    let site = std::env::var_os("LEPTOS_SITE_ROOT").map_or_else(|| "target/site".into(), PathBuf::from);
    println!("the dashboard's files");
    for (file, aim) in [("runcast.wasm", Some(AIM)), ("runcast.js", None), ("runcast.css", None)] {
        let Ok(bytes) = std::fs::read(site.join("pkg").join(file)) else {
            println!("  {file} is not there: `make build` first");
            continue;
        };
        let packed = brotli(&bytes);
        row(&format!("  {file}"), &format!("{:.0} KB", bytes.len() as f64 / 1e3), None);
        row(&format!("  {file} as brotli"), &format!("{:.0} KB", packed as f64 / 1e3), aim.map(|aim| packed < aim));
    }
    println!();
}

fn brotli(bytes: &[u8]) -> usize {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 64 * 1024, 11, 22);
    writer.write_all(bytes).expect("memory takes it");
    drop(writer);
    packed.len()
}
