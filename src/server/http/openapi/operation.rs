//! An operation, said in the order in which one asks about it: what it does, who may, what it takes, what it answers.

use utoipa::openapi::{
    Content, HttpMethod, Required, ResponseBuilder, SecurityRequirement,
    header::HeaderBuilder,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn, ParameterStyle},
    request_body::RequestBodyBuilder,
};

use super::schema::{Kind, named};

/// A user's token.
pub(super) const BEARER: &str = "token";
/// A browser's cookie.
pub(super) const COOKIE: &str = "cookie";
/// The token of one execution.
pub(super) const REPORT: &str = "report";

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// A method of a path.
pub(super) struct Route {
    pub path: &'static str,
    pub method: HttpMethod,
    pub operation: Operation,
}

/// A [`Route`] in the making.
pub(super) struct Does {
    path: &'static str,
    method: HttpMethod,
    operation: OperationBuilder,
}

/// Something is read.
pub(super) fn get(path: &'static str, id: &str, summary: &str) -> Does {
    does(HttpMethod::Get, path, id, summary)
}

/// Something is made or done.
pub(super) fn post(path: &'static str, id: &str, summary: &str) -> Does {
    does(HttpMethod::Post, path, id, summary).problem(403, CROSS_SITE)
}

/// Something is changed.
pub(super) fn patch(path: &'static str, id: &str, summary: &str) -> Does {
    does(HttpMethod::Patch, path, id, summary).problem(403, CROSS_SITE)
}

/// Something is removed.
pub(super) fn delete(path: &'static str, id: &str, summary: &str) -> Does {
    does(HttpMethod::Delete, path, id, summary).problem(403, CROSS_SITE)
}

const CROSS_SITE: &str = "A request with a cookie that comes from another site";

fn does(method: HttpMethod, path: &'static str, id: &str, summary: &str) -> Does {
    let operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary));
    Does { path, method, operation }.problem(500, "The server failed; its log says why")
}

impl Does {
    /// Under which heading it stands.
    pub(super) fn tag(self, tag: &str) -> Self {
        self.with(|operation| operation.tag(tag))
    }

    /// More about it, in Markdown.
    pub(super) fn about(self, text: &str) -> Self {
        self.with(|operation| operation.description(Some(text)))
    }

    /// Everybody may, signed in or not.
    pub(super) fn for_everybody(self) -> Self {
        self.with(|operation| operation.securities(Some([])))
    }

    /// Whoever has signed in.
    pub(super) fn for_users(self) -> Self {
        let ways = [BEARER, COOKIE].map(|way| SecurityRequirement::new(way, [""; 0]));
        self.with(|operation| operation.securities(Some(ways))).problem(401, "Nobody has signed in")
    }

    /// Admins.
    pub(super) fn for_admins(self) -> Self {
        self.for_users().problem(403, "The caller is no admin, or a request with a cookie comes from another site")
    }

    /// Whoever has the token of the execution.
    pub(super) fn for_reporters(self) -> Self {
        let way = SecurityRequirement::new(REPORT, [""; 0]);
        self.with(|operation| operation.securities(Some([way]))).problem(401, "The token is not that of this execution")
    }

    /// A part of the path.
    pub(super) fn path(self, name: &str, about: &str, kind: impl Into<Kind>) -> Self {
        let parameter = ParameterBuilder::new().parameter_in(ParameterIn::Path).required(Required::True);
        let parameter = parameter.name(name).description(Some(about)).schema(Some(kind));
        self.with(|operation| operation.parameter(parameter))
    }

    /// A part of the query, which need not be there. A query that can't be read is 400.
    pub(super) fn query(self, name: &str, about: &str, kind: impl Into<Kind>) -> Self {
        self.parameter(ParameterIn::Query, name, about, kind).problem(400, "The query can't be read")
    }

    /// The same, but it must be there.
    pub(super) fn needs_query(self, name: &str, about: &str, kind: impl Into<Kind>) -> Self {
        let parameter = ParameterBuilder::new().parameter_in(ParameterIn::Query).required(Required::True);
        let parameter = parameter.name(name).description(Some(about)).schema(Some(kind));
        self.with(|operation| operation.parameter(parameter)).problem(400, "The query can't be read")
    }

    /// A part that need not be there, with several values in one text, between commas.
    pub(super) fn query_list(self, name: &str, about: &str, kind: impl Into<Kind>) -> Self {
        let parameter = ParameterBuilder::new().parameter_in(ParameterIn::Query).required(Required::False);
        let parameter = parameter.name(name).description(Some(about)).schema(Some(kind));
        let parameter = parameter.style(Some(ParameterStyle::Form)).explode(Some(false));
        self.with(|operation| operation.parameter(parameter)).problem(400, "The query can't be read")
    }

