//! Schemas of core types, which know nothing of OpenAPI. No value of these types is ever made.

use serde::Deserialize;
use taskcast_core::{GapReason, Level, SeriesMode, Status};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($name:ident: $doc:literal, $words:expr;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words: Vec<&'static str> = $words;
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some(words))
                    .description(Some($doc))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

words! {
    TaskStatus: "Where a task stands.",
        Status::ALL.iter().map(|status| status.as_str()).collect();
    EventLevel: "How much an event matters.",
        Level::ALL.iter().map(|level| level.as_str()).collect();
    EventSeriesMode: "How a series folds; fixed by its first event.",
        [SeriesMode::KeepAll, SeriesMode::Accumulate, SeriesMode::Latest].map(SeriesMode::as_str).into();
    StreamGapReason: "Why a reader cannot simply go on from its cursor.",
        [GapReason::Epoch, GapReason::Trimmed, GapReason::Cleaned, GapReason::Lost, GapReason::Unknown]
            .map(GapReason::as_str).into();
}

/// Any JSON value, `null` among them.
#[derive(Clone, Copy, Debug)]
pub enum AnyValue {}

impl PartialSchema for AnyValue {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .description(Some("Any JSON value."))
            .into()
    }
}

impl ToSchema for AnyValue {}

/// An object; an array where a resolve was answered with one.
#[derive(Clone, Copy, Debug)]
pub enum ResultValue {}

impl PartialSchema for ResultValue {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Object, Type::Array]))
            .description(Some("What came out of a task."))
            .into()
    }
}

impl ToSchema for ResultValue {}

macro_rules! names {
    ($($name:ident: $doc:literal, $pattern:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .min_length(Some(1))
                    .max_length(Some(256))
                    .pattern(Some($pattern))
                    .description(Some($doc))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

names! {
    Name: "1 to 256 bytes of UTF-8 without control characters.",
        r"^[^\x00-\x1f\x7f-\x9f]+$";
    NewTaskId: "1 to 256 bytes of UTF-8 without control characters; not `.` or `..`.",
        r"^(?!\.{1,2}$)[^\x00-\x1f\x7f-\x9f]+$";
    PublishedType: "1 to 256 bytes of UTF-8 without control characters, not beginning with `taskcast:`.",
        r"^(?!taskcast:)[^\x00-\x1f\x7f-\x9f]+$";
}

/// Rules of one task on who may do what with it. Rules only narrow what a token allows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// All rules that apply have to hold.
    #[serde(default)]
    pub rules: Vec<AuthRule>,
}

/// One rule: it applies to the scopes it names, and asks something of the caller.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthRule {
    /// When the rule applies.
    #[serde(rename = "match")]
    pub matches: RuleMatch,
    /// What it asks; all that is given has to hold.
    pub require: Requirement,
}

/// When a rule applies.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleMatch {
    /// The scopes that the rule is about; `*` for every one.
    pub scope: Vec<String>,
}

/// What a rule asks of the caller.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The subject is one of these.
    #[schema(value_type = Vec<String>, required = false)]
    pub sub: Option<Vec<String>>,
    /// Each of these claims is in the token with an equal value.
    #[schema(value_type = Object, required = false)]
    pub claims: Option<serde_json::Map<String, serde_json::Value>>,
}
