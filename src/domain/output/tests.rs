use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

pub(super) const NOW: Timestamp = Timestamp(7);

/// What comes of these chunks, with these values masked.
pub(super) fn said_with(masks: &mut Masks, chunks: &[&[u8]]) -> Vec<Said> {
    let mut output = Output::default();
    let mut said = Vec::new();
    for chunk in chunks {
        output.feed(chunk, NOW, masks, &mut |one| said.push(one));
        let held = output.rows.len() + output.aside.as_ref().map_or(0, Draft::len);
        assert!(held <= (rows::ROWS_MAX + 1) * (LINE_MAX + MASK_PIECE_MAX) + ASIDE_MAX, "{held} bytes are held");
    }
    output.finish(masks, &mut |one| said.push(one));
    assert!(output.rows.is_new() && !output.escape.begun(), "all of it was said");
    said
}

pub(super) fn said_in(chunks: &[&[u8]]) -> Vec<Said> {
    said_with(&mut Masks::default(), chunks)
}

pub(super) fn said(text: &str) -> Vec<Said> {
    said_in(&[text.as_bytes()])
}

pub(super) fn line(text: &str) -> Said {
    Said::Line { at: NOW, text: text.to_owned(), level: None }
}

fn marked(level: Level, text: &str) -> Said {
    Said::Line { at: NOW, text: text.to_owned(), level: Some(level) }
}

pub(super) fn progress(percent: f64, message: Option<&str>) -> Said {
    Said::Progress { percent, message: message.map(str::to_owned), source: Source::Reported }
}

pub(super) fn bar(percent: f64) -> Said {
    Said::Progress { percent, message: None, source: Source::Parsed }
}

/// The bytes in chunks that end at these places.
pub(super) fn cut_at(bytes: &[u8], mut cuts: Vec<usize>) -> Vec<&[u8]> {
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect()
}

#[test]
fn lines_end_with_a_line_feed_and_the_last_one_with_the_stream() {
    assert_eq!(said("one\n\ntwo\r\nthree"), [line("one"), line(""), line("two"), line("three")]);
    assert_eq!(said(""), []);
    assert_eq!(said("\n"), [line("")]);
}

#[test]
fn a_line_has_the_time_of_its_last_byte() {
    let mut output = Output::default();
    let mut times = Vec::new();
    let mut masks = Masks::default();
    let mut emit = |said| {
        if let Said::Line { at, text, .. } = said {
            times.push((at.0, text))
        }
    };
    output.feed(b"a", Timestamp(1), &mut masks, &mut emit);
    output.feed(b"b\nc", Timestamp(2), &mut masks, &mut emit);
    output.feed(b"", Timestamp(3), &mut masks, &mut emit);
    output.finish(&mut masks, &mut emit);
    assert_eq!(times, [(2, "ab".to_owned()), (2, "c".to_owned())]);
}

#[test]
fn a_redrawn_line_is_one_line_in_its_last_state() {
    assert_eq!(said("one\rtwo\rthree\n"), [line("three")]);
    assert_eq!(said("one\rtwo\r"), [line("two")]);
    assert_eq!(said("done\r\r\n"), [line("done")]);
    assert_eq!(said("\r\r\r"), []);
    assert_eq!(said("\rone\n"), [line("one")]);
    assert_eq!(said("a\rb\nc\rd\n"), [line("b"), line("d")]);
    assert_eq!(said("::progress 1\r::progress 2\n"), [progress(2.0, None)]);
}

#[test]
fn progress_is_consumed_in_each_of_its_forms() {
    for (text, expected) in [
        ("::progress 42.5", progress(42.5, None)),
        ("::progress 42.5 Uploading", progress(42.5, Some("Uploading"))),
        ("::progress 3/8 Uploading part 3", progress(37.5, Some("Uploading part 3"))),
        ("::progress 42%", progress(42.0, None)),
        ("::progress 42% half  way ", progress(42.0, Some("half  way"))),
        ("  ::progress 7", progress(7.0, None)),
        ("::progress\t7\tx\x1b[0my", progress(7.0, Some("x [0my"))),
        ("::progress 250", progress(100.0, None)),
        ("::progress -3", progress(0.0, None)),
        ("::progress 9/8", progress(100.0, None)),
        ("::progress 100", progress(100.0, None)),
    ] {
        assert_eq!(said(&format!("{text}\n")), [expected], "{text}");
    }
}

