//! Everything, or the named ones.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;

/// `"*"` or a list of names. A lone name is refused, never read as a list or a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// `"*"`.
    All,
    /// Exactly these.
    These(Vec<String>),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Word(String),
    List(Vec<String>),
}

impl Serialize for Selection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("*"),
            Self::These(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Selection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Word(word) if word == "*" => Ok(Self::All),
            Written::Word(_) => Err(de::Error::custom("expected \"*\" or a list")),
            Written::List(names) => Ok(Self::These(names)),
        }
    }
}

impl JsonSchema for Selection {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Selection".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "const": "*" },
                { "type": "array", "items": { "type": "string" } },
            ]
        })
    }
}
