//! `key`: the keys that operators show over REST.

use clap::{Args, Subcommand};
use concert_core::{BoxOffice, Error, NewOperatorKey, Operator, OperatorKey, OperatorKeyId, Role};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::confirm::Confirm;
use super::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print, table, word};

/// Make, list or revoke the keys that operators show over REST
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key; it is shown once and stored nowhere
    Make {
        /// What it may do: `viewer` reads, `gate` reads and checks tickets in, `operator` does everything
        #[arg(long)]
        role: Role,
        /// Whose it is: the name that its acts are logged under
        #[arg(long)]
        name: Operator,
        #[command(flatten)]
        by: By,
    },
    /// List the keys, revoked ones too
    List,
    /// Revoke a key: every server refuses it within two seconds
    ///
    /// It cannot be undone: make another key instead.
    Revoke {
        key_id: OperatorKeyId,
        #[command(flatten)]
        confirm: Confirm,
        #[command(flatten)]
        by: By,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    key_id: OperatorKeyId,
    key: String,
    role: Role,
    name: String,
}

impl From<NewOperatorKey> for Made {
    fn from(NewOperatorKey { key, secret, .. }: NewOperatorKey) -> Self {
        Self { key_id: key.id, key: secret.expose_secret().to_owned(), role: key.role, name: key.name }
    }
}

impl Show for Made {
    fn text(&self) -> String {
        facts([
            ("key id", self.key_id.to_string()),
            ("key", self.key.clone()),
            ("role", self.role.to_string()),
            ("name", self.name.clone()),
        ])
    }
}

#[derive(Serialize)]
struct Keys {
    keys: Vec<OperatorKey>,
}

impl Show for Keys {
    fn text(&self) -> String {
        let rows: Vec<_> = self
            .keys
            .iter()
            .map(|key| {
                [
                    key.name.clone(),
                    key.role.to_string(),
                    moment(key.created_at),
                    key.created_by.clone(),
                    key.revoked_at.map_or_else(|| "-".to_owned(), moment),
                    key.revoked_by.clone().unwrap_or_else(|| "-".to_owned()),
                    key.id.to_string(),
                ]
            })
            .collect();
        table(["Name", "Role", "Made", "By", "Revoked", "By", "Key id"], &rows)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Revoked {
    dry_run: bool,
    #[serde(flatten)]
    key: OperatorKey,
}

impl Show for Revoked {
    fn text(&self) -> String {
        let revoked = match self.key.revoked_at {
            Some(at) => moment(at),
            None if self.dry_run => word("not yet: this is a dry run"),
            None => word("no"),
        };
        facts([
            ("key id", self.key.id.to_string()),
            ("name", self.key.name.clone()),
            ("role", self.key.role.to_string()),
            ("revoked", revoked),
        ])
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let reader = box_office.operator(Operator::application());
    match &opts.action {
        Action::Make { role, name, by } => {
            print(output, &Made::from(box_office.operator(by.operator()?).make_key(name, *role).await?))
        }
        Action::List => print(output, &Keys { keys: reader.keys().await? }),
        Action::Revoke { key_id, confirm, by } => {
            // Before the question, which says whose key it is; a wrong id is refused without one.
            let found = reader.keys().await?.into_iter().find(|key| key.id == *key_id);
            let key = found.ok_or(Error::OperatorKeyNotFound)?;
            if confirm.dry_run {
                return print(output, &Revoked { dry_run: true, key });
            }
            confirm.ask(&format!("This revokes the {} key of {} for good.", key.role, key.name)).await?;
            let key = box_office.operator(by.operator()?).revoke_key(*key_id).await?;
            print(output, &Revoked { dry_run: false, key })
        }
    }
}
