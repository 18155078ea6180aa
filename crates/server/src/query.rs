//! Query strings.

use crate::error::ApiError;
use std::str::FromStr;
use taskcast_api::{ErrorCode, Invalid};
use taskcast_core::{EventFilter, FilterError, Level, Limits, TypePattern};
use taskcast_engine::{SeriesFormat, Since};

/// A query string, taken apart.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &http::Uri) -> Self {
        let text = uri.query().unwrap_or_default();
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When the key is given twice: which one was meant is not known.
    pub(crate) fn get(&self, key: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self
            .0
            .iter()
            .filter(|(name, _)| name == key)
            .map(|(_, value)| &**value);
        let value = values.next();
        match values.next() {
            None => Ok(value),
            Some(_) => Err(Invalid::issue(key, "must be given once").into()),
        }
    }

    /// The value of a key; an empty one counts as absent.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, ApiError> {
        Ok(self
            .get(key)?
            .filter(|value| !value.is_empty())
            .map(str::to_owned))
    }

    /// A number; anything else is refused.
    pub(crate) fn number<T: FromStr>(&self, key: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get(key)?.filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let number = text
            .parse()
            .map_err(|_| Invalid::issue(key, "must be an integer in range"))?;
        Ok(Some(number))
    }

    /// A switch that is on unless it says `false`.
    pub(crate) fn on(&self, key: &str) -> Result<bool, ApiError> {
        Ok(self.get(key)? != Some("false"))
    }

    /// A switch that is off unless it says `true`.
    pub(crate) fn off(&self, key: &str) -> Result<bool, ApiError> {
        Ok(self.get(key)? == Some("true"))
    }

    /// `types`, `levels` and `includeStatus`: an absent list matches everything, an empty one
    /// nothing, and an unknown level matches nothing.
    pub(crate) fn filter(&self, limits: &Limits) -> Result<EventFilter, ApiError> {
        let types = self
            .get("types")?
            .map(|text| words(text).map(TypePattern::parse).collect());
        let levels = self.get("levels")?.map(|text| {
            words(text)
                .filter_map(|word| word.parse::<Level>().ok())
                .collect::<Vec<_>>()
        });
        let include_status = self.on("includeStatus")?;
        let filter = EventFilter {
            types,
            levels,
            include_status,
        };
        filter.check(limits.filter_patterns).map_err(too_large)?;
        Ok(filter)
    }

    /// Patterns of task types: an absent or empty list matches everything.
    pub(crate) fn patterns(
        &self,
        key: &str,
        limits: &Limits,
    ) -> Result<Vec<TypePattern>, ApiError> {
        let patterns = words(self.get(key)?.unwrap_or_default()).map(TypePattern::parse);
        let patterns: Vec<TypePattern> = patterns.collect();
        let filter = EventFilter {
            types: Some(patterns),
            ..EventFilter::default()
        };
        filter.check(limits.filter_patterns).map_err(too_large)?;
        Ok(filter.types.unwrap_or_default())
    }

    /// The words of a comma list; blanks are dropped.
    pub(crate) fn words(&self, key: &str) -> Result<Vec<String>, ApiError> {
        Ok(words(self.get(key)?.unwrap_or_default())
            .map(str::to_owned)
            .collect())
    }

    /// `since.id`, `since.index` and `since.timestamp`.
    pub(crate) fn since(&self) -> Result<Since, ApiError> {
        Ok(Since {
            id: self.text("since.id")?,
            timestamp: self.number("since.timestamp")?,
            index: self.number("since.index")?,
        })
    }

    /// `seriesFormat`; a word that is none counts as absent.
    pub(crate) fn format(&self) -> Result<SeriesFormat, ApiError> {
        Ok(match self.get("seriesFormat")? {
            Some("accumulated") => SeriesFormat::Accumulated,
            _ => SeriesFormat::Delta,
        })
    }

    /// `limit`: a positive integer; anything else counts as absent, as it always did.
    pub(crate) fn limit(&self) -> Result<Option<u64>, ApiError> {
        let number = self.get("limit")?.and_then(|text| text.parse().ok());
        Ok(number.filter(|limit| *limit > 0))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn too_large(error: FilterError) -> ApiError {
    ApiError::new(ErrorCode::FilterTooLarge, error.to_string())
}
