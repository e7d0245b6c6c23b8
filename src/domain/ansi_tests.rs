use proptest::prelude::*;

use super::*;

fn style(ink: Option<Colour>, words: u8) -> Style {
    Style { ink, ground: None, words }
}

fn shown(line: &str) -> Vec<(String, Style)> {
    pieces(line, None).into_iter().map(|piece| (piece.text, piece.style)).collect()
}

fn first(line: &str) -> Style {
    shown(line).first().expect("it has a piece").1
}

#[test]
fn colours_become_pieces_and_end_at_a_reset() {
    let none = Style::default();
    assert_eq!(
        shown("a \u{1b}[1;32mgood\u{1b}[0m \u{1b}[91mbad\u{1b}[39m."),
        [
            ("a ".to_owned(), none),
            ("good".to_owned(), style(Some(Colour::Named(2)), 1)),
            (" ".to_owned(), none),
            ("bad".to_owned(), style(Some(Colour::Named(9)), 0)),
            (".".to_owned(), none)
        ]
    );
}

#[test]
fn each_word_is_turned_on_and_off() {
    for (bit, on, word) in WORDS {
        let off = if on < 3 { 22 } else { on + 20 };
        let line = format!("\u{1b}[{on}mx\u{1b}[{off}my");
        assert_eq!(shown(&line).iter().map(|piece| piece.1.words).collect::<Vec<_>>(), [bit, 0], "{word}");
    }
    assert_eq!(first("\u{1b}[4m\u{1b}[4:0mx").words, 0);
    assert_eq!(first("\u{1b}[4:3mx").words, 8);
}

#[test]
fn a_colour_of_the_cube_is_exact() {
    assert_eq!(first("\u{1b}[38;5;196mx").ink, Some(Colour::Exact(255, 0, 0)));
    assert_eq!(first("\u{1b}[38;2;1;2;3mx").ink, Some(Colour::Exact(1, 2, 3)));
    assert_eq!(first("\u{1b}[38:2::1:2:3mx").ink, Some(Colour::Exact(1, 2, 3)));
    assert_eq!(first("\u{1b}[38;5;250mx").ink, Some(Colour::Exact(188, 188, 188)));
    let both = first("\u{1b}[48;5;1;34mx");
    assert_eq!((both.ink, both.ground), (Some(Colour::Named(4)), Some(Colour::Named(1))));
    let both = first("\u{1b}[58;2;1;2;3;7;103mx");
    assert_eq!((both.words, both.ground), (16, Some(Colour::Named(11))));
}

#[test]
fn every_other_escape_vanishes() {
    let line = "\u{1b}]0;title\u{7}a\u{1b}[2Kb\u{1b}[?25lc\u{1b}]8;;file:///etc\u{1b}\\d\u{1b}(Be\u{8}\u{1b}";
    assert_eq!(shown(line), [("abcde".to_owned(), Style::default())]);
    assert_eq!(plain(line), "abcde");
    assert!(pieces(line, None).iter().all(|piece| piece.href.is_none()), "a file is no place to go to");
}

#[test]
fn links_lead_where_they_may() {
    let hrefs = |line: &str| -> Vec<_> {
        pieces(line, None).into_iter().filter_map(|piece| piece.href.map(|href| (piece.text, href))).collect()
    };
    let pair = |text: &str, href: &str| (text.to_owned(), href.to_owned());
    let named = "see \u{1b}]8;id=1;https://a.example/x\u{7}the page\u{1b}]8;;\u{7} now";
    assert_eq!(hrefs(named), [pair("the page", "https://a.example/x")]);
    assert!(hrefs("\u{1b}]8;;javascript:alert(1)\u{7}x\u{1b}]8;;\u{7}").is_empty());
    assert_eq!(
        hrefs("(at https://a.example/b_(c), or so)."),
        [pair("https://a.example/b_(c)", "https://a.example/b_(c)")]
    );
    assert_eq!(hrefs("\"http://a.example\" and ftp://no https://"), [pair("http://a.example", "http://a.example")]);
}

#[test]
fn what_is_looked_for_is_found_across_colours() {
    let needle = Needle::new("good day").expect("it is short");
    let hits = pieces("a \u{1b}[32mGood\u{1b}[0m Day!", Some(&needle));
    let hits: Vec<_> = hits.iter().filter(|piece| piece.hit).map(|piece| piece.text.as_str()).collect();
    assert_eq!(hits, ["Good", " Day"]);
}

#[test]
fn a_cut_off_escape_does_no_harm() {
    for line in ["\u{1b}", "\u{1b}[", "\u{1b}[31", "\u{1b}]8;", "\u{1b}[38;5", "\u{1b}[38;5m"] {
        assert!(pieces(line, None).is_empty(), "{line:?} left something");
    }
}

proptest! {
    #[test]
    fn the_pieces_are_the_plain_text_and_never_too_many(parts in prop::collection::vec("(\u{1b}\\[[0-9;:]{0,8}m|\\PC{0,3}|http://a|\u{1b}|\u{7}|\t)", 0..700)) {
        let line = parts.concat();
        let needle = Needle::new("a");
        let pieces = pieces(&line, needle.as_ref());
        prop_assert!(pieces.len() <= PIECES_MAX);
        let text: String = pieces.into_iter().map(|piece| piece.text).collect();
        prop_assert_eq!(text, plain(&line));
    }
}
