//! Progress in the dialects of others, and what is none.

use super::{tests::*, *};

const ESC9: &str = "\x1b]9;4;";

#[test]
fn osc_9_4_is_progress_and_is_taken_out_of_the_line() {
    for (text, expected) in [
        ("\x1b]9;4;1;42\x07", vec![progress(42.0, None)]),
        ("\x1b]9;4;1;42\x1b\\", vec![progress(42.0, None)]),
        ("\x1b]9;4;1;42\x07\n", vec![progress(42.0, None)]),
        ("\x1b]9;4;1;42\x07\r\n", vec![progress(42.0, None)]),
        ("a\x1b]9;4;1;42\x07b\n", vec![progress(42.0, None), line("ab")]),
        (
            "one\n\x1b]9;4;1;1\x07\x1b]9;4;1;2\x07two\n",
            vec![line("one"), progress(1.0, None), progress(2.0, None), line("two")],
        ),
        ("\x1b]9;4;1;250\x07", vec![progress(100.0, None)]),
        ("\x1b]9;4;1\x07", vec![progress(0.0, None)]),
        ("\x1b]9;4;1;\x07", vec![progress(0.0, None)]),
        ("\x1b]9;4;2;30\x07", vec![progress(30.0, None)]),
        ("\x1b]9;4;4;30\x1b\\", vec![progress(30.0, None)]),
        // An error or a pause without a percent, an unknown percent, and the end say nothing of how far it is.
        ("\x1b]9;4;2\x07\x1b]9;4;4;0\x07\x1b]9;4;3\x07\x1b]9;4;3;50\x07\x1b]9;4;0;0\x07\x1b]9;4;0\x07\n", vec![]),
    ] {
        let whole = said(text);
        // What is taken out of a state that is drawn again is no line of it.
        assert_eq!(whole, expected, "{text:?}");
        for cut in 0..=text.len() {
            assert_eq!(said_in(&[&text.as_bytes()[..cut], &text.as_bytes()[cut..]]), whole, "{text:?} cut at {cut}");
        }
    }
}

#[test]
fn what_is_no_osc_9_4_stays_in_the_line() {
    for text in [
        "\x1b]0;title\x07",
        "\x1b]8;;http://example.org/42%\x1b\\link\x1b]8;;\x1b\\",
        "\x1b]9;hello\x07",
        "\x1b]9;4;5;10\x07",
        "\x1b]9;4;x\x07",
        "\x1b]9;4;1;-4\x07",
        "\x1b]9;4;1;4.5\x07",
        "\x1b]9;4;1;42",
        "\x1b]9;4;1;42\x1bx",
        "]9;4;1;42\x07",
        "\x1b[31mred\x1b[0m",
        "\x1b",
        "x\x1b[",
    ] {
        assert_eq!(said(text), [line(text)], "{text:?}");
    }
    let endless = format!("{ESC9}1;{}", "0".repeat(100));
    assert_eq!(said(&endless), [line(&endless)], "it is not waited for any longer than it can be");
}

