//! How this browser shows things, and whether single keys do something.

use leptos::prelude::*;

use crate::browser::{
    storage,
    theme::{Contrast, Theme},
};

/// Under which name it is kept that single keys do nothing.
const KEYS: &str = "keys";

/// The choices. A copy is the same ones.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    /// Which set of colours.
    pub theme: RwSignal<Theme>,
    /// How much contrast.
    pub contrast: RwSignal<Contrast>,
    /// Whether single keys are shortcuts.
    pub keys: RwSignal<bool>,
}

impl Looks {
    /// Hands them to all that is below, and reads what was chosen before once there is a browser.
    pub fn provide() -> Self {
        let looks = Self {
            theme: RwSignal::new(Theme::System),
            contrast: RwSignal::new(Contrast::System),
            keys: RwSignal::new(true),
        };
        Effect::new(move || {
            looks.theme.set(Theme::kept());
            looks.contrast.set(Contrast::kept());
            looks.keys.set(storage::kept(KEYS).as_deref() != Some("off"));
        });
        provide_context(looks);
        looks
    }

    /// Those that [`Looks::provide`] handed down.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Shows another set of colours.
    pub fn show(self, theme: Theme) {
        theme.choose();
        self.theme.set(theme);
    }

    /// Shows more contrast, or less.
    pub fn set_contrast(self, contrast: Contrast) {
        contrast.choose();
        self.contrast.set(contrast);
    }

    /// Lets single keys do something, or nothing.
    pub fn set_keys(self, on: bool) {
        storage::keep(KEYS, (!on).then_some("off"));
        self.keys.set(on);
    }
}
