//! What the browser fetches: the wasm and its script, as they are and as brotli.

use std::{io::Write, path::PathBuf};

use crate::table::{Row, Unit, title};

const AIM: f64 = 350_000.0;

pub fn measure() {
    let site = std::env::var_os("LEPTOS_SITE_ROOT").map_or_else(|| "target/site".into(), PathBuf::from);
    title("the dashboard's files, as brotli");
    for (file, aim) in [("runcast.wasm", Some(AIM)), ("runcast.js", None), ("runcast.css", None)] {
        let Ok(bytes) = std::fs::read(site.join("pkg").join(file)) else {
            println!("  {file} is not there: `make build` first");
            continue;
        };
        let row = Row::new(file, Unit::Bytes, brotli(&bytes) as f64).beside("as it is", bytes.len() as f64);
        if let Some(aim) = aim { row.at_most(aim) } else { row }.print();
    }
}

fn brotli(bytes: &[u8]) -> usize {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 64 * 1024, 11, 22);
    writer.write_all(bytes).expect("memory takes it");
    drop(writer);
    packed.len()
}
