//! From the start of the process to the first answer.

use crate::http::Connection;
use crate::process::Process;
use crate::report::Report;
use crate::stats::median;
use crate::{Bench, Storage};
use std::io;
use std::time::Instant;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> io::Result<()> {
    for storage in [Storage::Memory, Storage::SqliteFull] {
        let mut times = Vec::new();
        for _ in 0..10 / bench.divisor.min(2) {
            let start = Instant::now();
            let server = Process::taskcast(&bench.binary, &storage).await?;
            let mut connection = Connection::open(server.address).await?;
            connection.post("/tasks", "{}".into()).await?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            server.stop().await?;
        }
        let what = format!("start to first task created, {}", storage.name());
        report.add(what, median(times), "ms");
    }
    Ok(())
}
