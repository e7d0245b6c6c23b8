//! Tokens that report on one execution and do nothing else.
//!
//! Such a token is `rc_x_` and a MAC (HMAC-SHA256, RFC 2104) of the execution's id, by a key that lies in the data
//! folder. So none has to be written down for an execution, a step gets one without a look at any database, and whoever
//! repeats the request that made one gets the same. It is in no table of tokens: everywhere else it is nobody's.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngCore as _;
use sha2::Sha256;

use super::AccessError;
use crate::domain::id::ExecutionId;

/// What such a token begins with.
const PREFIX: &str = "rc_x_";
/// What the MAC is of, before the id: the key serves no other end, but may come to.
const PURPOSE: &[u8] = b"runcast report token 1:";
/// Bytes of the key.
const KEY_BYTES: usize = 32;

/// Makes and knows them. Cheap to clone.
#[derive(Clone)]
pub struct ReportTokens(Arc<[u8; KEY_BYTES]>);

impl ReportTokens {
    /// With the key in the data folder, `report.key`, which is made if there is none, readable by its owner only.
    ///
    /// # Errors
    /// If the file can't be read or made, or holds no key.
    pub fn open(data: &Path) -> Result<Self, AccessError> {
        let path = data.join("report.key");
        let key = read(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => make(data, &path).and_then(|()| read(&path)),
            _ => Err(error),
        });
        key.map(|key| Self(Arc::new(key))).map_err(|source| AccessError::Folder { path, source })
    }

    /// The token of an execution: the same each time.
    pub fn token(&self, id: ExecutionId) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.mac(id).finalize().into_bytes()))
    }

    /// Whether it is the token of this execution; takes as long for a wrong one as for the right one.
    pub fn is_good(&self, id: ExecutionId, token: &str) -> bool {
        let mac = token.strip_prefix(PREFIX).and_then(|mac| URL_SAFE_NO_PAD.decode(mac).ok());
        mac.is_some_and(|mac| self.mac(id).verify_slice(&mac).is_ok())
    }

    fn mac(&self, id: ExecutionId) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes a key of any length");
        mac.update(PURPOSE);
        mac.update(id.0.as_bytes());
        mac
    }
}

impl std::fmt::Debug for ReportTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReportTokens(…)")
    }
}

fn read(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = Vec::new();
    fs::File::open(path)?.take(KEY_BYTES as u64 + 1).read_to_end(&mut key)?;
    key.try_into().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it holds no key of 32 bytes"))
}

/// All of it or nothing: a stop in the middle must not leave half a key.
fn make(data: &Path, path: &Path) -> io::Result<()> {
    let mut key = [0; KEY_BYTES];
    rand::rng().fill_bytes(&mut key);
    let new = data.join("report.key.new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_is_good_for_its_execution_in_every_life_of_the_server_and_for_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (ExecutionId(Uuid::now_v7()), ExecutionId(Uuid::now_v7()));
        let token = ReportTokens::open(folder.path()).expect("a key is made").token(one);
        let again = ReportTokens::open(folder.path()).expect("the key is there");
        assert!(again.is_good(one, &token) && !again.is_good(other, &token));
        for wrong in ["", "rc_x_", "rc_x_AAAA", &token[..token.len() - 1], token.trim_start_matches("rc_x_")] {
            assert!(!again.is_good(one, wrong), "{wrong:?} passed");
        }
        let elsewhere = tempfile::tempdir().expect("a folder");
        assert!(!ReportTokens::open(elsewhere.path()).expect("a key is made").is_good(one, &token));
    }

    #[test]
    fn the_key_is_for_its_owner_only_and_half_a_key_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        ReportTokens::open(folder.path()).expect("a key is made");
        let path = folder.path().join("report.key");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        fs::write(&path, "short").expect("it can be written");
        assert!(matches!(ReportTokens::open(folder.path()), Err(AccessError::Folder { .. })));
    }
}
