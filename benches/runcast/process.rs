//! What a process takes: memory and open files.

use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Bytes of memory that are this process's alone, and its share of what it has with others.
pub fn own_memory() -> u64 {
    field(Path::new("/proc/self/smaps_rollup"), "Pss:")
}

/// The same of another process.
pub fn memory_of(id: u32) -> u64 {
    field(Path::new(&format!("/proc/{id}/smaps_rollup")), "Pss:")
}

/// The most memory this process had at once since [`forget_peak`].
pub fn peak_memory() -> u64 {
    field(Path::new("/proc/self/status"), "VmHWM:")
}

/// Lets the peak begin again from what is held now. False if the machine does not let us.
pub fn forget_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Bytes, from a line that counts KiB.
fn field(file: &Path, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).expect("the process lives");
    let line = text.lines().find(|line| line.starts_with(name)).expect("a line of that name");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}

/// Raises the bound on open files as far as it goes, for this process and those it starts. Returns whether it may have
/// `needed` of them.
pub fn may_open(needed: u64) -> bool {
    let files = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: files.maximum, maximum: files.maximum };
    setrlimit(Resource::Nofile, raised).expect("as many as the machine allows");
    files.maximum.is_none_or(|most| most >= needed)
}
