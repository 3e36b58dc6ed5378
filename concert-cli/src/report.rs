//! The error text of a failed command on stderr, and its exit code.

use std::error::Error as _;
use std::process::ExitCode;

use serde_json::json;

use crate::failure::Failure;
use crate::table::{self, Output};

/// Says why a command failed, with all causes.
pub fn report(failure: &Failure, output: Output) -> ExitCode {
    if failure.is_closed_pipe() {
        return ExitCode::SUCCESS;
    }
    let mut message = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        // Some foreign errors repeat their cause in their own text.
        if !message.ends_with(&reason) {
            message = format!("{message}: {reason}");
        }
        cause = error.source();
    }
    table::note(&format!("error: {message} ({})", failure.code()));
    if output == Output::Json {
        table::note(&json!({"error": {"code": failure.code(), "message": message}}).to_string());
    }
    ExitCode::from(failure.exit_code())
}
