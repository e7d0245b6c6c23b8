//! No piece of anything that is told holds a masked value, however it was printed.

use proptest::prelude::*;

use super::{tests::*, *};

fn masks(values: &[&str]) -> Masks {
    let mut masks = Masks::default();
    values.iter().for_each(|value| assert!(masks.add(value), "{value:?}"));
    masks
}

/// All texts, those of one cut line joined.
fn shown(said: &[Said]) -> String {
    let text = |said: &Said| match said {
        Said::Line { text, .. } => text.clone(),
        Said::Progress { message, .. } => message.clone().unwrap_or_default(),
        Said::EndGroup => String::new(),
    };
    said.iter().map(text).collect()
}

#[test]
fn a_value_is_masked_in_lines_and_messages_wherever_chunks_end() {
    let text = "a s3cret b\n::error::s3crets3cret\n::progress 5 at s3cret\n{\"xy\":1,\"progress\":0.5,\"status\":\"s3cret\"}\n\
                10% s3cret\r20% s3cret\ns3c\x1b]9;4;1;7\x07ret\ns3cret";
    let values = masks(&["s3cret"]);
    let whole = said_with(&mut values.clone(), &[text.as_bytes()]);
    assert_eq!(whole[0], line("a *** b"));
    assert_eq!(whole[2], progress(5.0, Some("at ***")));
    assert_eq!(whole[3], progress(50.0, Some("***")));
    assert!(!shown(&whole).contains("s3cret"));
    assert_eq!(whole.last(), Some(&line("***")));
    for cut in 0..=text.len() {
        let (one, two) = text.as_bytes().split_at(cut);
        assert_eq!(said_with(&mut values.clone(), &[one, two]), whole, "cut at {cut}");
    }
}

#[test]
fn a_value_on_the_cut_of_a_long_line_is_masked() {
    let secret = "s3cret-value";
    for before in LINE_MAX - secret.len() - 1..=LINE_MAX + 1 {
        for after in [0, 1, 40, LINE_MAX] {
            let text = format!("{}{secret}{}\n", "x".repeat(before), "y".repeat(after));
            let whole = said_with(&mut masks(&[secret]), &[text.as_bytes()]);
            let all = shown(&whole);
            assert_eq!(all.replacen("***", "", 1), "x".repeat(before) + &"y".repeat(after), "{before}, {after}");
            for cut in (LINE_MAX - 14..LINE_MAX + 14).filter(|cut| after == 40 && *cut <= text.len()) {
                let (one, two) = text.as_bytes().split_at(cut);
                assert_eq!(said_with(&mut masks(&[secret]), &[one, two]), whole, "{before}, {after}, cut at {cut}");
            }
        }
    }
}

#[test]
fn values_in_a_row_on_every_cut_are_masked_and_no_line_is_lost() {
    let mut values = masks(&["abcab"]);
    let text = format!("{}\nz\n", "abc".repeat(LINE_MAX));
    assert_eq!(said_with(&mut values, &[text.as_bytes()]), [line("***"), line("c"), line("z")]);
    let text = format!("::warning::{}\n", "q abcab ".repeat(LINE_MAX / 4));
    let said = said_with(&mut values, &[text.as_bytes()]);
    assert!(said.len() > 1 && said.iter().all(|said| matches!(said, Said::Line { level: Some(Level::Warning), .. })));
    assert_eq!(shown(&said), "q *** ".repeat(LINE_MAX / 4));
}

#[test]
fn overlapping_values_are_masked_all() {
    assert_eq!(masks(&["abcd", "cdef"]).apply("xabcdefy".to_owned()), "x***y");
    assert_eq!(masks(&["abc", "abcdef"]).apply("abcdef abc".to_owned()), "*** ***");
    assert_eq!(masks(&["aba"]).apply("xababay".to_owned()), "x***y");
    assert_eq!(masks(&["abc", "def"]).apply("abcdef".to_owned()), "***");
    assert_eq!(masks(&["äöü"]).apply("xäöüy".to_owned()), "x***y");
}

#[test]
fn each_line_of_a_value_is_a_value() {
    let key = "-----BEGIN KEY-----\nMIIabcdef\r\nxyz\n==\n-----END KEY-----\n";
    let mut values = masks(&[key]);
    let said = said_with(&mut values, &[key.as_bytes(), b"it is MIIabcdef\n", b"xyz=="]);
    assert_eq!(
        said,
        [line("***"), line("***"), line("***"), line("=="), line("***"), line("it is ***"), line("***==")]
    );
    assert_eq!(values.apply(format!("a {key}b")), "a ***b", "and all of it is one");
    assert_eq!(masks(&["ab\ncd"]).apply("ab\ncd ab".to_owned()), "*** ab");
    // As GitHub's commands write such a value.
    let said = said_in(&[b"::add-mask::first%0Asecond 100%25\n", b"first, second 100%, first%0Asecond 100%25\n"]);
    assert_eq!(said, [line("***, ***, ***")]);
}

