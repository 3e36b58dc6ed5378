//! The error text of a failed command on stderr, and its exit code.

use std::error::Error as _;
use std::process::ExitCode;

use clap::error::ErrorFormatter;
use concert_core::texts::Language;
use serde_json::json;

use crate::failure::Failure;
use crate::table::{self, Output};
use crate::texts::{HELP, locale, told_reason};

/// Says what is wrong with the command line, or shows the help.
pub fn usage(error: &clap::Error, output: Output) -> ExitCode {
    let korean = match locale().language {
        Language::English => None,
        Language::Korean => HELP.told(error, told_reason),
    };
    let exit_code = korean.map_or_else(|| print(error), |korean| print(&korean));
    if error.use_stderr() {
        tell_programs(&Failure::Usage(what(error)), output);
    }
    exit_code
}

/// What is wrong, without the usage and the tips that follow it.
fn what(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    text.split("\n\n").next().unwrap_or_default().trim_end().to_owned()
}

/// Prints it as clap does. An argument may have any text in it, so it is escaped where it could steer a terminal; colours
/// are left out then.
fn print<F: ErrorFormatter>(error: &clap::error::Error<F>) -> ExitCode {
    let text = error.render().to_string();
    // Help goes to stdout and is all ours; only an error repeats what somebody has typed.
    if error.use_stderr() && table::printable_lines(&text) != text {
        table::note(text.trim_end());
    } else {
        let _ = error.print();
    }
    // clap has 0 for help and 2 for errors; both fit.
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX))
}

/// Says why a command failed, with all causes.
pub fn report(failure: &Failure, output: Output) -> ExitCode {
    // `concert-cli log | head` has got what it wanted.
    if failure.is_closed_pipe() {
        return ExitCode::SUCCESS;
    }
    // On one line: a cause may repeat text with line ends from the database.
    let told = with_causes(failure.told(), failure);
    let begin = if locale().language == Language::Korean { "오류" } else { "error" };
    table::note(&format!("{begin}: {} ({})", table::printable(&told), failure.code()));
    tell_programs(failure, output);
    ExitCode::from(failure.exit_code())
}

/// For programs in English and in one piece, on the last line; what stands above is for whoever watches them.
fn tell_programs(failure: &Failure, output: Output) {
    if output == Output::Json {
        let message = with_causes(failure.to_string(), failure);
        table::note_json(&json!({"error": {"code": failure.code(), "message": message}}));
    }
}

fn with_causes(mut message: String, failure: &Failure) -> String {
    let mut cause = failure.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        // Some foreign errors repeat their cause in their own text.
        if !message.ends_with(&reason) {
            message = format!("{message}: {reason}");
        }
        cause = error.source();
    }
    message
}
