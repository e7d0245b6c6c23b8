//! What real tools print, as `tests/recordings/record.sh` has recorded it.

use std::{fs, path::PathBuf};

use super::{
    tests::{NOW, said_in},
    *,
};

/// What must come of a recording: percents that are told in this order, of which the last one is the last of all; and
/// how many log lines there are.
struct Expected {
    name: &'static str,
    percents: &'static [f64],
    lines: usize,
}

const fn of(name: &'static str, percents: &'static [f64], lines: usize) -> Expected {
    Expected { name, percents, lines }
}

const NONE: &[f64] = &[];

/// Read off the bytes by eye.
const RECORDINGS: &[Expected] = &[
    // With backspaces; all of it is wiped out in the end.
    of("7z.pipe", &[0.0, 21.0, 34.0, 63.0, 80.0], 0),
    of("7z.pty", &[0.0, 20.0, 40.0, 53.0, 73.0, 95.0], 0),
    // dpkg's reading of its database is not the work.
    of("apt.pipe", NONE, 15),
    of("apt.pty", &[0.0, 33.0, 67.0], 11),
    of("aria2c.pipe", NONE, 14),
    of("aria2c.pty", &[45.0, 91.0], 12),
    of("badblocks.pipe", &[0.0], 3),
    of("badblocks.pty", &[0.0], 3),
    of("cargo.pipe", NONE, 14),
    // 0/13, 1/13, …, 12/13.
    of("cargo.pty", &[0.0, 7.692308, 46.153846, 92.307692], 14),
    of("cmake.pipe", NONE, 14),
    of("cmake.pty", NONE, 14),
    of("curl-hash.pipe", &[13.1, 52.4, 98.3, 100.0], 1),
    of("curl-hash.pty", &[13.1, 52.4, 98.3, 100.0], 1),
    of("curl.pipe", &[32.0, 72.0, 100.0], 3),
    of("curl.pty", &[19.0, 65.0, 100.0], 3),
    of("dd.pipe", NONE, 4),
    of("dd.pty", NONE, 4),
    // A bar for some of its passes; that of the last one is full at once.
    of("e2fsck.pipe", &[2.2, 74.0], 7),
    of("e2fsck.pty", &[2.2], 7),
    of("ffmpeg.pipe", NONE, 13),
    of("ffmpeg.pty", NONE, 13),
    // Of receiving; counting and compressing on the other side do not count.
    of("git-clone.pipe", &[0.0, 42.0, 99.0, 100.0], 6),
    of("git-clone.pty", &[0.0, 42.0, 99.0, 100.0], 6),
    of("mke2fs.pipe", &[0.0], 12),
    of("mke2fs.pty", &[0.0], 12),
    // It draws a full bar once, after the work.
    of("mksquashfs.pipe", NONE, 29),
    of("mksquashfs.pty", &[5.0, 49.0, 92.0, 100.0], 29),
    of("ninja.pipe", NONE, 20),
    of("ninja.pty", &[0.0, 5.0, 55.0, 100.0], 1),
    of("npm.pipe", NONE, 2),
    of("npm.pty", NONE, 1),
    of("parallel.pty", &[0.0, 5.0, 55.0, 100.0], 1),
    of("pip.pipe", NONE, 6),
    of("pip.pty", &[0.0, 7.5, 52.5, 97.5, 100.0], 6),
    of("pv-unknown.pty", NONE, 1),
    of("pv.pipe", &[52.0, 100.0], 1),
    of("pv.pty", &[52.0, 100.0], 1),
    // Percents at the ends of plain lines.
    of("pytest.pipe", NONE, 12),
    of("pytest.pty", NONE, 12),
    // Two bars; the upper one counts. It was told once before the cursor came back to it.
    of("rich.pty", &[0.0, 5.0, 55.0, 100.0], 3),
    // A bar for each file, of which the first one fills first.
    of("rsync-files.pipe", &[8.0, 100.0], 19),
    of("rsync-files.pty", &[8.0, 100.0], 19),
    of("rsync-progress2.pipe", &[1.0, 12.0, 66.0, 87.0, 100.0], 1),
    of("rsync-progress2.pty", &[1.0, 12.0, 66.0, 87.0, 100.0], 1),
    of("tqdm-nested.pipe", &[25.0, 50.0, 75.0, 100.0], 2),
    of("tqdm-nested.pty", &[25.0, 50.0, 75.0, 100.0], 2),
    of("tqdm.pipe", &[0.0, 5.0, 50.0, 95.0, 100.0], 1),
    of("tqdm.pty", &[0.0, 5.0, 50.0, 95.0, 100.0], 1),
    of("unzip.pipe", NONE, 9),
    of("unzip.pty", NONE, 9),
    // The upper line counts packages, of which there is one; the lower one its bytes.
    of("uv.pty", &[0.0, 100.0], 5),
    of("wget-bar.pipe", &[0.0, 13.0, 52.0, 91.0, 100.0], 11),
    // Dots, whose percents stand at the ends of plain lines.
    of("wget.pipe", NONE, 89),
    of("wget.pty", &[0.0, 13.0, 52.0, 91.0, 100.0], 11),
    // Its percent is how much smaller the file becomes; what counts is 1.5 of 3.81 MiB.
    of("zstd.pipe", &[0.0, 26.246719, 91.863517, 100.0], 1),
    of("zstd.pty", &[0.0, 39.370079, 78.740157, 100.0], 1),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

fn recorded(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every percent that is higher than all before it: what [`Meter`] makes of them.
fn percents(said: &[Said]) -> Vec<f64> {
    let mut percents: Vec<f64> = Vec::new();
    for one in said {
        if let Said::Progress { percent, message, source } = one {
            assert_eq!((message, source), (&None, &Source::Parsed));
            if percents.last().is_none_or(|last| percent > last) {
                percents.push(*percent);
            }
        }
    }
    percents
}

#[test]
fn each_recording_is_in_the_table() {
    let found = fs::read_dir(folder()).expect("it is there").map(|entry| entry.expect("it can be read").path());
    let is_recording = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "pipe" || ending == "pty");
    let mut found: Vec<String> = found
        .filter(is_recording)
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, RECORDINGS.iter().map(|expected| expected.name).collect::<Vec<_>>());
    assert!(found.iter().all(|name| recorded(name).len() <= 64 * 1024));
}

