//! The questions that pages ask to be rendered: server functions, each a doorbell. What changes something goes through
//! the REST API instead.

use leptos::{
    prelude::*,
    server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType, codec::Post},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::domain::{
    access::Viewer,
    administration,
    differences::Failure,
    execution, followed,
    id::{ExecutionId, Seq},
    listing::{Listing, Opening, Overview, Query, WorkflowFolder, WorkflowSheet, WorkflowView},
};

/// JSON that is read as text, as everything else here is: reading it as bytes, which leptos' own codec does, is the code
/// of every type once more.
pub struct JsonText;

type Json = Post<JsonText>;

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_string(output).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonText {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        serde_json::from_str(&String::from_utf8_lossy(&bytes))
    }
}

/// A page of the list.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "executions", input = Json, output = Json)]
pub async fn executions(
    /// What is asked for.
    query: Query,
) -> Result<Listing, ServerFnError> {
    crate::server::doorbell::executions(query).await
}

/// What is alive, and the last hour.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "now", input = Json, output = Json)]
pub async fn now() -> Result<Overview, ServerFnError> {
    crate::server::doorbell::overview().await
}

/// An execution with the last lines of its log; none if there is none that the viewer may see. The page rendered with
/// none of it is a 404.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "execution", input = Json, output = Json)]
pub async fn execution(
    /// Which.
    id: String,
) -> Result<Option<Opening>, ServerFnError> {
    let opening = match id.parse() {
        Ok(id) => crate::server::doorbell::execution(id).await?,
        Err(_) => None,
    };
    if opening.is_none() {
        crate::server::page_answer::page_not_found();
    }
    Ok(opening)
}

/// What there is to know of why an execution failed; none if it did not, or if there is none that the viewer may see.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "failure", input = Json, output = Json)]
pub async fn failure_of(
    /// Which.
    id: ExecutionId,
) -> Result<Option<Failure>, ServerFnError> {
    crate::server::doorbell::failure_of(id).await
}

/// All workflows that the viewer may start.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "workflows", input = Json, output = Json)]
pub async fn workflows() -> Result<Vec<WorkflowView>, ServerFnError> {
    crate::server::doorbell::workflows().await
}

/// The same, with the moment that it is of.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "folder", input = Json, output = Json)]
pub async fn folder() -> Result<WorkflowFolder, ServerFnError> {
    crate::server::doorbell::folder().await
}

/// One of them with its file; none if there is none. The page rendered with none of it is a 404.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "workflow", input = Json, output = Json)]
pub async fn workflow(
    /// Which.
    name: String,
) -> Result<Option<WorkflowSheet>, ServerFnError> {
    let sheet = match name.parse() {
        Ok(name) => crate::server::doorbell::workflow(name).await?,
        Err(_) => None,
    };
    if sheet.is_none() {
        crate::server::page_answer::page_not_found();
    }
    Ok(sheet)
}

/// Who is signed in.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "me", input = Json, output = Json)]
pub async fn me() -> Result<Option<Viewer>, ServerFnError> {
    crate::server::doorbell::me().await
}

/// The server's last committed fact.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "head", input = Json, output = Json)]
pub async fn head() -> Result<Seq, ServerFnError> {
    crate::server::doorbell::head().await
}

/// What is in a part of the settings; none if it is not the viewer's to see. The page rendered with none of it is a 403,
/// one of no part a 404.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "room", input = Json, output = Json)]
pub async fn room(
    /// Which.
    which: Option<administration::Room>,
) -> Result<Option<administration::Contents>, ServerFnError> {
    let Some(which) = which else {
        crate::server::page_answer::page_not_found();
        return Ok(None);
    };
    let contents = crate::server::doorbell::room(which).await?;
    if contents.is_none() {
        crate::server::page_answer::page_forbidden();
    }
    Ok(contents)
}

/// What somebody follows, as it is now: each with what it was asked by. What is not the viewer's to see is left out.
///
/// # Errors
/// The server's, or that there is none.
#[server(prefix = "/fn", endpoint = "followed", input = Json, output = Json)]
pub async fn followed(
    /// What; the first [`FOLLOWED_MAX`](crate::domain::followed::FOLLOWED_MAX) count.
    what: Vec<followed::Followed>,
) -> Result<Vec<(followed::Followed, execution::Execution)>, ServerFnError> {
    crate::server::doorbell::followed(what).await
}
