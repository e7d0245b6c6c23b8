//! Calls to a server's HTTP API.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use reqwest::{Client, Method, RequestBuilder, Response, Url, header, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{arguments::ServerArgs, error::ClientError};
use crate::domain::{
    event::ExecutionError,
    execution::{Execution, RunningStep, Status},
    id::{ExecutionId, Name, Seq, StepId},
    listing::OUT_OF_SYNC,
    problem::Problem,
    time::Timestamp,
};

/// How long an answer may take that is no stream.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long it may take to connect.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Largest document that is taken, in bytes; a snapshot is larger than any other.
const DOCUMENT_MAX: usize = 64 * 1024 * 1024;

/// A server, and who calls it.
#[derive(Clone, Debug)]
pub struct Api {
    http: Client,
    /// Without a `/` at its end.
    base: String,
    token: Option<String>,
}

/// Work of ours that has begun on a server.
#[derive(Debug, Deserialize)]
pub struct BegunElsewhere {
    /// Its id.
    pub id: ExecutionId,
    /// What it is reported by.
    pub token: String,
}

/// What the server said to a report.
#[derive(Debug)]
pub enum Reported {
    /// It was taken.
    Heard {
        /// Whether the work is to be stopped.
        cancel: bool,
    },
    /// The execution has ended there.
    Ended {
        /// Whether it was cancelled.
        cancelled: bool,
    },
    /// It never will be; why.
    Refused(String),
}

/// A page of the list, as far as the command line looks at it.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Newest first.
    pub items: Vec<Row>,
    /// The last fact that is in it.
    pub head: Seq,
}

/// An execution in a list.
#[derive(Debug, Deserialize)]
pub struct Row {
    /// Which.
    pub id: ExecutionId,
    /// Of which workflow.
    pub workflow: Name,
    /// Whose.
    pub owner: Name,
    /// Where it stands.
    pub status: Status,
    /// How far it is.
    pub percent: f64,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Why it failed.
    pub error: Option<ExecutionError>,
    /// The steps at work now.
    pub running: Vec<RunningStep>,
}

