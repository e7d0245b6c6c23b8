//! A line as a terminal would show it.

use leptos::prelude::*;

use crate::domain::{
    ansi::{self, Colour, Piece, Style, WORDS},
    search::Needle,
};

/// A line as a terminal would show it.
#[component]
pub fn Ansi(
    /// The line, escapes included.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    drawn(&text, None, true)
}

/// The pieces of a line. What `needle` finds is marked; links lead somewhere if they `may`, since a button holds none.
pub fn drawn(line: &str, needle: Option<&Needle>, may: bool) -> AnyView {
    let piece = |Piece { text, style, href, hit }: Piece| {
        let (class, colours) = (class(style), colours(style));
        let text = if hit { view! { <mark>{text}</mark> }.into_any() } else { text.into_any() };
        match href.filter(|_| may) {
            Some(href) => view! {
                <a class=class style=colours href=href target="_blank" rel="noopener noreferrer external">{text}</a>
            }
            .into_any(),
            None if class.is_none() && colours.is_none() => text,
            None => view! { <span class=class style=colours>{text}</span> }.into_any(),
        }
    };
    ansi::pieces(line, needle).into_iter().map(piece).collect_view().into_any()
}

fn class(style: Style) -> Option<String> {
    let mut class = String::new();
    for (colour, kind) in [(style.ink, "ansi-"), (style.ground, "ansi-on-")] {
        if let Some(Colour::Named(number)) = colour {
            class.push_str(&format!("{kind}{number} "));
        }
    }
    if let (Some(Colour::Exact(..)), None | Some(Colour::Named(_))) = (style.ink, style.ground) {
        class.push_str("ansi-exact ");
    }
    for (_, _, word) in WORDS.iter().filter(|(bit, ..)| style.words & bit != 0) {
        class.push_str(&format!("ansi-{word} "));
    }
    class.truncate(class.trim_end().len());
    (!class.is_empty()).then_some(class)
}

fn colours(style: Style) -> Option<String> {
    let mut colours = String::new();
    // On the theme's ground an ink of the program's own is brought nearer to the theme's, so that it can be read.
    let ink = if let Some(Colour::Exact(..)) = style.ground { "color" } else { "--exact" };
    for (colour, name) in [(style.ink, ink), (style.ground, "background-color")] {
        if let Some(Colour::Exact(red, green, blue)) = colour {
            colours.push_str(&format!("{name}:rgb({red} {green} {blue});"));
        }
    }
    // What stands on a colour of its own must not have that of a theme.
    if let (None, Some(Colour::Exact(red, green, blue))) = (style.ink, style.ground) {
        let light = u32::from(red) * 3 + u32::from(green) * 6 + u32::from(blue) > 1_400;
        colours.push_str(if light { "color:var(--on-light)" } else { "color:var(--on-dark)" });
    }
    (!colours.is_empty()).then_some(colours)
}
