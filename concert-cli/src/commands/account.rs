//! `user`, continued: what changes an account after it was made. Each act is in the log of the operators.

use std::io::{self, IsTerminal as _};

use clap::Subcommand;
use concert_core::{BoxOffice, Password, Username};
use serde::Serialize;

use super::confirm::Confirm;
use super::operator::By;
use super::user::{Account, find, read_password};
use crate::failure::Failure;
use crate::table::{Output, Show, print, word};
use crate::texts::money;

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Keep a user out: sessions end, there is no log-in and no joining, and the place in the queue is lost with what is
    /// held
    Disable {
        name_or_id: Username,
        #[command(flatten)]
        confirm: Confirm,
        #[command(flatten)]
        by: By,
    },
    /// Let a disabled user log in and join again
    Enable {
        name_or_id: Username,
        #[command(flatten)]
        by: By,
    },
    /// Forget the person: the name and the password go for good, and the user is disabled; wallet, payments and seats
    /// stay under the id
    Forget {
        name_or_id: Username,
        #[command(flatten)]
        confirm: Confirm,
        #[command(flatten)]
        by: By,
    },
    /// Give a user another name
    Rename {
        name_or_id: Username,
        new_name: Username,
        #[command(flatten)]
        by: By,
    },
    /// Give a user another password, which ends all sessions; asked for at the terminal, or read from stdin
    SetPassword {
        name_or_id: Username,
        /// Read it from stdin even at a terminal, up to its end; a final line break is not part of it
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        by: By,
    },
    /// End all sessions of a user, and the queue tokens from before; the place in the queue stays
    EndSessions {
        name_or_id: Username,
        #[command(flatten)]
        by: By,
    },
}

/// The account as it is after the act.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    dry_run: bool,
    #[serde(flatten)]
    account: Account,
}

impl Show for Done {
    fn text(&self) -> String {
        let dry = || format!("\n{}", word("This is a dry run: nothing was changed."));
        let note = if self.dry_run { dry() } else { String::new() };
        format!("{}{note}", self.account.text())
    }
}

pub async fn run(action: &Action, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let (Action::Disable { name_or_id, by, .. }
    | Action::Enable { name_or_id, by }
    | Action::Forget { name_or_id, by, .. }
    | Action::Rename { name_or_id, by, .. }
    | Action::SetPassword { name_or_id, by, .. }
    | Action::EndSessions { name_or_id, by }) = action;
    let (back_office, user) = (box_office.operator(by.operator()?), find(box_office, name_or_id).await?);
    let (id, name) = (user.id, user.username.clone());
    if let Action::Disable { confirm, .. } | Action::Forget { confirm, .. } = action
        && confirm.dry_run
    {
        return print(output, &Done { dry_run: true, account: Account::of(user, box_office).await? });
    }
    match action {
        Action::Disable { confirm, .. } => {
            let question = format!("This takes {name} out of the queue and gives back what {name} holds.");
            confirm.ask_at_terminal(&question).await?;
            back_office.disable_user(id).await?;
        }
        Action::Enable { .. } => {
            back_office.enable_user(id).await?;
        }
        Action::Forget { confirm, .. } => {
            let balance = money(box_office.balance(id).await?);
            let question = format!(
                "This forgets {name} for good: there is no way back to the name, the password or, except by an operator, \
                 the balance of {balance}."
            );
            confirm.ask(&question).await?;
            back_office.forget_user(id).await?;
        }
        Action::Rename { new_name, .. } => {
            back_office.rename_user(id, new_name.clone()).await?;
        }
        Action::SetPassword { password_stdin, .. } => {
            back_office.set_password(id, &new_password(*password_stdin).await?).await?;
        }
        Action::EndSessions { .. } => back_office.end_sessions(id).await?,
    }
    // By the id: the name is one of the things that may have changed.
    let account = Account::of(box_office.user(id).await?, box_office).await?;
    print(output, &Done { dry_run: false, account })
}

/// Never from the command line, which other users of the machine can see.
async fn new_password(from_stdin: bool) -> Result<Password, Failure> {
    if from_stdin || !io::stdin().is_terminal() {
        return read_password().await;
    }
    let ask = || {
        Ok::<_, io::Error>([
            rpassword::prompt_password(word("New password: "))?,
            rpassword::prompt_password(word("Again: "))?,
        ])
    };
    let asked = tokio::task::spawn_blocking(ask).await.unwrap_or_else(|error| Err(error.into()));
    let [password, again] = asked.map_err(|source| Failure::io("read the password", source))?;
    if password != again {
        return Err(Failure::Usage("the two passwords differ".to_owned()));
    }
    Ok(password.parse()?)
}
