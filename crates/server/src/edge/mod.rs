//! What happens to every request and every answer, whatever the route.

mod cors;
mod host;
mod request;

pub(crate) use cors::cors;
pub(crate) use request::around;
