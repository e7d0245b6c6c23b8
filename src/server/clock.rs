//! The server's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::time::Timestamp;

/// Now, to the millisecond.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Now, as HTTP writes it: <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>.
pub fn http_date() -> String {
    let now = jiff::Timestamp::from_millisecond(now().0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
