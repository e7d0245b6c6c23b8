//! Where secrets come from: the server's own environment first, then a folder with a file for each, as container
//! platforms mount them. They are read when they are needed, so that a changed one needs no restart.

use std::{
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
};

/// Longest secret, in bytes.
pub const SECRET_MAX: u64 = 64 * 1024;

/// The secrets there are.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    folder: Option<PathBuf>,
}

/// A secret that can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is nowhere.
    #[error("the secret {0} is missing: it is neither in the server's environment nor {1}")]
    Missing(String, String),
    /// There is one, of nothing.
    #[error("the secret {0} is empty")]
    Empty(String),
    /// It is longer than [`SECRET_MAX`].
    #[error("the secret {0} is longer than 64 KiB")]
    Long(String),
    /// It is no UTF-8, or holds a NUL character, which no environment can.
    #[error("the secret {0} is no text")]
    NoText(String),
    /// Its file can't be read.
    #[error("the secret {0} can't be read: {1}")]
    Read(String, io::Error),
}

impl Secrets {
    /// With this folder of files, if any.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The secret of that name, which must be that of an environment variable: it is not checked for slashes. One line
    /// end at its end is left out. Blocks.
    ///
    /// # Errors
    /// If there is none, or none that can be used; the text names it and tells nothing of it.
    pub fn secret(&self, name: &str) -> Result<String, SecretError> {
        let value = match std::env::var_os(name) {
            Some(value) => value.into_string().map_err(|_| SecretError::NoText(name.to_owned()))?,
            None => self.in_folder(name)?,
        };
        let value = value.strip_suffix('\n').map_or(value.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        match value {
            "" => Err(SecretError::Empty(name.to_owned())),
            _ if value.len() as u64 > SECRET_MAX => Err(SecretError::Long(name.to_owned())),
            _ if value.contains('\0') => Err(SecretError::NoText(name.to_owned())),
            _ => Ok(value.to_owned()),
        }
    }

    fn in_folder(&self, name: &str) -> Result<String, SecretError> {
        let Some(folder) = &self.folder else {
            return Err(SecretError::Missing(name.to_owned(), "in a folder: --secrets names none".to_owned()));
        };
        let file = match File::open(folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let place = format!("in the folder {} (--secrets)", folder.display());
                return Err(SecretError::Missing(name.to_owned(), place));
            }
            opened => opened.map_err(|error| SecretError::Read(name.to_owned(), error))?,
        };
        let mut bytes = Vec::new();
        // Two more for the end of its line.
        let read = file.take(SECRET_MAX + 3).read_to_end(&mut bytes);
        read.map_err(|error| SecretError::Read(name.to_owned(), error))?;
        String::from_utf8(bytes).map_err(|_| SecretError::NoText(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_comes_before_the_folder_and_one_line_end_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
        write("PATH", b"of the file");
        write("DB_PASSWORD", b"swordfish\n\n");
        write("WINDOWS", b"swordfish\r\n");
        let secrets = Secrets::new(Some(folder.path().to_owned()));
        assert_eq!(secrets.secret("PATH").ok(), std::env::var("PATH").ok());
        assert_eq!(secrets.secret("DB_PASSWORD").expect("it is there"), "swordfish\n");
        assert_eq!(secrets.secret("WINDOWS").expect("it is there"), "swordfish");
    }

    #[test]
    fn one_that_can_not_be_used_is_named_and_not_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
        write("EMPTY", b"\n");
        write("LONG", &[b'x'; 64 * 1024 + 1]);
        write("JUST_FITS", &[&[b'x'; 64 * 1024][..], b"\r\n"].concat());
        write("BINARY", b"\xff\xfe");
        write("NUL", b"a\0b");
        let secrets = Secrets::new(Some(folder.path().to_owned()));
        let error = |name: &str| secrets.secret(name).expect_err(name).to_string();
        assert_eq!(error("EMPTY"), "the secret EMPTY is empty");
        assert_eq!(error("LONG"), "the secret LONG is longer than 64 KiB");
        assert!(secrets.secret("JUST_FITS").is_ok());
        assert_eq!(error("BINARY"), "the secret BINARY is no text");
        assert_eq!(error("NUL"), "the secret NUL is no text");
        let place = folder.path().display();
        let missing = "the secret NO_SUCH_ONE is missing: it is neither in the server's environment nor in";
        assert_eq!(error("NO_SUCH_ONE"), format!("{missing} the folder {place} (--secrets)"));
        let error = Secrets::default().secret("NO_SUCH_ONE").expect_err("there is no folder").to_string();
        assert_eq!(error, format!("{missing} a folder: --secrets names none"));
    }
}
