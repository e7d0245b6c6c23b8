//! The first admin, made by whoever can read the terminal in which the server started.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use rand::Rng;

use super::{Access, AccessError, Caller, Digest, Peer, SessionSecret, users::NewUser};
use crate::domain::{access::Role, id::Name};

/// No 0 and O, no 1, I and L: what a person reads off a terminal and types.
const LETTERS: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Groups of four letters: 31^16 codes, or 79 bits.
const GROUPS: usize = 4;

/// The code that makes the first admin. Lives in memory only; shown by [`Display`](fmt::Display), never by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupCode(String);

impl SetupCode {
    fn random() -> Self {
        let mut rng = rand::rng();
        let group = |_| (0..4).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect::<String>();
        Self((0..GROUPS).map(group).collect::<Vec<_>>().join("-"))
    }

    /// Case, spaces and hyphens do not matter. Compares digests, so that time tells nothing.
    fn is(&self, typed: &str) -> bool {
        let plain = |text: &str| {
            let letters = text.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|letter| letter.to_ascii_uppercase()).collect::<String>()
        };
        Digest::of(&plain(typed)) == Digest::of(&plain(&self.0))
    }
}

impl fmt::Display for SetupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SetupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupCode(…)")
    }
}

/// The code, as long as it is good.
#[derive(Default)]
pub(super) struct Setup(Mutex<Option<SetupCode>>);

impl Setup {
    pub(super) fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(SetupCode::random());
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn code(&self) -> Option<SetupCode> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Access {
    /// The code to print when the server starts without users; none once somebody has used it.
    pub fn setup_code(&self) -> Option<SetupCode> {
        self.inner.setup.code()
    }

    /// Makes the first admin and signs them in.
    ///
    /// # Errors
    /// [`AccessError::SetUp`] once there is a user, however it came to be; [`AccessError::WrongCode`];
    /// [`AccessError::TooMany`] after ten wrong codes from an address.
    pub async fn set_up(
        &self,
        code: &str,
        name: Name,
        password: &str,
        peer: &Peer,
    ) -> Result<(Caller, SessionSecret), AccessError> {
        self.claim(code, peer).await?;
        let hash = self.inner.passwords.hash(password).await?;
        self.insert_user(NewUser { name: name.clone(), role: Role::Admin, hash: hash.clone() }, true).await?;
        self.inner.setup.end();
        self.open_session(name, Role::Admin, &hash, peer).await
    }

    async fn claim(&self, code: &str, peer: &Peer) -> Result<(), AccessError> {
        let good = match self.inner.setup.code() {
            Some(good) if self.is_empty().await => good,
            _ => return Err(AccessError::SetUp),
        };
        let limiter = &self.inner.setup_limiter;
        limiter.take(None, peer.address, Instant::now()).map_err(|retry_after| AccessError::TooMany { retry_after })?;
        if !good.is(code) {
            return Err(AccessError::WrongCode);
        }
        limiter.forgive(None, peer.address);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_four_groups_that_a_person_can_type_in_any_case() {
        let code = SetupCode::random();
        let text = code.to_string();
        assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4, 4]);
        assert!(text.bytes().all(|letter| letter == b'-' || LETTERS.contains(&letter)));
        assert_ne!(code, SetupCode::random());
        assert!(code.is(&text.to_lowercase().replace('-', " ")));
        assert!(!code.is(&text[1..]));
        assert!(!code.is(""));
        assert!(!format!("{code:?}").contains(&text[..4]));
    }
}