#[test]
fn a_command_that_makes_no_sense_is_an_ordinary_line() {
    for text in [
        "::progress abc",
        "::progress",
        "::progress ",
        "::progress nan",
        "::progress inf",
        "::progress 1e999",
        "::progress 0/0",
        "::progress 3/",
        "::progress /3",
        "::progress 1/2/3",
        "::progressive 5",
        "::progress::5",
        "::error",
        "::error file=x",
        "::errors::x",
        "::endgroup",
        "::debug::x",
        "::::",
        "x ::error::y",
        ":: error::x",
    ] {
        assert_eq!(said(&format!("{text}\n")), [line(text)]);
    }
}

#[test]
fn a_marked_line_is_stored_without_its_command() {
    let text = "::notice::one\n::warning::two\n::error::three :: four\n::error file=x,line=1::five\n::group::Six\nin it\n\
                ::endgroup::\n::error::\n";
    let expected = [
        marked(Level::Notice, "one"),
        marked(Level::Warning, "two"),
        marked(Level::Error, "three :: four"),
        marked(Level::Error, "five"),
        marked(Level::Group, "Six"),
        line("in it"),
        Said::EndGroup,
        marked(Level::Error, ""),
    ];
    assert_eq!(said(text), expected);
}

#[test]
fn a_mask_is_consumed() {
    assert_eq!(said("::add-mask::s3cret value\n::add-mask::\nx s3cret value\n"), [line("x ***")]);
}

#[test]
fn a_value_that_can_not_be_masked_is_told_and_not_shown() {
    let short = "::add-mask:: did not mask its value: it has less than 3 characters";
    assert_eq!(said("::add-mask::q7\nx\n"), [marked(Level::Warning, short), line("x")]);
    let mut masks = Masks::default();
    assert!((0..MASKS_MAX).all(|n| masks.add(&format!("value {n}"))));
    let many = "::add-mask:: did not mask its value: 100 values, or 1000 lines of such, are the most";
    assert_eq!(said_with(&mut masks, &[b"::add-mask::one too many\n"]), [marked(Level::Warning, many)]);
}

#[test]
fn a_long_line_is_cut_into_several_with_the_same_level() {
    let at_most = "x".repeat(LINE_MAX);
    assert_eq!(said(&format!("{at_most}\n")), [line(&at_most)]);
    assert_eq!(said(&format!("{at_most}y\nz\n")), [line(&at_most), line("y"), line("z")]);
    assert_eq!(said(&format!("{at_most}y")), [line(&at_most), line("y")]);
    let found = said(&format!("::error::{at_most}"));
    assert_eq!(found, [marked(Level::Error, &at_most[9..]), marked(Level::Error, "xxxxxxxxx")]);
    assert_eq!(said(&format!("::progress 5 {at_most}\nz\n"))[1..], [line("z")], "the rest of a command is no line");
    assert_eq!(said(&format!("::endgroup::{at_most}\nz\n")), [Said::EndGroup, line("z")]);
    // A character that lies on the cut is whole in the second piece.
    let text = format!("{}é", &at_most[1..]);
    assert_eq!(said(&text), [line(&at_most[1..]), line("é")]);
}

#[test]
fn bytes_that_are_no_text_become_replacement_characters() {
    assert_eq!(said_in(&[b"a\xffb\0c\xe2\x82\n"]), [line("a\u{fffd}b\u{fffd}c\u{fffd}")]);
    assert_eq!(said_in(&[b"\xe2", b"\x82", b"\xac\n"]), [line("€")]);
    for found in [said_in(&[&[0xff; 2 * LINE_MAX]]), said_in(&[&[0; 2 * LINE_MAX]])] {
        let lengths: Vec<usize> =
            found.iter().map(|said| if let Said::Line { text, .. } = said { text.len() } else { 0 }).collect();
        assert_eq!(lengths.iter().sum::<usize>(), 3 * 2 * LINE_MAX);
        assert!(lengths.iter().all(|length| *length <= LINE_MAX));
    }
}