#[test]
fn a_value_longer_than_a_line_is_masked() {
    let value: String = (0..3 * LINE_MAX).map(|n| char::from(b'a' + (n * n / 7 % 26) as u8)).collect();
    let mut values = masks(&[&value]);
    assert!(values.reach() < MASK_PIECE_MAX);
    let said = said_with(&mut values, &[format!("<{value}>\n").as_bytes()]);
    assert_eq!(shown(&said), "<***>");
    let umlauts = "äöü".repeat(MASK_PIECE_MAX);
    assert_eq!(masks(&[&umlauts]).apply(format!("<{umlauts}>")), "<***>");
}

#[test]
fn a_message_is_masked_before_it_is_cut() {
    let text = format!("::progress 5 {}s3cret-value\n", "x".repeat(MESSAGE_MAX - 4));
    let said = said_with(&mut masks(&["s3cret-value"]), &[text.as_bytes()]);
    assert_eq!(shown(&said), format!("{}***", "x".repeat(MESSAGE_MAX - 4)));
}

#[test]
fn values_are_bounded_and_are_not_shown_for_debugging() {
    let mut masks = Masks::default();
    let lines: String = (0..MASK_PIECES_MAX + 1).map(|n| format!("line {n}\n")).collect();
    assert!(!masks.add(&lines) && masks.add(&lines[..lines.len() / 2]));
    assert!(!format!("{masks:?}").contains("line"));
}

/// Values of few letters, so that they overlap and touch, and text of them.
fn leaky() -> impl Strategy<Value = (Vec<String>, Vec<u8>)> {
    let values = proptest::collection::vec("[ab]{3,5}|[abä]{3,9}|aaa|[ab]{3}\n[ab]{2,4}", 1..4);
    let text = proptest::collection::vec(
        prop_oneof![
            6 => "[abä]{0,12}".prop_map(String::into_bytes),
            2 => prop_oneof![Just("\n"), Just("\r"), Just(" "), Just("::error::"), Just("::progress 5 "), Just("\x1b[K"), Just("\x08")]
                .prop_map(|s| s.as_bytes().to_vec()),
            1 => (LINE_MAX - 8..LINE_MAX + 8).prop_map(|n| vec![b'x'; n]),
            1 => Just("ab".repeat(LINE_MAX / 2 + 3).into_bytes()),
        ],
        0..16,
    );
    (values, text.prop_map(|pieces| pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_chunks_and_no_cuts_let_a_value_through((values, bytes) in leaky(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let values = masks(&values);
        let whole = said_with(&mut values.clone(), &[&bytes]);
        let cuts = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        prop_assert_eq!(&said_with(&mut values.clone(), &cut_at(&bytes, cuts)), &whole);
        for said in &whole {
            let Said::Line { text, .. } = said else { continue };
            prop_assert!(text.len() <= LINE_MAX);
            prop_assert_eq!(&values.apply(text.clone()), text);
        }
    }

    #[test]
    fn a_long_line_shows_what_it_would_show_uncut((values, bytes) in leaky(), size in 1usize..5000) {
        let line: Vec<u8> = bytes.into_iter().filter(|byte| !matches!(byte, b'\n' | b'\r' | 0x1b | 8 | b':')).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let values = masks(&values);
        let expected = values.apply(String::from_utf8_lossy(&line).into_owned());
        let chunks: Vec<&[u8]> = line.chunks(size).collect();
        prop_assert_eq!(shown(&said_with(&mut values.clone(), &chunks)), expected);
    }
}

#[test]
fn every_split_of_a_long_line_shows_the_same() {
    let values = masks(&["hunter2", "ter2hun"]);
    let text = format!("::notice::{}hunter2hunter2{}\nhunter2\n", "x".repeat(LINE_MAX - 20), "hunter2 ".repeat(10));
    let whole = said_with(&mut values.clone(), &[text.as_bytes()]);
    assert!(!shown(&whole).contains("hunter2"));
    let bytes = text.as_bytes();
    for cut in (0..24).chain(LINE_MAX - 40..bytes.len()) {
        assert_eq!(said_with(&mut values.clone(), &[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
    }
}