impl Api {
    /// A server by its address.
    ///
    /// # Errors
    /// If the address is none.
    pub fn new(args: &ServerArgs) -> Result<Self, ClientError> {
        let wrong = |why: &str| ClientError::Usage(format!("--url {:?} is no address of a server: {why}", args.url));
        let url: Url = args.url.parse().map_err(|error| wrong(&format!("{error}; write http://host:port")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("write http://host:port"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(wrong("a token goes into RUNCAST_TOKEN"));
        }
        let mut http = Client::builder()
            .user_agent(concat!("runcast/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIME)
            // A token must not follow a redirect to who knows where, nor a POST become a GET.
            .redirect(redirect::Policy::none());
        if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| ClientError::Usage(error.to_string()))?;
        Ok(Self { http, base: url.as_str().trim_end_matches('/').to_owned(), token: args.token.clone() })
    }

    /// Starts an execution; gives its snapshot as it came.
    ///
    /// # Errors
    /// If the server is not reached, or refuses.
    pub async fn start(&self, workflow: &Name, params: &[(String, String)]) -> Result<Value, ClientError> {
        let params: serde_json::Map<String, Value> =
            params.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
        let body = json!({ "workflow": workflow, "params": params });
        self.document(self.request(Method::POST, "/api/executions").timeout(ANSWER_TIME).json(&body)).await
    }

    /// Stops an execution; gives its snapshot as it came.
    ///
    /// # Errors
    /// If the server is not reached, or refuses.
    pub async fn cancel(&self, id: ExecutionId) -> Result<Value, ClientError> {
        let path = format!("/api/executions/{id}/cancel");
        self.document(self.request(Method::POST, &path).timeout(ANSWER_TIME)).await
    }

    /// Begins work that runs elsewhere: here. `key` is the same each time that this is repeated.
    ///
    /// # Errors
    /// If the server is not reached, or refuses.
    pub async fn begin_external(&self, body: &Value, key: &str) -> Result<BegunElsewhere, ClientError> {
        let request = self.request(Method::POST, "/api/external").header("Idempotency-Key", key);
        self.document(request.timeout(ANSWER_TIME).json(body)).await
    }

    /// Reports on it, by its own token.
    ///
    /// # Errors
    /// If the server is not reached, or can't take it now.
    pub async fn report(&self, id: ExecutionId, token: &str, body: Vec<u8>) -> Result<Reported, ClientError> {
        let url = format!("{}/api/executions/{id}/report", self.base);
        let request = self.http.post(url).bearer_auth(token).timeout(ANSWER_TIME).body(body);
        let response = request.send().await.map_err(|error| unreached(&self.base, &error))?;
        let status = response.status();
        let said: Value = serde_json::from_slice(&bounded(response, &self.base).await?).unwrap_or_default();
        let why = || said["detail"].as_str().unwrap_or("the server refused").to_owned();
        match status.as_u16() {
            200 => Ok(Reported::Heard { cancel: said["cancel"] == true }),
            409 => Ok(Reported::Ended { cancelled: said["execution_status"] == Status::Cancelled.word() }),
            401 | 403 | 404 | 413 | 422 if said["status"].is_u64() => Ok(Reported::Refused(why())),
            _ => Err(ClientError::Strange(format!("it answers {status} to a report"))),
        }
    }

    /// The snapshot of an execution.
    ///
    /// # Errors
    /// If the server is not reached, or refuses.
    pub async fn snapshot<T: DeserializeOwned>(&self, id: ExecutionId) -> Result<T, ClientError> {
        self.document(self.request(Method::GET, &format!("/api/executions/{id}")).timeout(ANSWER_TIME)).await
    }

    /// The snapshot of an execution for somebody whose own fold of it, at `seq`, is not what the server has.
    ///
    /// # Errors
    /// If the server is not reached, or refuses.
    pub async fn snapshot_again(&self, id: ExecutionId, seq: Seq) -> Result<Execution, ClientError> {
        let request = self.request(Method::GET, &format!("/api/executions/{id}")).header(OUT_OF_SYNC, seq.to_string());
        self.document(request.timeout(ANSWER_TIME)).await
    }

    /// A page of the list: a [`Page`], or a [`Value`] as it came.
    ///
    /// # Errors
    /// If the server is not reached, or refuses.
    pub async fn list<T: DeserializeOwned>(&self, query: &[(&str, String)]) -> Result<T, ClientError> {
        self.document(self.request(Method::GET, "/api/executions").timeout(ANSWER_TIME).query(query)).await
    }

    /// An execution's output, from its first line, in pieces cut anywhere.
    ///
    /// # Errors
    /// If the server is not reached, or refuses; in between, if the link breaks.
    pub async fn log(
        &self,
        id: ExecutionId,
        step: Option<&StepId>,
        accept: &'static str,
    ) -> Result<impl Stream<Item = Result<bytes::Bytes, ClientError>> + use<>, ClientError> {
        let mut request = self.request(Method::GET, &format!("/api/executions/{id}/log"));
        if let Some(step) = step {
            request = request.query(&[("step", step.as_str())]);
        }
        let response = self.answer(request.header(header::ACCEPT, accept)).await?;
        let base = self.base.clone();
        Ok(response.bytes_stream().map(move |piece| piece.map_err(|error| unreached(&base, &error))))
    }

    /// Opens an event stream after `position`.
    ///
    /// # Errors
    /// If the server is not reached, or refuses.
    pub async fn stream(&self, path: &str, position: Option<Seq>) -> Result<Response, ClientError> {
        let mut request = self.request(Method::GET, path).header(header::ACCEPT, "text/event-stream");
        if let Some(position) = position {
            request = request.header("Last-Event-ID", position.to_string());
        }
        self.answer(request).await
    }

    /// What to call the server.
    pub fn base(&self) -> &str {
        &self.base
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| unreached(&self.base, &error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            return Err(ClientError::Strange(format!("it sends on to {to:?}; give that server as --url")));
        }
        let blank = Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("an error").to_owned(),
            status: status.as_u16(),
            detail: None,
            errors: Vec::new(),
        };
        let body = bounded(response, &self.base).await.unwrap_or_default();
        Err(ClientError::Refused(serde_json::from_slice(&body).unwrap_or(blank)))
    }

    async fn document<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let body = bounded(self.answer(request).await?, &self.base).await?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Strange(error.to_string()))
    }
}

async fn bounded(response: Response, base: &str) -> Result<Vec<u8>, ClientError> {
    let mut pieces = response.bytes_stream();
    let mut body = Vec::new();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(|error| unreached(base, &error))?);
        if body.len() > DOCUMENT_MAX {
            return Err(ClientError::Strange("it is larger than 64 MiB".to_owned()));
        }
    }
    Ok(body)
}

/// What went wrong on the way; the innermost cause says it best.
fn unreached(base: &str, error: &reqwest::Error) -> ClientError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    ClientError::Unreached { url: base.to_owned(), reason: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(url: &str) -> Result<Api, ClientError> {
        Api::new(&ServerArgs { url: url.to_owned(), token: None, json: false })
    }

    #[test]
    fn an_address_is_http_and_holds_no_secret() {
        for good in ["http://127.0.0.1:3000", "https://runcast.example.org/", "http://[::1]:3000", "https://x/runcast"]
        {
            assert!(api(good).is_ok_and(|api| !api.base().ends_with('/')), "{good}");
        }
        for bad in ["", "127.0.0.1:3000", "localhost", "ftp://x", "http://user:word@x", "http://x/?token=rc_1"] {
            assert!(matches!(api(bad), Err(ClientError::Usage(_))), "{bad:?} passed");
        }
    }
}
