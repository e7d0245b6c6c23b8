//! The report on disk, until the server has it: survives the server's absence, and ours.
//!
//! A run has a folder of its own, `<id>`, in `$XDG_STATE_HOME/runcast/exec`: `about.json` says what it is the report
//! of, `<number>.part` are the lines of it, `lock` is held by whoever writes or sends it. Parts that were sent go. Of a
//! report beyond 256 MiB parts from the middle go, too, and a line in their place says how much is missing.

use std::{
    collections::VecDeque,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::id::{ExecutionId, Name};

/// Most bytes of a report that waits, and of one part of it.
const SPOOL_MAX: u64 = 256 * 1024 * 1024;
const PART_MAX: u64 = 8 * 1024 * 1024;
/// Most that is sent at once: lines, and bytes unless one line is more.
const BATCH_LINES: usize = 5_000;
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// What a report is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    /// The server.
    pub url: String,
    /// What the execution is called.
    pub name: Name,
    /// By which its beginning, if repeated, is known.
    pub key: String,
    /// Once it has begun on the server.
    pub begun: Option<Begun>,
}

/// An execution that has begun on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Its id.
    pub id: ExecutionId,
    /// What it is reported by.
    pub token: String,
}

/// A report that waits.
pub(super) struct Spool {
    folder: PathBuf,
    /// Held for as long as we write or send it.
    _lock: File,
    state: Mutex<State>,
}

struct State {
    about: About,
    /// From the one that is sent to the one that is written; at most [`SPOOL_MAX`] together.
    parts: VecDeque<Part>,
    /// The next part's number.
    next: u64,
    /// How far the first part was sent.
    sent: u64,
    /// Lines that the disk did not take: from which number on, how many lines of output.
    lost: Option<(u64, u64)>,
    part_max: u64,
    spool_max: u64,
    ended: bool,
}

struct Part {
    number: u64,
    bytes: u64,
    /// The first line's number, and how many lines of output there are.
    first: u64,
    lines: u64,
    /// It stands for others that went.
    gap: bool,
}

/// Lines to be sent.
pub(super) struct Batch {
    pub body: Vec<u8>,
    part: u64,
    through: u64,
    /// Whether there is more than this.
    pub full: bool,
}