#[test]
fn a_hundred_thousand_progress_lines_are_read_without_an_allocation_for_each() {
    let text: String = (0..100_000).map(|n| format!("::progress {n}/100000\n")).collect();
    let mut output = Output::default();
    let mut count = 0;
    for chunk in text.as_bytes().chunks(64 * 1024) {
        output.feed(chunk, NOW, &mut Masks::default(), &mut |said| {
            assert!(matches!(said, Said::Progress { message: None, .. }));
            count += 1;
        });
    }
    assert_eq!(count, 100_000);
    assert!(output.rows.len() < 64, "only the lines that lie across two chunks were ever copied");
}

#[test]
fn masked_values_are_stars_and_short_ones_are_left() {
    let mut masks = Masks::default();
    assert!(masks.add("abc") && masks.add("abcdef") && masks.add("abc"));
    assert!(!masks.add("ab") && !masks.add(""));
    assert_eq!(masks.apply("xabcdefy abc ab".to_owned()), "x***y *** ab");
    for n in 0..98 {
        assert!(masks.add(&format!("value {n}")));
    }
    assert!(!masks.add("one too many"));
    assert!(masks.add("abc"), "it is known already");
    assert_eq!(masks.apply("one too many".to_owned()), "one too many");
}

#[test]
fn outputs_are_lines_and_blocks() {
    let text = "a=1\r\nb=x=y<<z\n\n  \nc<<END\nfirst\n\nlast=\nEND\nd<<E\nE\na=2\n_e-2=\n";
    let expected = [("_e-2", ""), ("a", "2"), ("b", "x=y<<z"), ("c", "first\n\nlast="), ("d", "")];
    let found = outputs(text).expect("all of it is right");
    assert_eq!(found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
    assert_eq!(outputs(""), Ok(BTreeMap::new()));
}

#[test]
fn a_wrong_output_is_told_with_its_line() {
    for (text, expected) in [
        ("a=1\nnonsense\n", "$RUNCAST_OUTPUT, line 2: \"nonsense\" is neither key=value nor key<<END"),
        ("a<<\nx\n", "$RUNCAST_OUTPUT, line 1: \"a<<\" is neither key=value nor key<<END"),
        ("a=1\n\nb<<END\nx\n", "$RUNCAST_OUTPUT, line 3: the block that begins here has no line \"END\" that ends it"),
        (
            "a b=1\n",
            "$RUNCAST_OUTPUT, line 1: \"a b\" is no key: it has letters, digits, '_' and '-', and begins with a letter \
             or '_'",
        ),
        (
            "=1\n",
            "$RUNCAST_OUTPUT, line 1: \"\" is no key: it has letters, digits, '_' and '-', and begins with a letter or \
             '_'",
        ),
        ("a=x\0y\n", "$RUNCAST_OUTPUT, line 1: the value of \"a\" holds a NUL character"),
    ] {
        assert_eq!(outputs(text), Err(expected.to_owned()));
    }
}

#[test]
fn a_step_puts_out_64_kib_at_most() {
    let text = format!("a={}", "x".repeat(OUTPUTS_MAX - 1));
    assert_eq!(outputs(&text).map(|values| values.len()), Ok(1));
    let message = "$RUNCAST_OUTPUT holds 65537 bytes of keys and values, 65536 are the most";
    assert_eq!(outputs(&format!("{text}x")), Err(message.to_owned()));
}

/// Bytes as steps print them: text, commands, broken characters, line ends, and lines near the bound.
fn printed() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "[a-z ]{0,8}".prop_map(String::into_bytes),
        4 => prop_oneof![Just("\n"), Just("\r"), Just("\r\n"), Just("é"), Just("€"), Just("🦀")].prop_map(|s| s.as_bytes().to_vec()),
        4 => prop_oneof![
            Just("::progress 3/7 x\n"),
            Just("::progress 5\n"),
            Just("::error::"),
            Just("::group::"),
            Just("::add-mask::"),
            Just("::progress ")
        ].prop_map(|s| s.as_bytes().to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..6),
        1 => (LINE_MAX - 6..LINE_MAX + 6).prop_map(|n| vec![b'x'; n]),
        1 => (0usize..5).prop_map(|n| [vec![b'y'; n], "€".repeat(LINE_MAX / 3).into_bytes()].concat()),
        1 => Just(vec![0xff; LINE_MAX / 2]),
    ];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// Bytes as programs that draw print them.
