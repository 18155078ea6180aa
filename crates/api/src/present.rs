//! Reading a field that may be absent, and may be there as `null`: two different things.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "present")]`: a field that is there is `Some`, also
/// when it is `null`.
pub(crate) fn present<'de, D, T>(json: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(json).map(Some)
}
