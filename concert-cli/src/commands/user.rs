//! `user`: makes and shows users.

use std::io::{self, ErrorKind, Read as _};
use std::str::FromStr as _;

use clap::{Args, Subcommand};
use concert_core::{
    BackOffice, BoxOffice, Error, Money, Password, Reference, SignUp, Timestamp, User, UserId, Username,
};
use serde::Serialize;

use super::account;
use super::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, note, print, word};
use crate::texts::money;

/// The most of stdin that is read for a password, in bytes: more than the longest password.
const MOST_STDIN: u64 = 4 * 1024;

/// Make, show or change a user
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a user; without a password the user cannot log in, and joins the queue by id alone
    Create {
        name: Username,
        /// Read the password from stdin, up to its end; a final line break is not part of it
        #[arg(long)]
        password_stdin: bool,
        /// The first balance
        #[arg(long, value_name = "AMOUNT", default_value_t = Money::ZERO, hide_default_value = true)]
        balance: Money,
        /// The payment that the first balance stands for
        #[arg(long, value_name = "TEXT", default_value_t = Reference::opening_balance())]
        reference: Reference,
        #[command(flatten)]
        by: By,
    },
    /// Show a user and the balance
    Show { name_or_id: Username },
    #[command(flatten)]
    Account(account::Action),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    user_id: UserId,
    username: String,
    created_at: Timestamp,
    has_password: bool,
    balance: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forgotten_at: Option<Timestamp>,
}

impl Account {
    pub async fn of(user: User, box_office: &BoxOffice) -> Result<Self, Failure> {
        let balance = box_office.balance(user.id).await?;
        let User { id, username, created_at, has_password, disabled_at, forgotten_at, .. } = user;
        Ok(Self { user_id: id, username, created_at, has_password, balance, disabled_at, forgotten_at })
    }
}

impl Show for Account {
    fn text(&self) -> String {
        let always = [
            ("user id", self.user_id.to_string()),
            ("username", self.username.clone()),
            ("created at", moment(self.created_at)),
            ("password", word(if self.has_password { "yes" } else { "no" })),
            ("balance", money(self.balance)),
        ];
        let disabled = self.disabled_at.map(|at| ("disabled at", moment(at)));
        let forgotten = self.forgotten_at.map(|at| ("forgotten at", moment(at)));
        facts(always.into_iter().chain(disabled).chain(forgotten))
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let user = match &opts.action {
        Action::Create { name, password_stdin, balance, reference, by } => {
            let password = if *password_stdin { Some(read_password().await?) } else { None };
            let who = SignUp::new(name.clone()).with_password(password);
            create(&box_office.operator(by.operator()?), who, *balance, reference).await?
        }
        Action::Show { name_or_id } => find(box_office, name_or_id).await?,
        Action::Account(action) => return account::run(action, box_office, output).await,
    };
    print(output, &Account::of(user, box_office).await?)
}

async fn create(back_office: &BackOffice, who: SignUp, balance: Money, reference: &Reference) -> Result<User, Failure> {
    let user = back_office.add_user(who).await?;
    if balance > Money::ZERO {
        // Two acts, since a user and a deposit are two entries in the log. The first stays if the second fails.
        back_office.recharge(user.id, balance, reference.clone()).await.inspect_err(|_| {
            note(&format!("the user was made ({}), but without the balance", user.id));
        })?;
    }
    Ok(user)
}

/// A name may look like an id. Then the user with that id is meant.
pub async fn find(box_office: &BoxOffice, name_or_id: &Username) -> Result<User, Failure> {
    if let Ok(id) = UserId::from_str(name_or_id.as_str()) {
        match box_office.user(id).await {
            Err(Error::UserNotFound) => {}
            found => return Ok(found?),
        }
    }
    Ok(box_office.user_named(name_or_id).await?)
}

pub async fn read_password() -> Result<Password, Failure> {
    // More than any password has: a whole file by mistake is refused, and not read.
    let read = || io::read_to_string(io::stdin().take(MOST_STDIN));
    let text = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(error.into()));
    let text = text.map_err(|source| match source.kind() {
        ErrorKind::InvalidData => Failure::Usage("the password on stdin is not UTF-8".to_owned()),
        _ => Failure::io("read the password from stdin", source),
    })?;
    // One line break only: a password may end with one of its own.
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).parse()?)
}