fn drawn() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z0-9 %/.]{0,12}".prop_map(String::into_bytes),
        4 => prop_oneof![Just("\r"), Just("\n"), Just("\r\n"), Just("\x08"), Just("\x08\x08\x08"), Just("é━")]
            .prop_map(|s| s.as_bytes().to_vec()),
        4 => prop_oneof![
            Just("\x1b[A"), Just("\x1b[2A"), Just("\x1b[99A"), Just("\x1b[B"), Just("\x1b[K"), Just("\x1b[2K"), Just("\x1b[J"),
            Just("\x1b[G"), Just("\x1b[7D"), Just("\x1b7"), Just("\x1b8"), Just("\x1b[?25l"), Just("\x1b[31m"), Just("\x1b["),
            Just("\x1b"), Just("\x1b[1;1H"), Just("\x1b]9;4;1;42\x07"), Just("\x1b]9;4;"), Just("\x1b]0;title\x07")
        ].prop_map(|s| s.as_bytes().to_vec()),
        4 => (0u32..120, 0u32..12, 0u32..12).prop_map(|(n, a, b)| format!("{n}%[ {a}/{b}]").into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
        1 => (ASIDE_MAX - 6..ASIDE_MAX + 6).prop_map(|n| vec![b'x'; n]),
        1 => (LINE_MAX - 6..LINE_MAX + 6).prop_map(|n| vec![b'x'; n]),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_chunks_say_the_same_as_one_piece(
        bytes in prop_oneof![printed(), drawn()],
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = said_in(&[&bytes]);
        let cuts = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        prop_assert_eq!(&said_in(&cut_at(&bytes, cuts)), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&said_in(&single), &whole);
        for said in &whole {
            match said {
                Said::Line { text, .. } => prop_assert!(text.len() <= LINE_MAX && !text.contains(['\0', '\n', '\r'])),
                Said::Progress { percent, message, .. } => {
                    prop_assert!((0.0..=100.0).contains(percent));
                    prop_assert!(message.as_ref().is_none_or(|message| message.len() <= MESSAGE_MAX));
                }
                Said::EndGroup => {}
            }
        }
    }

    #[test]
    fn byte_by_byte_says_the_same_as_one_piece(bytes in "[a\r\né:]{0,40}|::progress [0-9/%. ]{0,8}\n|[\x1b\\[\\]0-9;JKAmGD%/\r\n\x08]{0,60}") {
        let chunks: Vec<&[u8]> = bytes.as_bytes().chunks(1).collect();
        prop_assert_eq!(said_in(&chunks), said(&bytes));
    }

    #[test]
    fn no_output_file_makes_it_panic(text in "([a-z_=<\r\n\u{0} -]{0,6}|\\PC{0,4}){0,12}") {
        if let Ok(values) = outputs(&text) {
            prop_assert!(values.keys().all(|key| !key.is_empty()));
        }
    }

    #[test]
    fn what_was_put_out_is_read_back(values in proptest::collection::btree_map("[a-zA-Z_][a-zA-Z0-9_-]{0,8}", "[^\0\r]{0,20}", 0..6)) {
        let text: String = values.iter().map(|(key, value)| format!("{key}<<--END--\n{value}\n--END--\n")).collect();
        prop_assert_eq!(outputs(&text), Ok(values));
    }
}
