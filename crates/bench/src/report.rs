//! The figures: a table as they come, and JSON at the end.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use serde::Serialize;
use std::io;

/// One figure.
#[derive(Serialize)]
pub(crate) struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    /// The floor it is compared with, in the same unit, measured in the same run.
    #[serde(skip_serializing_if = "Option::is_none")]
    floor: Option<f64>,
    /// The figure as a part of the floor; for times, how many times the floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

/// All figures of a run.
#[derive(Serialize)]
pub(crate) struct Report {
    cores: usize,
    open_files: u64,
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(open_files: u64) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        println!("{cores} cores, {open_files} open files");
        println!("| what | value | unit | floor | ratio |\n|---|---:|---|---:|---:|");
        Self {
            cores,
            open_files,
            rows: Vec::new(),
        }
    }

    /// A figure by itself.
    pub(crate) fn add(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.row(Row {
            what: what.into(),
            value,
            unit,
            floor: None,
            ratio: None,
        });
    }

    /// A figure beside its floor.
    pub(crate) fn compare(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        floor: f64,
    ) {
        let ratio = (floor > 0.0).then(|| value / floor);
        self.row(Row {
            what: what.into(),
            value,
            unit,
            floor: Some(floor),
            ratio,
        });
    }

    fn row(&mut self, row: Row) {
        let shown = |figure: Option<f64>| figure.map_or(String::new(), number);
        let (floor, ratio) = (shown(row.floor), shown(row.ratio));
        println!(
            "| {} | {} | {} | {floor} | {ratio} |",
            row.what,
            number(row.value),
            row.unit
        );
        self.rows.push(row);
    }

    pub(crate) fn json(&self) -> io::Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
