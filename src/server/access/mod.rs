//! stub
#![allow(missing_docs)]
use super::http::HttpError;
use crate::domain::access::Viewer;
use axum::extract::FromRequestParts;
use http::request::Parts;
#[derive(Clone)]
pub struct Access;
#[derive(Clone)]
pub struct Caller {
    pub viewer: Viewer,
}
#[derive(Clone)]
pub struct MaybeCaller(pub Option<Caller>);
pub struct AccessSettings {
    pub public_url: Option<String>,
    pub trust_proxy: bool,
}
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("x")]
    X,
}
impl From<AccessError> for HttpError {
    fn from(_: AccessError) -> Self {
        HttpError::Internal
    }
}
impl Caller {
    pub fn by_token(&self) -> bool {
        true
    }
}
impl Access {
    pub async fn open(_: &std::path::Path, _: AccessSettings) -> Result<Self, AccessError> {
        Err(AccessError::X)
    }
    pub async fn watch(&self, _: &Caller) -> tokio_util::sync::CancellationToken {
        Default::default()
    }
    pub fn setup_code(&self) -> Option<String> {
        None
    }
}
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = HttpError;
    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, HttpError> {
        Err(HttpError::Unauthenticated)
    }
}
