//! The question before what cannot be undone.

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::Args;

use crate::failure::Failure;
use crate::table::ask;

/// For commands whose effect cannot be undone.
#[derive(Debug, Args)]
pub struct Confirm {
    /// Only show what it would do
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

impl Confirm {
    /// Goes on only with `--yes`, or when somebody at the terminal says so. `question` says what will happen.
    pub async fn ask(&self, question: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        confirmed(question, "add --yes to do it, or --dry-run to see what it would do").await
    }

    /// The same for what a script may do unasked: it asks only at a terminal.
    pub async fn ask_at_terminal(&self, question: &str) -> Result<(), Failure> {
        if has_terminal() { self.ask(question).await } else { Ok(()) }
    }
}

/// The answers that go on, in either language.
const YES: [&str; 4] = ["y", "yes", "예", "네"];

/// Goes on when somebody at the terminal says so. `otherwise` says what to do where there is no terminal.
pub async fn confirmed(question: &str, otherwise: &str) -> Result<(), Failure> {
    if !has_terminal() {
        // A script that forgot --yes is to fail at once, not to hang at a question that nobody sees.
        return Err(Failure::Usage(format!("{question} There is no terminal to ask at: {otherwise}")));
    }
    ask(&format!("{question} [y/N] "));
    // A read of stdin blocks; in a thread of its own Ctrl-C still gets through.
    let answer = tokio::task::spawn_blocking(|| io::stdin().lock().lines().next().transpose());
    let answer = answer.await.unwrap_or_else(|error| Err(error.into()));
    let answer = answer.map_err(|source| Failure::io("read the answer", source))?.unwrap_or_default();
    if YES.contains(&answer.trim().to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(Failure::NotConfirmed)
}

/// Whether there is somebody to ask: the question goes to stderr, the answer comes from stdin.
fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
