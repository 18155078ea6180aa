//! The `taskcast` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    taskcast_cli::main()
}
