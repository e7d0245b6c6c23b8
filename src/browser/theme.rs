//! Light or dark, and how much contrast. `public/theme.js` sets both before the first paint.

use leptos::prelude::document;

use super::storage::{keep, kept};

/// Which set of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All there are.
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The word of it.
    pub fn word(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The one after it, all in turn.
    pub fn next(self) -> Self {
        match self {
            Theme::System => Theme::Light,
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::System,
        }
    }

    /// The one that was chosen in this browser.
    pub fn kept() -> Self {
        let kept = kept("theme").unwrap_or_default();
        Self::ALL.into_iter().find(|theme| theme.word() == kept).unwrap_or_default()
    }

    /// Shows it, and keeps it for the next time.
    pub fn choose(self) {
        choose("theme", (self != Theme::System).then_some(self.word()));
    }
}

/// How far ink and surface stand apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contrast {
    /// As the system has it.
    #[default]
    System,
    /// More.
    More,
    /// Not more, whatever the system has.
    Normal,
}

impl Contrast {
    /// All there are.
    pub const ALL: [Contrast; 3] = [Contrast::System, Contrast::Normal, Contrast::More];

    /// The word of it.
    pub fn word(self) -> &'static str {
        match self {
            Contrast::System => "system",
            Contrast::More => "more",
            Contrast::Normal => "normal",
        }
    }

    /// The one that was chosen in this browser.
    pub fn kept() -> Self {
        let kept = kept("contrast").unwrap_or_default();
        Self::ALL.into_iter().find(|contrast| contrast.word() == kept).unwrap_or_default()
    }

    /// Shows it, and keeps it for the next time.
    pub fn choose(self) {
        choose("contrast", (self != Contrast::System).then_some(self.word()));
    }
}

fn choose(what: &str, word: Option<&str>) {
    keep(what, word);
    let Some(root) = document().document_element() else { return };
    let name = format!("data-{what}");
    let _ = match word {
        Some(word) => root.set_attribute(&name, word),
        None => root.remove_attribute(&name),
    };
}
