//! `/api/hooks/{workflow}`: other systems start a workflow, without an account, with a signature over what they send.
//!
//! The signature holds a time, so that one that was overheard is good for a few minutes only, and within these it is
//! good once: the execution's key is made of it.

use axum::{
    Json as Answer,
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{App, body::Path, executions::in_time, problem::HttpError, routes::Routes};
use crate::{
    domain::{
        event::Trigger,
        id::{ExecutionId, Name},
        time::Timestamp,
        workflow::{VALUE_MAX, Webhook, Workflow},
    },
    server::{
        clock,
        engine::Order,
        journal::{Beside, Health, Idempotent},
        schedule::in_whose_name,
        secrets::Secrets,
    },
};

/// The header with a call's signature.
const SIGNATURE: &str = "x-runcast-signature";
/// Longest signature header, in bytes.
const SIGNATURE_MAX: usize = 1024;
/// How far the time of a signature may be from the server's, in seconds, before and after.
const WINDOW: u64 = 5 * 60;
/// Largest body of a call: a parameter takes no more.
pub(super) const HOOK_MAX: usize = VALUE_MAX;

pub(super) fn routes() -> Routes<App> {
    Routes::new().route("/api/hooks/{workflow}", post(call))
}

async fn call(
    State(app): State<App>,
    Path(name): Path<Name>,
    headers: HeaderMap,
    Call(body): Call,
) -> Result<Response, HttpError> {
    let hook = app.workflows.good(&name).and_then(|workflow| Some((workflow.webhook.clone()?, workflow)));
    let (webhook, workflow) = hook.ok_or(HttpError::NotFound)?;
    let signature = Signature::read(&headers, clock::now()).ok_or(HttpError::Unsigned)?;
    let secret = secret(app.secrets.clone(), &webhook, &name).await?;
    let signature = signature.verify(&body, &secret).ok_or(HttpError::Unsigned)?;
    let params = params(&workflow, &webhook, &body)?;
    // No request can name such a key for itself: there is no line end in a header.
    let idempotent =
        Idempotent { key: format!("webhook\n{name}\n{signature}"), request: Sha256::digest(&body).to_vec() };
    let owner = in_whose_name(&workflow);
    let _turn = app.keyed_starts.lock().await;
    if let Some((first, _)) = app.journal.keyed(&owner, &idempotent.key, clock::now()).await? {
        return Ok(started(first));
    }
    if let Health::Stuck(why) = app.journal.health() {
        return Err(HttpError::Unavailable(format!("nothing was started: {why}")));
    }
    let beside = Beside { idempotent: Some(idempotent), ..Beside::default() };
    let order = Order { workflow, params, owner, trigger: Trigger::Webhook, beside };
    Ok(started(in_time(&app.journal, app.engine.start(order)).await??.id))
}

/// The caller is nobody: the id is all that they are told.
fn started(id: ExecutionId) -> Response {
    (StatusCode::CREATED, Answer(json!({ "id": id }))).into_response()
}

/// What a call may bring: its size is judged before it is known whether there is such a workflow.
struct Call(Bytes);

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = HttpError;

    async fn from_request(request: Request, _: &S) -> Result<Self, HttpError> {
        match axum::body::to_bytes(request.into_body(), HOOK_MAX).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(error) if is_too_long(&error) => Err(HttpError::TooLarge(HOOK_MAX)),
            Err(_) => Err(HttpError::BadRequest("the body broke off".to_owned())),
        }
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

/// The secret that calls are signed with. Without it no signature is good, which the log says: the caller is told what
/// anybody with a wrong signature is told.
async fn secret(secrets: Secrets, webhook: &Webhook, workflow: &Name) -> Result<String, HttpError> {
    let name = webhook.secret.clone();
    let found = tokio::task::spawn_blocking(move || secrets.secret(&name)).await.map_err(|_| HttpError::Internal)?;
    found.map_err(|error| {
        tracing::error!(%error, %workflow, "a webhook can't be called");
        HttpError::Unsigned
    })
}

/// What a call's header says.
struct Signature<'h> {
    /// As it was signed.
    time: &'h str,
    /// One of them must be good; as many as fit into [`SIGNATURE_MAX`].
    given: Vec<Vec<u8>>,
}

