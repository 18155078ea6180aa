//! Running statements that each connection prepares once, and values between Rust and SQL.

use crate::error::Fault;
use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::GenericClient;
use std::error::Error;
use taskcast_core::RawJson;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// Values for the `$1`, `$2`, ... of a statement.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Runs a statement and gives its rows.
pub(crate) async fn rows(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<Vec<Row>, Fault> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

/// Runs a statement that gives one row or none.
pub(crate) async fn row(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<Option<Row>, Fault> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, values).await?)
}

/// Runs a statement and gives the number of rows it wrote.
pub(crate) async fn write(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<u64, Fault> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, values).await?)
}

/// One column of rows, as an array to pass.
pub(crate) fn column<'r, R, V>(rows: &'r [R], read: impl Fn(&'r R) -> V) -> Vec<V> {
    rows.iter().map(read).collect()
}

/// A number that SQL orders by; those beyond its integers are equal to the greatest of them.
pub(crate) fn ordered(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// JSON as its bytes.
#[derive(Debug)]
pub(crate) struct Json(pub(crate) Bytes);

impl Json {
    pub(crate) fn of(data: &RawJson) -> Self {
        Self(data.bytes().clone())
    }
}

impl ToSql for Json {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSON
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Json {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Bytes::copy_from_slice(raw)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSON
    }
}