#[test]
fn json_lines_of_xyops_are_progress() {
    for (text, expected) in [
        (r#"{"xy":1,"progress":0.425,"status":"Uploading"}"#, progress(42.5, Some("Uploading"))),
        (r#" { "progress": 0.07, "xy": 1 } "#, progress(7.0, None)),
        (r#"{"xy":1,"progress":1}"#, progress(100.0, None)),
        (r#"{"xy":1,"progress":7,"status":""}"#, progress(100.0, None)),
        (r#"{"xy":1,"progress":-1,"status":null,"more":[{}]}"#, progress(0.0, None)),
        (r#"{"xy":1,"progress":0.5,"status":" a\nb "}"#, progress(50.0, Some("a b"))),
    ] {
        assert_eq!(said(&format!("{text}\n")), [expected], "{text}");
    }
    for text in [
        r#"{"progress":0.5}"#,
        r#"{"xy":0,"progress":0.5}"#,
        r#"{"xy":2,"progress":0.5}"#,
        r#"{"xy":"1","progress":0.5}"#,
        r#"{"xy":true,"progress":0.5}"#,
        r#"{"xy":1,"progress":"0.5"}"#,
        r#"{"xy":1,"code":1,"description":"it failed"}"#,
        r#"{"xy":1,"progress":0.5"#,
        r#"{"a":{"xy":1,"progress":0.5}}"#,
        r#"[{"xy":1,"progress":0.5}]"#,
        r#"x {"xy":1,"progress":0.5}"#,
    ] {
        assert_eq!(said(text), [line(text)]);
    }
    let deep = format!("{{\"xy\":1,\"progress\":0.5,\"x\":{}", "[".repeat(10_000));
    assert_eq!(said(&deep), [line(&deep)]);
}

/// What two states of a redrawn line tell.
fn redrawn(first: &str, second: &str) -> Vec<f64> {
    let percent = |said| if let Said::Progress { percent, .. } = said { Some(percent) } else { None };
    said(&format!("{first}\r{second}\n")).into_iter().filter_map(percent).collect()
}

#[test]
fn a_redrawn_line_tells_how_far_it_is() {
    assert_eq!(said("10%\r20%\r30%\n"), [bar(10.0), bar(20.0), bar(30.0), line("30%")]);
    assert_eq!(said("\r10%\r20%\r"), [bar(10.0), bar(20.0), line("20%")]);
    assert_eq!(said("10%\r10%\r10%\n"), [bar(10.0), line("10%")], "the same again is no news");
    assert_eq!(said("10%\rdone\n"), [bar(10.0), line("done")]);
    assert_eq!(said("1/4\r2/4\r\n"), [bar(25.0), bar(50.0), line("2/4")]);
    for (state, percent) in [
        ("42%", 42.0),
        ("42.5%", 42.5),
        (" 7%", 7.0),
        ("[ 42%] Building", 42.0),
        ("[####......] (42%)", 42.0),
        ("-----42%-----", 42.0),
        ("...42%", 42.0),
        ("loading█42%", 42.0),
        ("progress=42%", 42.0),
        ("[download]  42.0% of 10.00MiB at 1.00MiB/s ETA 00:05 (frag 3/10)", 42.0),
        ("42% [1 Packages 1,234 kB/9,000 kB 14%]", 42.0),
        ("50%off.zip      12%[==>     ]  1.2M", 12.0),
        ("file-100%  12%|█▏    | 12/100", 12.0),
        (" 42%|████▏     | 42/100 [00:01<00:01, 33.1it/s]", 42.0),
        ("\x1b[32m42\x1b[0m%", 42.0),
        ("[3/12] Compiling a/b.c", 25.0),
        ("Building [==>    ] 3/12: foo, bar", 25.0),
        ("(3/12) installing", 25.0),
        ("step 3/12.", 25.0),
        ("3 / 12 files", 25.0),
        ("━━━━╸ 1.5/6.0 MB 2.0 MB/s eta 0:00:02", 25.0),
        ("abc123: Downloading [=>   ]  512kB/2.048MB", 25.0),
        ("512 KiB / 2 MiB", 25.0),
        (" 25 3906k   25 1280k    0     0  2109k      0  0:00:01 --:--:--  0:00:01 2108k", 25.0),
    ] {
        assert_eq!(redrawn("", state), Vec::<f64>::new(), "a line that is drawn once: {state}");
        assert_eq!(redrawn(state, "done"), [percent], "{state}");
        assert_eq!(redrawn("begin", state), [percent], "{state}");
    }
}

const LOOK_ALIKES: &[&str] = &[
    "I am 100% sure",
    "50/50 chance",
    "on 2026/03/07",
    "on 03/07",
    "on 3/7/2026",
    "1/0",
    "24/7 service",
    "version 1.2.3/4",
    "v1.2.42%",
    "http://example.org/3/7",
    "http://example.org/a%20b/100%25",
    "http://localhost:80/1",
    "/dev/sda1/3 a/b",
    "n/a, N/A, I/O, 3it/s, 12 MB/s",
    "150%",
    "-5%",
    "12,5%",
    "42%x",
    "x42%",
    "%42 %s %d%%",
    "to-chk=5/10",
    "time 00:03/00:10",
    "12MB/45",
    "(0/0/0 errors)",
    "0 3906k 0 1280k 0 0",
];

#[test]
fn what_only_looks_like_progress_is_none() {
    for text in LOOK_ALIKES {
        assert_eq!(redrawn("begin", text), Vec::<f64>::new(), "{text}");
        assert_eq!(redrawn(text, "end"), Vec::<f64>::new(), "{text}");
    }
}

#[test]
fn a_plain_line_is_no_bar() {
    for text in LOOK_ALIKES.iter().chain(&[
        "file.py      87%",
        "[ 42%] Building",
        "[3/10] CC x",
        "42%",
        "3/10",
        "ab12: Downloading [=>  ] 1.2MB/3.4MB",
    ]) {
        assert_eq!(said(&format!("{text}\n")), [line(text)]);
        assert_eq!(said(&format!("{text}\r\n")), [line(text)]);
        assert_eq!(said(text), [line(text)]);
    }
    let table = "a.py  10%\nb.py  87%\r\nTOTAL 55%\n";
    assert_eq!(said(table), [line("a.py  10%"), line("b.py  87%"), line("TOTAL 55%")]);
}

#[test]
fn a_bar_that_was_never_seen_filling_is_not_full() {
    assert_eq!(said("begin\r100%\r100%\n"), [line("100%")]);
    assert_eq!(said("0%\r100%\n"), [bar(0.0), bar(100.0), line("100%")]);
    assert_eq!(said("1/2\r2/2\n"), [bar(50.0), bar(100.0), line("2/2")]);
    assert_eq!(said("1/2\r2/2\nx\r5/5\n"), [bar(50.0), bar(100.0), line("2/2"), line("5/5")], "in this line");
}

#[test]
fn other_ways_to_draw_a_line_again_are_understood() {
    for again in [
        "\r",
        "\x1b[G",
        "\x1b[1G",
        "\x1b[2K\r",
        "\r\x1b[K",
        "\r\x1b[2K",
        "\x1b[1K\r",
        "\x1b[999D",
        "\x08\x08\x08",
        "\x1b[3D\x1b[K",
    ] {
        let text = format!("10%{again}20%{again}30%\n");
        assert_eq!(said(&text), [bar(10.0), bar(20.0), bar(30.0), line("30%")], "{again:?}");
        let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(said_in(&single), said(&text));
    }
    assert_eq!(said("Working:  1/4\x08\x08\x082/4\x08\x08\x08done\n"), [bar(25.0), bar(50.0), line("Working:  done")]);
    assert_eq!(said("wheel 5% |\x08/\x08-\x08\\\n"), [line("wheel 5% \\")], "a wheel is no bar");
    assert_eq!(said("é\x08\x08x\n"), [line("x")]);
    assert_eq!(said("10%\r\x1b[Kdone\n"), [bar(10.0), line("done")]);
    assert_eq!(said("10%\r\x1b[K\n"), [bar(10.0)], "what was erased is no line");
    assert_eq!(said("10%\r   \r"), [bar(10.0)], "nor is what was wiped out with spaces at the end");
    assert_eq!(said("\x1b[?25la\x1b[K\x1b[?25h\n\n"), [line("a"), line("")]);
}

#[test]
fn lines_that_are_drawn_again_from_below_are_as_many_lines() {
    // Two bars, drawn four times; the first time they are told as they are.
    let frame = |n: u32| format!("a {n}%\nb {}%\n", n * 2);
    let text = format!("{}\x1b[2A{}\x1b[2A{}\x1b[2F{}", frame(0), frame(10), frame(20), frame(30));
    let lines = [line("a 0%"), line("b 0%")];
    let expected = [&lines[..], &[bar(10.0), bar(20.0), bar(30.0), line("a 30%"), line("b 60%")]].concat();
    assert_eq!(said(&text), expected);
    // What comes after them says that they are done.
    let expected = [expected.as_slice(), &[line("end")]].concat();
    assert_eq!(said(&format!("{text}end\n")), expected);
    // Docker's way: to the line, and back down.
    let text = "1: wait\n2: wait\n\x1b[2A\x1b[2K\r1: 10%\r\x1b[2B\x1b[1A\x1b[2K\r2: 50%\r\x1b[1B\x1b[2A\x1b[2K\r1: 20%\r\x1b[2B";
    assert_eq!(said(text), [line("1: wait"), line("2: wait"), bar(10.0), bar(20.0), line("1: 20%"), line("2: 50%")]);
}

#[test]
fn a_bar_beside_the_lines_is_none_of_them() {
    let text =
        "one\n\x1b7\x1b[24;0fProgress: [ 10%] [#...]\x1b8two\n\x1b7\x1b[24;0fProgress: [ 20%] [##..]\x1b8three\n";
    assert_eq!(said(text), [line("one"), bar(10.0), line("two"), bar(20.0), line("three")]);
    // Who never goes back loses nothing.
    assert_eq!(said("a\x1b7b\nc\n"), [line("ab"), line("c")]);
    assert_eq!(said("a\x1b7b"), [line("ab")]);
    let long = "x".repeat(2 * LINE_MAX + 5);
    let pieces: usize = said(&format!("a\x1b7{long}\n"))
        .iter()
        .map(|said| if let Said::Line { text, .. } = said { text.len() } else { 0 })
        .sum();
    assert_eq!(pieces, long.len() + 1);
}

#[test]
fn an_hour_of_drawing_without_a_line_end_holds_one_line() {
    let (mut output, mut masks, mut told) = (Output::default(), Masks::default(), 0);
    // Ten times a second for an hour, each state as long as a terminal is wide.
    for n in 0..36_000 {
        let state = format!("\r{:5.1}% {:70}", f64::from(n) / 360.0, "=".repeat(n as usize % 70));
        output.feed(state.as_bytes(), NOW, &mut masks, &mut |said| {
            assert!(matches!(said, Said::Progress { .. }), "{said:?}");
            told += 1;
        });
        assert!(output.rows.len() <= 100);
    }
    assert!((1000..=1001).contains(&told), "each tenth of a percent once: {told}");
    // The same going up and down, further than there are lines.
    for _ in 0..36_000 {
        output.feed(b"\x1b[50Aup 1%\x1b[50Bdown\n", NOW, &mut masks, &mut |_| {});
        assert!(output.rows.len() <= 1000);
    }
}

#[test]
fn what_a_step_reports_wins_over_what_is_read_off_its_bars() {
    let mut meter = Meter::new();
    assert_eq!((meter.percent(), meter.source()), (0.0, Source::Estimated));
    assert!(meter.take(0.0, None, Source::Parsed), "that it has a bar is news");
    assert!(meter.take(40.0, None, Source::Parsed));
    assert!(!meter.take(30.0, None, Source::Parsed), "it never falls");
    assert!(meter.take(20.0, Some("now".to_owned()), Source::Reported), "the source and the message are news");
    assert_eq!((meter.percent(), meter.message(), meter.source()), (40.0, Some("now"), Source::Reported));
    assert!(!meter.take(90.0, None, Source::Parsed), "what is parsed no longer counts");
    assert!(meter.take(50.0, None, Source::Reported));
    assert!(!meter.take(50.0, None, Source::Reported));
    assert!(meter.take(100.0, None, Source::Reported));
    assert_eq!((meter.percent(), meter.message()), (99.9, Some("now")), "it has not completed yet");
    assert!(!meter.take(f64::NAN, None, Source::Reported));
}
