//! Passwords: hashed with Argon2id, off the asynchronous threads, a few at once.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{Error as HashError, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AccessError;

/// Characters that a password has.
pub const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 10..=256;

/// Hashes made at the same time. Each takes 19 MiB and a core for some tens of milliseconds.
const AT_ONCE: usize = 2;
/// Hashes waiting or being made; who comes when it is full is told to come back.
const IN_LINE: usize = 32;
/// When to come back.
const COME_BACK: Duration = Duration::from_secs(2);

/// Memory in KiB, passes and lanes: the first choice of the OWASP Password Storage Cheat Sheet for Argon2id.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Nobody's password, with the same cost as everybody's: what the password of a user who does not exist is compared
/// with, so that the time taken tells nothing.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Makes and compares hashes, with a bound on how many at once.
pub struct Passwords {
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(IN_LINE)), running: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// A PHC string of a new password. Refuses one that is too short or too long.
    pub(super) async fn hash(&self, password: &str) -> Result<String, AccessError> {
        check(password)?;
        let password = password.to_owned();
        self.work(move || {
            let hash = argon2().hash_password(password.as_bytes()).map_err(failed)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` is the one of `stored`; takes the same time when there is nothing stored.
    pub(super) async fn verify(&self, password: &str, stored: Option<String>) -> Result<bool, AccessError> {
        if password.chars().count() > *PASSWORD_LENGTH.end() {
            return Ok(false);
        }
        let password = password.to_owned();
        self.work(move || {
            let known = stored.is_some();
            let stored = stored.as_deref().unwrap_or(NOBODY);
            let hash = PasswordHash::new(stored).map_err(|error| AccessError::Hashing(error.to_string()))?;
            match argon2().verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(known),
                Err(HashError::PasswordInvalid) => Ok(false),
                Err(error) => Err(failed(error)),
            }
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let turn = self.turn().await?;
        // The turn goes with the job: a request that is given up does not let another hash start beside its own.
        let done = tokio::task::spawn_blocking(move || {
            let result = job();
            drop(turn);
            result
        });
        done.await.map_err(|error| AccessError::Hashing(error.to_string()))?
    }

    async fn turn(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), AccessError> {
        let busy = || AccessError::TooMany { retry_after: COME_BACK };
        let place = self.places.clone().try_acquire_owned().map_err(|_| busy())?;
        let turn = self.running.clone().acquire_owned().await.map_err(|_| busy())?;
        Ok((place, turn))
    }
}

/// Refuses a password that is too short or too long.
pub fn check(password: &str) -> Result<(), AccessError> {
    let characters = password.chars().count();
    if PASSWORD_LENGTH.contains(&characters) { Ok(()) } else { Err(AccessError::Password(characters)) }
}

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).expect("these numbers are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn failed(error: HashError) -> AccessError {
    AccessError::Hashing(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("correct horse").await.unwrap(), "the salt is not random");
        assert!(passwords.verify("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("correct hors", Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_missing_user_costs_a_whole_hash_of_the_same_parameters_and_never_matches() {
        let stored = PasswordHash::new(NOBODY).unwrap();
        let real = argon2().hash_password(b"correct horse").unwrap();
        assert_eq!(stored.params, real.params);
        assert_eq!(stored.algorithm, real.algorithm);
        assert_eq!(stored.hash.unwrap().as_bytes().len(), real.hash.unwrap().as_bytes().len());
        assert!(!Passwords::new().verify("correct horse", None).await.unwrap());
    }

    #[test]
    fn a_password_has_10_to_256_characters_whatever_their_bytes() {
        for good in ["äöüäöüäöüä".to_owned(), "x".repeat(256), "é".repeat(256)] {
            assert!(check(&good).is_ok());
        }
        for bad in ["", "ninechars", &"x".repeat(257)] {
            assert!(check(bad).is_err());
        }
    }

    #[tokio::test]
    async fn when_the_line_is_full_the_next_one_is_told_to_come_back() {
        let passwords = Passwords::new();
        let line = passwords.places.clone().acquire_many_owned(IN_LINE as u32).await.unwrap();
        let refused = passwords.verify("correct horse", None).await;
        assert!(matches!(refused, Err(AccessError::TooMany { .. })));
        drop(line);
        assert!(passwords.verify("correct horse", None).await.is_ok());
    }
}
