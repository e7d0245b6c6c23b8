//! Routes that can be counted. Every route is registered here, so that a test can walk all there are and see that none
//! tells anybody what is not theirs.

use axum::{Router, routing::MethodRouter};

/// Some routes, and their paths.
pub struct Routes<S> {
    router: Router<S>,
    paths: Vec<String>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self { router: Router::new(), paths: Vec::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another one.
    pub fn route(mut self, path: &str, methods: MethodRouter<S>) -> Self {
        self.paths.push(path.to_owned());
        Self { router: self.router.route(path, methods), ..self }
    }

    /// Those of another part.
    pub fn merge(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        Self { router: self.router.merge(other.router), ..self }
    }

    /// What a router has that was made elsewhere, with the paths that it answers to.
    pub fn adopt(mut self, router: Router<S>, paths: impl IntoIterator<Item = String>) -> Self {
        self.paths.extend(paths);
        Self { router: self.router.merge(router), ..self }
    }

    /// The router, and the paths, which have no further use but to be looked at.
    pub fn into_parts(self) -> (Router<S>, Vec<String>) {
        (self.router, self.paths)
    }
}
