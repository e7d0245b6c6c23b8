//! Users, sessions and tokens as the pages show them.

use super::{CredentialId, Session, Token, User};
use crate::domain::administration::{Account, IssuedToken, OpenSession};

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self { name: user.name, role: user.role, created_at: user.created_at }
    }
}

impl Session {
    /// For somebody who shows this credential.
    pub fn shown_to(self, credential: CredentialId) -> OpenSession {
        OpenSession {
            id: self.id.0,
            user: self.user,
            created_at: self.created_at,
            last_seen_at: self.last_seen_at,
            address: self.address,
            agent: self.agent,
            current: credential == CredentialId::Session(self.id),
        }
    }
}

impl From<Token> for IssuedToken {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.0,
            user: token.user,
            name: token.label,
            created_at: token.created_at,
            last_used_at: token.last_used_at,
        }
    }
}
