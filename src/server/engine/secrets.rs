//! The secrets of an execution: had from where the server keeps them, and masked before a step could print them.

use std::{collections::BTreeMap, sync::PoisonError};

use super::transcript::SharedMasks;
use crate::{
    domain::output::{MASK_MIN, Masks},
    server::secrets::Secrets,
};

/// The values of these names, all of them masked from now on. Blocks.
///
/// # Errors
/// What every step fails with, for people: one is missing or can't be masked. No step begins with a part of its secrets.
pub(super) fn reveal(
    names: &[String],
    secrets: &Secrets,
    masks: &SharedMasks,
) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for name in names {
        let value = secrets.secret(name).map_err(|error| error.to_string())?;
        if value.chars().count() < MASK_MIN {
            return Err(format!("the secret {name} has less than {MASK_MIN} characters, too few to be masked"));
        }
        values.insert(name.clone(), value);
    }
    let mut masks = masks.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, value) in &values {
        if !mask(&mut masks, value) {
            return Err(format!("the secret {name} has too many lines: not all of them can be masked"));
        }
    }
    Ok(values)
}

/// Masks a value, which is as a whole and line by line, and its lines without what is around them. Those that are too
/// short, as the brackets around a key are, tell nothing.
fn mask(masks: &mut Masks, value: &str) -> bool {
    let trimmed = value.lines().filter(|line| line.trim() != *line).map(str::trim);
    std::iter::once(value).chain(trimmed).filter(|text| text.chars().count() >= MASK_MIN).all(|text| masks.add(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reveal_files(files: &[(&str, &str)]) -> (Result<BTreeMap<String, String>, String>, SharedMasks) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, value) in files {
            std::fs::write(folder.path().join(name), value).expect("it can be written");
        }
        let (names, masks) =
            (files.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>(), SharedMasks::default());
        (reveal(&names, &Secrets::new(Some(folder.path().to_owned())), &masks), masks)
    }

    #[test]
    fn a_secret_of_many_lines_is_masked_line_by_line() {
        let (values, masks) = reveal_files(&[("RC_TEST_KEY", "BEGIN\n  c2VjcmV0\n}\nEND\n")]);
        assert_eq!(values.expect("it is there")["RC_TEST_KEY"], "BEGIN\n  c2VjcmV0\n}\nEND");
        let masked = |text: &str| masks.lock().expect("it is whole").apply(text.to_owned());
        assert_eq!(masked("BEGIN"), "***");
        assert_eq!(masked("key c2VjcmV0 }"), "key *** }");
    }

    #[test]
    fn what_can_not_be_masked_is_refused() {
        let (values, _) = reveal_files(&[("RC_TEST_SHORT", "ab")]);
        assert_eq!(values, Err("the secret RC_TEST_SHORT has less than 3 characters, too few to be masked".to_owned()));
        let key: String = (0..400).map(|number| format!("line {number:04}\n")).collect();
        assert!(reveal_files(&[("RC_TEST_KEY", &key), ("RC_TEST_OTHER", &key.replace("line", "more"))]).0.is_ok());
        let long: String = (0..12_000).map(|number| format!("{number:04}\n")).collect();
        let (values, _) = reveal_files(&[("RC_TEST_LONG", &long)]);
        let error = values.expect_err("there are more lines than masks");
        assert!(error.starts_with("the secret RC_TEST_LONG has too many lines"), "{error}");
    }
}
