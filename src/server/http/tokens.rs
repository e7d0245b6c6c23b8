//! stub
pub(super) fn router() -> axum::Router<super::App> {
    axum::Router::new()
}
