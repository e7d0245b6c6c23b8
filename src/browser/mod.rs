//! What only a browser does.