#[test]
fn the_percent_of_real_tools_is_read_as_they_mean_it() {
    for expected in RECORDINGS {
        let said = said_in(&[&recorded(expected.name)]);
        let found = percents(&said);
        let mut rest = found.iter();
        let in_order = expected.percents.iter().all(|percent| rest.any(|found| found == percent));
        assert!(in_order && rest.next().is_none(), "{}: {found:?}", expected.name);
        assert_eq!(expected.percents.is_empty(), found.is_empty(), "{}: {found:?}", expected.name);
        let lines = said.iter().filter(|said| matches!(said, Said::Line { .. })).count();
        assert_eq!(lines, expected.lines, "{}: {said:#?}", expected.name);
    }
}

#[test]
fn a_recording_says_the_same_in_any_chunks() {
    for expected in RECORDINGS {
        let bytes = recorded(expected.name);
        let whole = said_in(&[&bytes]);
        for size in [1, 2, 3, 7, 64, 1000] {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(said_in(&chunks), whole, "{} in chunks of {size}", expected.name);
        }
    }
}

#[test]
fn what_a_bar_shows_is_known_while_it_is_drawn() {
    // tqdm, which draws a state and waits: each is known once nothing comes for a while, not with the next one.
    let bytes = recorded("tqdm.pipe");
    let (mut output, mut masks, mut known) = (Output::default(), Masks::default(), Vec::new());
    let states = bytes.split(|byte| *byte == b'\r').skip(1).take(21);
    for (n, state) in (1..).zip(states) {
        output.feed(&[b"\r", state].concat(), NOW, &mut masks, &mut |said| known.push(said));
        assert!(output.is_unsettled());
        output.settle(&mut masks, &mut |said| known.push(said));
        assert!(!output.is_unsettled());
        assert_eq!(percents(&known).len(), n);
    }
    assert_eq!(percents(&known), (0..=20).map(|n| f64::from(n) * 5.0).collect::<Vec<_>>());
}

#[test]
fn the_lines_of_real_tools_are_those_that_a_terminal_shows_in_the_end() {
    let texts = |name: &str| {
        let said = said_in(&[&recorded(name)]).into_iter();
        let text = |said| if let Said::Line { text, .. } = said { Some(text) } else { None };
        said.filter_map(text).collect::<Vec<_>>()
    };
    assert_eq!(texts("ninja.pty"), ["[20/20] CC part20.o"]);
    assert_eq!(texts("npm.pty"), ["added 1 package in 264ms"]);
    assert!(texts("cargo.pty").iter().all(|line| !line.contains("Building")), "a bar that was erased is no line");
    assert!(texts("mke2fs.pty").iter().any(|line| line.trim_end() == "Writing inode tables: done"));
    assert!(texts("apt.pty").contains(&"Removing runcast-demo (1.0) ...".to_owned()));
    assert!(texts("apt.pty").iter().all(|line| !line.contains("Progress:")), "apt's bar is drawn below its lines");
    assert!(texts("tqdm-nested.pipe")[1].starts_with("outer: 100%"));
}
