//! Bringing the schema `taskcast` of a database to the one of this version.
//!
//! A migration is a file of SQL in the program, run in a transaction of its own that holds an
//! advisory lock, so any number of instances may start at once. The table `taskcast.migrations`
//! keeps which ran, each with the SHA-256 of its text.
//!
//! ```no_run
//! # async fn migrate() -> Result<(), taskcast_store_postgres::PostgresError> {
//! use taskcast_store_postgres::migrations;
//! let url = "postgres://localhost/tasks";
//! let names = migrations::pending(url).await?;
//! let applied = migrations::run(url).await?;
//! assert_eq!(applied.names, names);
//! # Ok(())
//! # }
//! ```

use crate::error::Fault;
use crate::pool::Pool;
use crate::{PostgresError, PostgresOptions};
use deadpool_postgres::{GenericClient, Object, Transaction};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use taskcast_store::SystemClock;

/// Every migration, in order: its name and its text.
const ALL: [(&str, &str); 1] = [("0001_archive", include_str!("migrations/0001_archive.sql"))];

/// Held while a migration runs.
const LOCK: i64 = 0x7461_736b_6361_7374;

/// How long a migration may take: a large table takes its time.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// What was migrated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// How many migrations ran.
    pub count: usize,
    /// Their names, in order.
    pub names: Vec<String>,
}

/// The migrations that a database lacks, in order. Changes nothing.
///
/// # Errors
/// [`PostgresError`]: when the database cannot be reached, or is ahead of this version.
pub async fn pending(url: &str) -> Result<Vec<String>, PostgresError> {
    let pool = open(url)?;
    let client = client(&pool).await?;
    look(&pool, &client).await
}

/// Runs the migrations that a database lacks. Another instance may do so at the same time.
///
/// # Errors
/// [`PostgresError`]; the migrations before the one that failed stay.
pub async fn run(url: &str) -> Result<Applied, PostgresError> {
    let pool = open(url)?;
    let mut client = client(&pool).await?;
    check_encoding(&pool, &client).await?;
    let mut names = Vec::new();
    while let Some(name) = step(&pool, &mut client).await? {
        tracing::info!(migration = %name, database = %pool.shown, "migrated");
        names.push(name);
    }
    Ok(Applied {
        count: names.len(),
        names,
    })
}

/// Refuses a database that is not as this version needs it.
pub(crate) async fn check(pool: &Pool) -> Result<(), PostgresError> {
    let client = client(pool).await?;
    check_encoding(pool, &client).await?;
    let pending = look(pool, &client).await?;
    if pending.is_empty() {
        return Ok(());
    }
    let database = pool.shown.to_string();
    Err(PostgresError::Behind { database, pending })
}

fn open(url: &str) -> Result<Pool, PostgresError> {
    let mut options = PostgresOptions::new(url);
    options.max_connections = 1;
    options.statement_timeout = TIMEOUT;
    Pool::new(&options, Arc::new(SystemClock))
}

async fn client(pool: &Pool) -> Result<Object, PostgresError> {
    Ok(pool.within(pool.get()).await?)
}

/// Without UTF-8 the server would change texts on their way.
async fn check_encoding(pool: &Pool, client: &Object) -> Result<(), PostgresError> {
    let sql = "SELECT current_setting('server_encoding')";
    let call = async { Ok(client.query_one(sql, &[]).await?.try_get::<_, String>(0)?) };
    let encoding = pool.within(call).await?;
    if encoding == "UTF8" {
        return Ok(());
    }
    let database = pool.shown.to_string();
    Err(PostgresError::Encoding { database, encoding })
}

/// The migrations to run.
async fn look(pool: &Pool, client: &impl GenericClient) -> Result<Vec<String>, PostgresError> {
    let ran = pool.within(ran(client)).await?;
    let pending = compare(pool, &ran)?;
    Ok(pending.iter().map(|(name, _)| (*name).to_owned()).collect())
}

/// Runs the next migration, if there is one.
async fn step(pool: &Pool, client: &mut Object) -> Result<Option<String>, PostgresError> {
    let begin = async {
        let transaction = client.transaction().await?;
        transaction
            .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
            .await?;
        let ran = ran(&transaction).await?;
        Ok((transaction, ran))
    };
    let (transaction, ran) = pool.within(begin).await?;
    let Some((name, text)) = compare(pool, &ran)?.first() else {
        return Ok(None);
    };
    let number = i32::try_from(ran.len() + 1).unwrap_or(i32::MAX);
    pool.within(apply(transaction, number, name, text)).await?;
    Ok(Some((*name).to_owned()))
}

async fn apply(
    transaction: Transaction<'_>,
    number: i32,
    name: &str,
    text: &str,
) -> Result<(), Fault> {
    // Who may not create schemas can still be given one.
    let sql = "SELECT FROM pg_namespace WHERE nspname = 'taskcast'";
    if transaction.query_opt(sql, &[]).await?.is_none() {
        transaction.batch_execute("CREATE SCHEMA taskcast").await?;
    }
    let table = "CREATE TABLE IF NOT EXISTS taskcast.migrations (
        number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,
        ran_at timestamptz NOT NULL DEFAULT now())";
    transaction.batch_execute(table).await?;
    transaction.batch_execute(text).await?;
    let sql = "INSERT INTO taskcast.migrations (number, name, sha256) VALUES ($1, $2, $3)";
    transaction
        .execute(sql, &[&number, &name, &checksum(text)])
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// The migrations that ran, in order: name and checksum.
async fn ran(client: &impl GenericClient) -> Result<Vec<(String, String)>, Fault> {
    let sql = "SELECT to_regclass('taskcast.migrations') IS NOT NULL";
    if !client.query_one(sql, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT name, sha256 FROM taskcast.migrations ORDER BY number";
    let rows = client.query(sql, &[]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

/// What is left to run after what ran.
fn compare(
    pool: &Pool,
    ran: &[(String, String)],
) -> Result<&'static [(&'static str, &'static str)], PostgresError> {
    let database = || pool.shown.to_string();
    for (at, (name, sha256)) in ran.iter().enumerate() {
        let migration = name.clone();
        match ALL.get(at) {
            None => {
                return Err(PostgresError::Ahead {
                    database: database(),
                    migration,
                });
            }
            Some((own, text)) if own != name || checksum(text) != *sha256 => {
                return Err(PostgresError::Changed {
                    database: database(),
                    migration,
                });
            }
            Some(_) => {}
        }
    }
    Ok(ALL.get(ran.len()..).unwrap_or_default())
}

fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
