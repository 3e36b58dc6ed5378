//! `ticket key`: the keys that tickets are signed with.

use clap::{Args, Subcommand};
use concert_core::{BoxOffice, Error, Operator, TicketKey, TicketKeyId};
use serde::Serialize;

use crate::commands::confirm::Confirm;
use crate::commands::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print, table, word};

/// In the place of a name, where the key was made with the first ticket.
const FIRST_USE: &str = "first use";

/// Make, list or retire the keys that tickets are signed with
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key, with which every server signs from now on
    ///
    /// Tickets that were signed with earlier keys count until those are retired.
    Make {
        #[command(flatten)]
        by: By,
    },
    /// List the keys, retired ones too
    List,
    /// Retire a key: from now on nobody is let in with a ticket that is signed with it
    ///
    /// The owners of the tickets find new QR codes where they found the old ones. It cannot be undone.
    Retire {
        key_id: TicketKeyId,
        #[command(flatten)]
        confirm: Confirm,
        #[command(flatten)]
        by: By,
    },
}

/// Who made a key: an operator, whose name is nobody's to translate, or whoever needed the first one.
fn made_by(key: &TicketKey) -> String {
    if key.created_by == FIRST_USE { word(FIRST_USE) } else { key.created_by.clone() }
}

#[derive(Serialize)]
struct Keys {
    keys: Vec<TicketKey>,
}

impl Show for Keys {
    fn text(&self) -> String {
        let rows: Vec<_> = self
            .keys
            .iter()
            .map(|key| {
                [
                    key.id.to_string(),
                    moment(key.created_at),
                    made_by(key),
                    key.retired_at.map_or_else(|| "-".to_owned(), moment),
                    key.retired_by.clone().unwrap_or_else(|| "-".to_owned()),
                    key.public_key.to_string(),
                ]
            })
            .collect();
        table(["Key id", "Made", "By", "Retired", "By", "Public key"], &rows)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One {
    dry_run: bool,
    #[serde(flatten)]
    key: TicketKey,
}

impl Show for One {
    fn text(&self) -> String {
        let retired = match self.key.retired_at {
            Some(at) => moment(at),
            None if self.dry_run => word("not yet: this is a dry run"),
            None => word("no"),
        };
        facts([
            ("key id", self.key.id.to_string()),
            ("public key", self.key.public_key.to_string()),
            ("made", moment(self.key.created_at)),
            ("by", made_by(&self.key)),
            ("retired", retired),
        ])
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let reader = box_office.operator(Operator::application());
    match &opts.action {
        Action::Make { by } => {
            let key = box_office.operator(by.operator()?).make_ticket_key(None).await?;
            print(output, &One { dry_run: false, key })
        }
        Action::List => print(output, &Keys { keys: reader.ticket_keys().await? }),
        Action::Retire { key_id, confirm, by } => {
            // Before the question: a wrong id is refused without one.
            let found = reader.ticket_keys().await?.into_iter().find(|key| key.id == *key_id);
            let key = found.ok_or(Error::TicketKeyNotFound)?;
            if confirm.dry_run {
                return print(output, &One { dry_run: true, key });
            }
            confirm
                .ask(&format!("Nobody is let in any more with a ticket that is signed with the key {key_id}."))
                .await?;
            let key = box_office.operator(by.operator()?).retire_ticket_key(*key_id).await?;
            print(output, &One { dry_run: false, key })
        }
    }
}