/// Where reports wait. Made if it is not there, for its user only.
///
/// # Errors
/// If it can't be made.
pub(super) fn folder() -> io::Result<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(home()?.join(".local/state")));
    let own = format!("runcast-{}", rustix::process::getuid().as_raw());
    let ways = state.map(|state| state.join("runcast/exec")).into_iter().chain([std::env::temp_dir().join(own)]);
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for way in ways {
        match DirBuilder::new().recursive(true).mode(0o700).create(&way).and_then(|()| belongs_to_us(&way)) {
            Ok(()) => return Ok(way),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// In a folder that everybody may write to, somebody else may have made it.
fn belongs_to_us(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let about = fs::symlink_metadata(folder)?;
    let ours = about.is_dir() && about.uid() == rustix::process::getuid().as_raw();
    if ours { Ok(()) } else { Err(io::Error::other(format!("{} is not ours", folder.display()))) }
}

impl Spool {
    /// A new report.
    pub(super) fn create(folder: &Path, url: &str, name: &Name) -> io::Result<Self> {
        Self::create_bounded(folder, url, name, (PART_MAX, SPOOL_MAX))
    }

    fn create_bounded(folder: &Path, url: &str, name: &Name, (part_max, spool_max): (u64, u64)) -> io::Result<Self> {
        let key = Uuid::now_v7().to_string();
        let folder = folder.join(&key);
        DirBuilder::new().mode(0o700).create(&folder)?;
        let lock = new_file(&folder.join("lock"))?;
        lock.lock()?;
        let about = About { url: url.to_owned(), name: name.clone(), key, begun: None };
        write_about(&folder, &about)?;
        let state =
            State { about, parts: VecDeque::new(), next: 0, sent: 0, lost: None, part_max, spool_max, ended: false };
        Ok(Self { folder, _lock: lock, state: Mutex::new(state) })
    }

    /// A report that somebody left; none if they are still at it, or it is none.
    pub(super) fn reopen(folder: &Path) -> Option<Self> {
        let lock = OpenOptions::new().write(true).open(folder.join("lock")).ok()?;
        lock.try_lock().ok()?;
        let about: About = serde_json::from_slice(&fs::read(folder.join("about.json")).ok()?).ok()?;
        let mut parts: Vec<Part> = fs::read_dir(folder)
            .ok()?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let number = entry.file_name().to_str()?.strip_suffix(".part")?.parse().ok()?;
                let bytes = entry.metadata().ok()?.len();
                Some(Part { number, bytes, first: 0, lines: 0, gap: false })
            })
            .collect();
        parts.sort_by_key(|part| part.number);
        let (next, parts) = (parts.last().map_or(0, |part| part.number + 1), parts.into());
        let (part_max, spool_max) = (PART_MAX, SPOOL_MAX);
        let state = State { about, parts, next, sent: 0, lost: None, part_max, spool_max, ended: true };
        Some(Self { folder: folder.to_owned(), _lock: lock, state: Mutex::new(state) })
    }

    /// What it is of.
    pub(super) fn about(&self) -> About {
        self.state().about.clone()
    }

    /// Notes that it has begun on the server. If the disk does not take it, it is asked for again by its key.
    pub(super) fn begun(&self, begun: Begun) {
        let mut state = self.state();
        state.about.begun = Some(begun);
        let _ = write_about(&self.folder, &state.about);
    }

    /// Adds a line, with its number and how many lines of output it holds.
    ///
    /// # Errors
    /// If the disk does not take it: it is missing then, and a line will say so.
    pub(super) fn append(&self, line: &Value, client_seq: u64, lines: u64) -> io::Result<()> {
        let mut state = self.state();
        let mut text = state.lost.map_or_else(String::new, |(first, lines)| missing(first, lines));
        text.push_str(&format!("{line}\n"));
        let written = state.append(&self.folder, text.as_bytes(), client_seq, lines);
        state.lost = match (&written, state.lost) {
            (Ok(()), _) => None,
            (Err(_), Some((first, before))) => Some((first, before + lines)),
            (Err(_), None) => Some((client_seq, lines)),
        };
        written
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.state().ended = true;
    }

    /// What is to be sent next; none if nothing is there now, or it can't be read any more.
    pub(super) fn next(&self) -> Option<Batch> {
        let mut state = self.state();
        loop {
            let last = state.parts.len() == 1;
            let part = state.parts.front()?;
            if state.sent < part.bytes {
                let (number, from) = (part.number, state.sent);
                match read_lines(&self.path(number), from, part.bytes) {
                    Ok(body) => {
                        let through = from + body.len() as u64;
                        let full = through < part.bytes || !last;
                        return Some(Batch { body, part: number, through, full });
                    }
                    Err(_) => state.sent = part.bytes,
                }
            } else if last && !state.ended {
                return None;
            } else {
                let _ = fs::remove_file(self.path(part.number));
                state.parts.pop_front();
                state.sent = 0;
            }
        }
    }

    /// The server has it.
    pub(super) fn sent(&self, batch: &Batch) {
        let mut state = self.state();
        if state.parts.front().is_some_and(|part| part.number == batch.part) {
            state.sent = batch.through;
        }
    }

    /// Whether nothing more comes and all was sent.
    pub(super) fn is_done(&self) -> bool {
        let state = self.state();
        state.ended && state.parts.is_empty()
    }

    /// Throws away what is left of it.
    pub(super) fn remove(&self) {
        // What can't be removed now is found again.
        let _ = fs::remove_dir_all(&self.folder);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, number: u64) -> PathBuf {
        path(&self.folder, number)
    }
}

impl State {
    fn append(&mut self, folder: &Path, text: &[u8], client_seq: u64, lines: u64) -> io::Result<()> {
        let size = text.len() as u64;
        if self.parts.back().is_none_or(|part| part.gap || part.bytes + size > self.part_max) {
            while self.parts.iter().map(|part| part.bytes).sum::<u64>() + self.part_max > self.spool_max
                && self.drop_from_the_middle(folder)
            {}
            let number = self.next;
            new_file(&path(folder, number))?;
            self.next += 1;
            self.parts.push_back(Part { number, bytes: 0, first: client_seq, lines: 0, gap: false });
        }
        let Some(part) = self.parts.back_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        let mut file = OpenOptions::new().write(true).open(path(folder, part.number))?;
        // Over what a write that failed may have left.
        file.seek(SeekFrom::Start(part.bytes))?;
        if let Err(error) = file.write_all(text) {
            let _ = file.set_len(part.bytes);
            return Err(error);
        }
        part.bytes += size;
        part.lines += lines;
        Ok(())
    }

