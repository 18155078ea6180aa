//! What the kernel tells about a process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;

/// Memory that a process holds, in bytes; nothing where the kernel does not tell.
pub(crate) fn memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// Processor time that a process used so far; nothing where the kernel does not tell.
pub(crate) fn cpu(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = times.filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 10))
}

/// Lets this process open all the files it may, and tells how many connections it can have of those
/// that are wanted. A machine that allows fewer gets fewer, and says so.
pub(crate) fn allow_connections(wanted: usize) -> usize {
    const OTHER_FILES: u64 = 300;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where it cannot be raised, what there is has to do.
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let allowed = files.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES);
    let allowed = usize::try_from(allowed).unwrap_or(usize::MAX).min(wanted);
    if allowed < wanted {
        println!("{allowed} connections instead of {wanted}: raise the hard limit of open files");
    }
    allowed
}