impl<'h> Signature<'h> {
    /// None if it is none, or of another time than `now`.
    fn read(headers: &'h HeaderMap, now: Timestamp) -> Option<Self> {
        let mut all = headers.get_all(SIGNATURE).iter();
        let (Some(header), None) = (all.next(), all.next()) else { return None };
        let header = header.to_str().ok().filter(|header| header.len() <= SIGNATURE_MAX)?;
        let values = |key: &'static str| {
            let parts = header.split(',').filter_map(|part| part.trim().split_once('='));
            parts.filter(move |(name, _)| *name == key).map(|(_, value)| value)
        };
        let mut times = values("t");
        let (Some(time), None) = (times.next(), times.next()) else { return None };
        if !time.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let now = u64::try_from(now.0.div_euclid(1000)).ok()?;
        if time.parse::<u64>().ok()?.abs_diff(now) > WINDOW {
            return None;
        }
        Some(Self { time, given: values("v1").filter_map(unhex).collect() })
    }

    /// The good one, in hexadecimal. Compared in constant time.
    fn verify(&self, body: &[u8], secret: &str) -> Option<String> {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        let mac = mac.chain_update(self.time).chain_update(".").chain_update(body);
        let good = self.given.iter().any(|given| mac.clone().verify_slice(given).is_ok());
        good.then(|| hex(&mac.finalize().into_bytes()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a SHA-256 in hexadecimal.
fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32).map(|n| u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()).collect()
}

/// The workflow's parameters: the body is one, if the file says which; the others have their defaults.
fn params(workflow: &Workflow, webhook: &Webhook, body: &[u8]) -> Result<Map<String, Value>, HttpError> {
    let mut given = Map::new();
    if let Some(name) = &webhook.body {
        let text = std::str::from_utf8(body).map_err(|_| HttpError::field(name, "the body is no UTF-8 text"))?;
        given.insert(name.clone(), Value::from(text));
    }
    workflow.bind(&given).map_err(HttpError::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_341_600_999);
    /// `printf '1795341600.{"ref":"main"}' | openssl dgst -sha256 -hmac swordfish`
    const OPENSSL: &str = "f4f4cc396051a7dc33c6bb979ed959a695a84c2503ad6c7b849c133b048efe24";
    const BODY: &[u8] = br#"{"ref":"main"}"#;

    fn signature(time: &str, secret: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
        hex(&mac.chain_update(time).chain_update(".").chain_update(BODY).finalize().into_bytes())
    }

    fn check(header: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(SIGNATURE.parse().expect("a name"), header.parse().expect("a value"))]);
        Signature::read(&headers, NOW)?.verify(BODY, "swordfish")
    }

    #[test]
    fn the_signature_is_what_openssl_makes() {
        assert_eq!(signature("1795341600", "swordfish"), OPENSSL);
        assert_eq!(check(&format!("t=1795341600,v1={OPENSSL}")).as_deref(), Some(OPENSSL));
        assert_eq!(check(&format!("t=1795341600, v1={}", OPENSSL.to_uppercase())).as_deref(), Some(OPENSSL));
    }

    #[test]
    fn it_is_good_for_five_minutes_either_way_and_no_longer() {
        for (time, good) in
            [(1_795_341_300, true), (1_795_341_299, false), (1_795_341_900, true), (1_795_341_901, false)]
        {
            let header = format!("t={time},v1={}", signature(&time.to_string(), "swordfish"));
            assert_eq!(check(&header).is_some(), good, "{time}");
        }
    }

    #[test]
    fn with_two_secrets_at_once_one_may_be_the_old_one() {
        let (old, new) = (signature("1795341600", "old secret"), OPENSSL);
        assert_eq!(check(&format!("t=1795341600,v1={old},v1={new}")).as_deref(), Some(new));
        assert_eq!(check(&format!("t=1795341600,v1={old}")), None);
    }

    #[test]
    fn what_is_not_quite_a_signature_is_none() {
        let short = &OPENSSL[..62];
        for header in [
            String::new(),
            format!("v1={OPENSSL}"),
            "t=1795341600".to_owned(),
            "t=1795341600,v1=".to_owned(),
            format!("t=1795341600,v1={short}"),
            format!("t=1795341600,v0={OPENSSL}"),
            format!("t=1795341601,v1={OPENSSL}"),
            format!("t=1795341600,t=1795341600,v1={OPENSSL}"),
            format!("t=+1795341600,v1={OPENSSL}"),
            format!("t=01795341600,v1={OPENSSL}"),
            format!("t=99999999999999999999,v1={OPENSSL}"),
            format!("sha256={OPENSSL}"),
            format!("t=1795341600,v1={OPENSSL}{}", ",".repeat(SIGNATURE_MAX)),
        ] {
            assert_eq!(check(&header), None, "{header}");
        }
        let twice = ["t=1795341600", "t=1795341600"]
            .map(|value| (SIGNATURE.parse().expect("a name"), value.parse().expect("a value")));
        assert!(Signature::read(&HeaderMap::from_iter(twice), NOW).is_none());
    }
}
