//! The users whom commands concern, with their live tokens.

use hashbrown::{HashMap, HashSet};
use sqlx::Row as _;
use uuid::Uuid;

use super::{read_token, token_columns};
use crate::db::Failure;
use crate::fact::Fact;
use crate::id::{SaleId, UserId};
use crate::queue::rows::Member;
use crate::queue::{Command, Token};
use crate::sql::{Reading, ResultSet, Script, statements};

statements! {
    /// Not locked: the gate's lock protects every change of a status and every claim. Without that lock, the end of a
    /// turn is moved, which holds and payments do under the token's lock.
    MEMBERS {
        concat!(
            "select u.id as member_id, u.password <> '!' as has_password, \
             u.disabled_at is null as is_enabled, ", token_columns!("t."),
            " from users u force index (primary) left join tokens t force index (tokens_user_live) \
             on t.user_id = u.id and t.live = 1 where u.id in ({users})"
        )
    }
    /// Counts the existing users who are enabled, and may join by id alone (no password) or have proved who they are.
    pub(super) COUNT_MEMBERS {
        "select count(*) from users force index (primary) \
         where id in ({users}) and disabled_at is null and (password = '!' or id in ({proved}))"
    }
}

fn member_of(command: &Command) -> Option<UserId> {
    match command {
        Command::Join { caller, .. } | Command::Leave { caller, .. } | Command::Claim { caller, .. } => {
            Some(caller.user)
        }
        Command::Set { .. } | Command::Rerank { .. } => None,
    }
}

pub(super) fn select_members(script: &mut Script, commands: &[Command]) -> Reading {
    let users = commands.iter().filter_map(member_of);
    script.select_keys(&MEMBERS, users.collect(), |params, users| params.list("users", users))
}

/// Users, each with whether there is a password, whether no operator has disabled the user, and the live tokens.
pub(super) struct Members(HashMap<UserId, (bool, bool, Vec<Token>)>);

impl Members {
    pub(super) fn read(selected: &ResultSet, reading: &Reading) -> Result<Self, Failure> {
        let mut members = HashMap::new();
        for row in selected.rows(reading) {
            let (has_password, is_enabled) = (row.try_get("has_password")?, row.try_get("is_enabled")?);
            let (_, _, live) =
                members.entry(row.try_get("member_id")?).or_insert((has_password, is_enabled, Vec::new()));
            // A user without a live token has one row all the same, without a token in it.
            if row.try_get::<Option<Uuid>, _>("id")?.is_some() {
                live.push(read_token(row)?);
            }
        }
        Ok(Self(members))
    }

    /// Those whom commands of a sale concern.
    pub(super) fn in_sale(&self, sale: SaleId, commands: &[Command]) -> HashMap<UserId, Member> {
        let users: HashSet<_> =
            commands.iter().filter(|command| command.sale() == sale).filter_map(member_of).collect();
        let member = |user: UserId| {
            let (has_password, is_enabled, live) = self.0.get(&user)?;
            let (here, elsewhere): (Vec<_>, Vec<_>) = live.iter().cloned().partition(|token| token.sale == sale);
            let live = Fact::read(here.into_iter().next());
            let (has_password, is_enabled) = (Fact::read(*has_password), Fact::read(*is_enabled));
            Some((user, Member { has_password, is_enabled, live, elsewhere }))
        };
        users.into_iter().filter_map(member).collect()
    }
}
