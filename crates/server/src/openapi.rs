//! The description of the surface: OpenAPI 3.1, made of the handlers themselves. Served at
//! `/openapi.json`, and at `/docs` as a page from which requests can be sent.

use crate::routes;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Schema,
    SecurityRequirement,
};

/// The OpenAPI document of all routes.
#[must_use]
pub fn openapi() -> OpenApi {
    let (_, mut document) = routes::all().split_for_parts();
    let license = LicenseBuilder::new()
        .name("MIT")
        .identifier(Some("MIT"))
        .build();
    document.info = InfoBuilder::new()
        .title("Taskcast")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Tracks long-lived tasks and streams their events: live or late, nothing lost, \
             repeated or out of order.",
        ))
        .license(Some(license))
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    let key = ApiKey::Header(ApiKeyValue::new("X-Taskcast-Service-Key"));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("serviceKey", SecurityScheme::ApiKey(key));
    let none: [&str; 0] = [];
    document.security = Some(vec![
        SecurityRequirement::default(),
        SecurityRequirement::new("bearer", none),
        SecurityRequirement::new("serviceKey", none),
    ]);
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            may_be_foreign(operation);
            never_null(operation);
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [
        &mut item.get,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ];
    all.into_iter().filter_map(Option::as_mut)
}

/// Every route refuses other hosts and their pages when there is no authentication.
fn may_be_foreign(operation: &mut Operation) {
    let body = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ErrorBody")))
        .build();
    let refused = ResponseBuilder::new()
        .description("The credentials, or the host or page the request comes by, do not allow it.")
        .content("application/json", body);
    let responses = &mut operation.responses.responses;
    responses
        .entry("403".to_owned())
        .or_insert_with(|| refused.build().into());
}

/// A parameter may be left out. `null` is a text like any other in a query or a header.
fn never_null(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
            && let SchemaType::Array(types) = &mut schema.schema_type
        {
            types.retain(|one| *one != Type::Null);
            if let [only] = types.as_slice() {
                schema.schema_type = SchemaType::Type(only.clone());
            }
        }
    }
}
