//! What both databases ask of their connections.

use sqlx::{Connection as _, sqlite::SqlitePoolOptions};

/// A pool of so many connections, each a thread of this process, which does not go away by itself.
///
/// One whose last transaction could not be ended is replaced: when a disk is full SQLite ends a transaction by itself,
/// and the connection would count one that is no more for ever.
pub fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}
