//! The SQL of references: what a user was credited for.

use hashbrown::HashMap;
use sqlx::Row as _;

use super::{Recharge, Reference, WalletEntry};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::id::UserId;
use crate::money::Money;
use crate::sql::{Reading, ResultSet, Script, Text, statements};

statements! {
    CREDITED {
        "select c.user_id, c.reference, e.amount, e.created_at \
         from recharge_references c straight_join wallet_entries e on e.id = c.entry_id \
         where c.user_id = {user} and c.reference = {reference}"
    }
    INSERT { insert "recharge_references" (user_id, reference, entry_id) }
}

/// What was credited for a reference, and when.
pub(crate) type Credited = HashMap<(UserId, Reference), (Money, Timestamp)>;

/// Looks up the references that commands name, after their users are locked.
pub(super) fn select_credited(script: &mut Script, commands: &[Recharge]) -> Vec<Reading> {
    let named = commands.iter().filter_map(|command| Some((command.caller.user, command.deposit.reference.as_ref()?)));
    named
        .map(|(user, reference)| {
            script.select(&CREDITED, |params| params.bind("user", user).bind("reference", Text(reference.as_str())))
        })
        .collect()
}

pub(super) fn read_credited(selected: &ResultSet, readings: &[Reading]) -> Result<Credited, Failure> {
    let rows = readings.iter().flat_map(|reading| selected.rows(reading));
    let read = rows.map(|row| {
        let reference = Reference::known(row.try_get("reference")?);
        Ok(((row.try_get("user_id")?, reference), (row.try_get("amount")?, row.try_get("created_at")?)))
    });
    read.collect()
}

/// Writes the references of entries. The primary key refuses one that was credited already.
pub(super) fn write_references(script: &mut Script, entries: &[WalletEntry]) {
    let named: Vec<_> = entries.iter().filter_map(|entry| Some((entry, entry.reference.as_ref()?))).collect();
    script.insert(&INSERT, &named, |row, (entry, reference)| {
        row.bind("user_id", entry.user).bind("reference", Text(reference.as_str())).bind("entry_id", entry.id)
    });
}