    /// Puts a line in the place of a part between the first half and the second. Whether there was one.
    fn drop_from_the_middle(&mut self, folder: &Path) -> bool {
        let gap = self.parts.iter().position(|part| part.gap);
        // Not the first, which is being sent.
        let place = gap.map_or(self.parts.len() / 2, |gap| gap + 1).max(1);
        let Some(part) = self.parts.get(place) else { return false };
        let (number, mut first, mut lines) = (part.number, part.first, part.lines);
        if let Some(gap) = gap.filter(|gap| *gap > 0).and_then(|gap| self.parts.get(gap)) {
            (first, lines) = (gap.first, gap.lines + lines);
        }
        let text = missing(first, lines);
        let written = new_file(&path(folder, number)).and_then(|mut file| file.write_all(text.as_bytes()));
        if written.is_err() {
            let _ = fs::remove_file(path(folder, number));
        }
        let bytes = if written.is_ok() { text.len() as u64 } else { 0 };
        self.parts[place] = Part { number, bytes, first, lines, gap: true };
        if let Some(gap) = gap.filter(|gap| *gap > 0)
            && let Some(old) = self.parts.remove(gap)
        {
            let _ = fs::remove_file(path(folder, old.number));
        }
        true
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.part"))
}

/// The line that stands for those that are missing.
fn missing(client_seq: u64, lines: u64) -> String {
    let text = format!("[runcast] {lines} lines are missing here: the server was away for too long");
    let line = json!({ "text": text, "stream": "err", "level": "warning" });
    format!("{}\n", json!({ "client_seq": client_seq, "kind": "step.output", "lines": [line] }))
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// All of it or nothing.
fn write_about(folder: &Path, about: &About) -> io::Result<()> {
    let new = folder.join("about.new");
    new_file(&new)?.write_all(json!(about).to_string().as_bytes())?;
    fs::rename(new, folder.join("about.json"))
}

/// Whole lines of a part, as many as are sent at once, at least one.
fn read_lines(path: &Path, from: u64, until: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut text = Vec::new();
    // A line may be longer than what is sent at once; a part is not much longer.
    file.take(until - from).read_to_end(&mut text)?;
    let mut end = 0;
    for (n, at) in memchr::memchr_iter(b'\n', &text).enumerate() {
        if n >= BATCH_LINES || (end > 0 && at >= BATCH_BYTES) {
            break;
        }
        end = at + 1;
    }
    if end == 0 {
        // A line that was not finished when its writer ended.
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    text.truncate(end);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> Value {
        json!({ "client_seq": seq, "kind": "step.output", "lines": [format!("line {seq}")] })
    }

    fn all(spool: &Spool) -> Vec<Value> {
        let mut got = Vec::new();
        while let Some(batch) = spool.next() {
            let text = String::from_utf8(batch.body.clone()).expect("it is text");
            got.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("it is JSON")));
            spool.sent(&batch);
        }
        got
    }

    fn name() -> Name {
        "x".parse().expect("a name")
    }

    #[test]
    fn what_is_put_in_comes_out_once_and_in_order_in_the_next_life_as_well() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::create_bounded(folder.path(), "u", &name(), (200, 100_000)).expect("a spool");
        (1..=10).for_each(|seq| spool.append(&line(seq), seq, 1).expect("written"));
        let batch = spool.next().expect("there is something");
        spool.sent(&batch);
        let own =
            fs::read_dir(folder.path()).expect("it is there").next().expect("one").expect("it can be read").path();
        assert!(Spool::reopen(&own).is_none(), "its writer is still at it");
        let about = spool.about();
        drop(spool);
        let spool = Spool::reopen(&own).expect("it was left");
        assert_eq!(spool.about(), about);
        let seqs: Vec<u64> = all(&spool).iter().filter_map(|line| line["client_seq"].as_u64()).collect();
        assert_eq!(seqs.last(), Some(&10));
        assert!(seqs.is_sorted_by(|one, next| one + 1 == *next), "{seqs:?}");
        assert!(spool.is_done());
        spool.remove();
        assert!(!own.exists());
    }

    #[test]
    fn a_report_that_is_too_long_loses_its_middle_and_says_how_much() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::create_bounded(folder.path(), "u", &name(), (1_000, 8_000)).expect("a spool");
        let count = 2_000;
        (1..=count).for_each(|seq| spool.append(&line(seq), seq, 1).expect("written"));
        spool.end();
        let got = all(&spool);
        let seqs: Vec<u64> = got.iter().filter_map(|line| line["client_seq"].as_u64()).collect();
        assert!(seqs.is_sorted() && seqs[0] == 1 && seqs.last() == Some(&count), "{seqs:?}");
        let gaps: Vec<&str> = got.iter().filter_map(|line| line["lines"][0]["text"].as_str()).collect();
        let said: Vec<u64> = gaps.iter().filter_map(|text| text.split(' ').nth(1)?.parse().ok()).collect();
        assert_eq!(said, [count - (got.len() as u64 - 1)], "{gaps:?}");
        assert!(got.len() > 40 && got.len() < 150, "{}", got.len());
    }

    #[test]
    fn a_line_that_was_not_finished_is_no_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::create(folder.path(), "u", &name()).expect("a spool");
        spool.append(&line(1), 1, 1).expect("written");
        let own = spool.folder.clone();
        drop(spool);
        let part = own.join("00000000.part");
        let mut text = fs::read(&part).expect("it is there");
        text.extend_from_slice(b"{\"client_seq\":2,");
        fs::write(&part, text).expect("it can be written");
        let spool = Spool::reopen(&own).expect("it was left");
        assert_eq!(all(&spool), [line(1)]);
        assert!(spool.is_done());
    }
}
