//! Idle subscribers: what they cost in memory.

use crate::http::Connection;
use crate::process::Process;
use crate::readers::open_many;
use crate::report::Report;
use crate::{Bench, Storage};
use std::io;
use std::time::Duration;
use tokio::time::sleep;

#[expect(clippy::cast_precision_loss, reason = "bytes stay far below 2^53")]
pub(crate) async fn measure(bench: &Bench, report: &mut Report, files: u64) -> io::Result<()> {
    let wanted = 5_000_u64.min(files.saturating_sub(200) / 2);
    let count = usize::try_from(wanted).unwrap_or(0);
    let server = Process::taskcast(&bench.binary, &Storage::Memory).await?;
    let mut connection = Connection::open(server.address).await?;
    connection.running_task("t").await?;
    // What the first ones bring into memory is not theirs alone.
    let first = open_many(server.address, "t", "", 100).await?;
    sleep(Duration::from_millis(300)).await;
    let before = server.memory()?;
    let readers = open_many(server.address, "t", "", count).await?;
    sleep(Duration::from_millis(300)).await;
    let each = (server.memory()?.saturating_sub(before)) as f64 / count as f64 / 1024.0;
    report.add(
        format!("memory of one of {count} idle subscribers"),
        each,
        "KiB",
    );
    drop((first, readers));
    server.stop().await
}
