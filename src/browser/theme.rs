//! Light, dark, or as the system has it. `public/theme.js` sets it before the first paint.

use leptos::prelude::document;

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
        let kept = storage().and_then(|storage| storage.get_item("theme").ok().flatten());
        match kept.as_deref() {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::System,
        }
    }

    /// Shows it, and keeps it for the next time.
    pub fn choose(self) {
        let Some(root) = document().document_element() else { return };
        let storage = storage();
        if self == Theme::System {
            let _ = root.remove_attribute("data-theme");
            storage.map(|storage| storage.remove_item("theme"));
        } else {
            let _ = root.set_attribute("data-theme", self.word());
            storage.map(|storage| storage.set_item("theme", self.word()));
        }
    }
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}
