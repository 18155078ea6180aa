//! The routes, one file per thing.

mod admin;
mod archive;
mod docs;
mod everything;
mod history;
mod info;
mod lines;
mod producers;
mod publish;
mod storage;
mod subscribe;
mod tasks;
mod tickets;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use admin::{AdminApi, TokenSigner};

/// Every route with its description.
pub(crate) fn all() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(info::root))
        .routes(routes!(info::health))
        .routes(routes!(info::ready))
        .routes(routes!(info::detail))
        .routes(routes!(docs::document))
        .routes(routes!(docs::page))
        .routes(routes!(docs::script))
        .routes(routes!(docs::style))
        .routes(routes!(admin::token))
        .routes(routes!(tasks::create, tasks::list))
        .routes(routes!(archive::import))
        // A task may be called `import`.
        .route(
            "/tasks/import",
            axum::routing::get(tasks::get).delete(tasks::delete),
        )
        .routes(routes!(tasks::get, tasks::delete))
        .routes(routes!(tasks::change_status))
        .routes(routes!(tasks::resolve))
        .routes(routes!(tasks::request))
        .routes(routes!(publish::publish, subscribe::subscribe))
        .routes(routes!(history::history))
        .routes(routes!(archive::export))
        .routes(routes!(storage::release))
        .routes(routes!(tickets::issue))
        .routes(routes!(producers::get))
        .routes(routes!(everything::follow))
}
