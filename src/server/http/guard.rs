//! stub
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
pub(super) async fn guard(State(_): State<super::App>, r: Request, n: Next) -> Response {
    n.run(r).await
}