    /// Whose things they are: for admins anybody's.
    pub(super) fn of_owner(self) -> Self {
        self.query("owner", "Whose; for anybody but oneself one must be an admin", named("Name"))
            .problem(404, "There is no such thing, or it is not the caller's to see")
    }

    /// A header, which need not be there.
    pub(super) fn header(self, name: &str, about: &str, kind: impl Into<Kind>) -> Self {
        self.parameter(ParameterIn::Header, name, about, kind)
    }

    fn parameter(self, place: ParameterIn, name: &str, about: &str, kind: impl Into<Kind>) -> Self {
        let parameter = ParameterBuilder::new().parameter_in(place).required(Required::False);
        let parameter = parameter.name(name).description(Some(about)).schema(Some(kind));
        self.with(|operation| operation.parameter(parameter))
    }

    /// A body that must be there, in one or more media types.
    pub(super) fn body<const N: usize>(self, about: &str, max: usize, media: [(&str, Kind); N]) -> Self {
        let body = RequestBodyBuilder::new().description(Some(about)).required(Some(Required::True));
        let body = media.into_iter().fold(body, |body, (media, kind)| body.content(media, Content::new(Some(kind))));
        self.with(|operation| operation.request_body(Some(body.build())))
            .problem(400, "The body can't be read")
            .problem(413, &format!("The body is larger than {} KiB", max / 1024))
    }

    /// A body that need not be there.
    pub(super) fn optional_body(self, about: &str, max: usize, media: &str, kind: impl Into<Kind>) -> Self {
        let body = RequestBodyBuilder::new().description(Some(about)).content(media, Content::new(Some(kind)));
        self.with(|operation| operation.request_body(Some(body.build())))
            .problem(413, &format!("The body is larger than {} KiB", max / 1024))
            .problem(400, "The body breaks off")
    }

    /// A JSON body that must be there; wrong fields are 422.
    pub(super) fn json(self, about: &str, kind: impl Into<Kind>) -> Self {
        self.body(about, super::super::BODY_MAX, [(JSON, kind.into())])
            .problem(422, "Fields are wrong; `errors` names them")
    }

    /// An answer with JSON.
    pub(super) fn answers(self, status: u16, about: &str, kind: impl Into<Kind>) -> Self {
        self.gives(status, about, JSON, kind)
    }

    /// An answer of another media type.
    pub(super) fn gives(self, status: u16, about: &str, media: &str, kind: impl Into<Kind>) -> Self {
        let response = ResponseBuilder::new().description(about).content(media, Content::new(Some(kind)));
        self.with(|operation| operation.response(status.to_string(), response))
    }

    /// An answer in one of several media types.
    pub(super) fn gives_either<const N: usize>(self, status: u16, about: &str, media: [(&str, Kind); N]) -> Self {
        let response = ResponseBuilder::new().description(about);
        let response = media
            .into_iter()
            .fold(response, |response, (media, kind)| response.content(media, Content::new(Some(kind))));
        self.with(|operation| operation.response(status.to_string(), response))
    }

    /// 201, with where the new thing is.
    pub(super) fn creates(self, about: &str, kind: impl Into<Kind>) -> Self {
        let place = HeaderBuilder::new().description(Some("Where it is")).schema(Some(super::schema::text("")));
        let response = ResponseBuilder::new().description(about).content(JSON, Content::new(Some(kind)));
        self.with(|operation| operation.response("201", response.header("Location", place.build())))
    }

    /// An answer without a body.
    pub(super) fn says(self, status: u16, about: &str) -> Self {
        self.with(|operation| operation.response(status.to_string(), ResponseBuilder::new().description(about)))
    }

    /// A refusal.
    pub(super) fn problem(self, status: u16, about: &str) -> Self {
        self.gives(status, about, PROBLEM, named("Problem"))
    }

    /// 404: it is not there, or not for the caller.
    pub(super) fn or_not_found(self) -> Self {
        self.problem(404, "There is no such thing, or it is not the caller's to see")
    }

    /// 429, with when it makes sense to try again.
    pub(super) fn or_too_many(self) -> Self {
        let seconds = super::schema::count("Seconds", 1);
        let after = HeaderBuilder::new().description(Some("When to try again")).schema(Some(seconds)).build();
        let response = ResponseBuilder::new().description("Too many attempts");
        let response = response.content(PROBLEM, Content::new(Some(named("Problem")))).header("Retry-After", after);
        self.with(|operation| operation.response("429", response))
    }

    /// 503: the disk is full, or something else keeps the server from writing.
    pub(super) fn or_unavailable(self) -> Self {
        self.problem(503, "The server can't do it now; `detail` says why")
    }

    /// Done.
    pub(super) fn route(self) -> Route {
        Route { path: self.path, method: self.method, operation: self.operation.build() }
    }

    fn with(self, change: impl FnOnce(OperationBuilder) -> OperationBuilder) -> Self {
        Self { operation: change(self.operation), ..self }
    }
}
