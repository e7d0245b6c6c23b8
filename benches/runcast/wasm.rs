//! What the browser fetches before a page is live: the wasm that all pages share, the pieces of the page, script and
//! style, as brotli.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use crate::table::{Row, Unit, title};

const SHARED: [&str; 3] = ["runcast.wasm", "runcast.js", "runcast.css"];
/// What tells which pieces a page is made of, by the page's name.
const MANIFEST: &str = "__wasm_split_manifest.json";
const AIM_WASM: f64 = 300_000.0;
const AIM_ALL: f64 = 400_000.0;

pub fn measure() {
    let site = std::env::var_os("LEPTOS_SITE_ROOT").map_or_else(|| "target/site".into(), PathBuf::from);
    let folder = site.join("pkg");
    title("what the browser fetches, as brotli");
    let Some(manifest) = manifest(&folder) else {
        println!("  {MANIFEST} is not there: `make build` first");
        return;
    };
    let shared: Vec<f64> = SHARED.iter().map(|file| packed(&folder.join(file))).collect();
    for (file, bytes) in SHARED.iter().zip(&shared) {
        Row::new(*file, Unit::Bytes, *bytes).print();
    }
    for (page, pieces) in manifest {
        let name = page.trim_matches('_').split("_view_").next().unwrap_or_default();
        let wasm = shared[0] + pieces.iter().map(|piece| packed(&folder.join(format!("{piece}.wasm")))).sum::<f64>();
        let fetched = format!("{name}: the shared wasm and its own {} pieces", pieces.len());
        Row::new(fetched, Unit::Bytes, wasm).at_most(AIM_WASM).print();
        Row::new(format!("{name}: the same with script and style"), Unit::Bytes, wasm + shared[1] + shared[2])
            .at_most(AIM_ALL)
            .print();
    }
}

fn manifest(folder: &Path) -> Option<BTreeMap<String, Vec<String>>> {
    serde_json::from_slice(&std::fs::read(folder.join(MANIFEST)).ok()?).ok()
}

/// A file's size as the server sends it.
fn packed(path: &Path) -> f64 {
    let bytes = std::fs::read(path).unwrap_or_default();
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 64 * 1024, 11, 22);
    writer.write_all(&bytes).expect("memory takes it");
    drop(writer);
    packed.len() as f64
}
