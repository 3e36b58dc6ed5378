//! The SQL of a sale's row, as far as its queue goes by it, and of changes of it.

use hashbrown::HashMap;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::rows::{Effects, SaleRow, SaleRowChange};
use super::{Command, SaleChange};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::id::SaleId;
use crate::phase::{EntryOrder, SaleTimes};
use crate::sql::{Keyword, Reading, ResultSet, Script, Text, statements};

/// The columns that `read_times` reads, each with a prefix.
macro_rules! times_columns {
    ($prefix:literal) => {
        $crate::sql::columns!($prefix: doors_at, opens_at, closes_at, entry_order)
    };
}
pub(crate) use times_columns;

statements! {
    /// Whoever changes a sale has its gate locked. So has whoever reads it here, and needs no other lock.
    SALES {
        concat!(
            "select id, name, max_seats_per_user, version, ", times_columns!(""),
            " from sales force index (primary) where id in ({sales})"
        )
    }
    OTHERS_OF_NAME { "select count(*) as others from sales where name = {name} and id <> {sale}" }
    /// Assignments are made from left to right, so the limit's time compares with the limit before.
    SET_SALE {
        "update sales force index (primary) set \
         limit_changed_at = if(max_seats_per_user <=> {max_seats}, limit_changed_at, {now}), name = {name}, doors_at = {doors_at}, opens_at = {opens_at}, \
         closes_at = {closes_at}, entry_order = {entry_order}, max_seats_per_user = {max_seats}, version = {version} \
         where {guard}id = {sale} and version = {version_before}"
    }
    /// What processes remember of a concert includes what its sale says.
    RENEW_CONCERTS {
        "update concerts force index (concerts_sale) set version = version + 1 where {guard}sale_id = {sale}"
    }
}

/// What the rows of sales say.
pub(super) struct Sales {
    rows: Option<Reading>,
    names: Vec<(SaleId, Reading)>,
}

/// A sale's row, and whether another sale has the name that it shall get.
pub(super) struct SaleState {
    pub(super) times: SaleTimes,
    pub(super) order: EntryOrder,
    pub(super) row: SaleRow,
    pub(super) name_is_taken: bool,
}

impl Sales {
    /// After the gates are locked. What the default sale says never matters to its queue, so it is read for a change alone.
    pub(super) fn select(script: &mut Script, commands: &[Command]) -> Self {
        let matters = |command: &&Command| command.sale() != SaleId::DEFAULT || matches!(command, Command::Set { .. });
        let sales: Vec<_> = commands.iter().filter(matters).map(Command::sale).collect();
        let named = commands.iter().filter_map(|command| match command {
            Command::Set { sale, change: SaleChange { name: Some(name), .. }, .. } => Some((*sale, name)),
            _ => None,
        });
        let rows =
            (!sales.is_empty()).then(|| script.select_keys(&SALES, sales, |params, sales| params.list("sales", sales)));
        let names = named.map(|(sale, name)| {
            (sale, script.select(&OTHERS_OF_NAME, |params| params.bind("name", Text(name)).bind("sale", sale)))
        });
        Self { rows, names: names.collect() }
    }

    pub(super) fn read(&self, selected: &ResultSet) -> Result<HashMap<SaleId, SaleState>, Failure> {
        let mut found = HashMap::new();
        for row in self.rows.iter().flat_map(|reading| selected.rows(reading)) {
            let (times, order) = read_times(row)?;
            let max_seats_per_user = row.try_get("max_seats_per_user")?;
            let row_of_sale =
                SaleRow { name: row.try_get("name")?, max_seats_per_user, version: row.try_get("version")? };
            let state = SaleState { times, order, row: row_of_sale, name_is_taken: false };
            found.insert(row.try_get("id")?, state);
        }
        for (sale, reading) in &self.names {
            if let Some(state) = found.get_mut(sale) {
                state.name_is_taken |= selected.one(reading)?.try_get::<i64, _>("others")? > 0;
            }
        }
        Ok(found)
    }
}

pub(crate) fn read_times(row: &MySqlRow) -> Result<(SaleTimes, EntryOrder), sqlx::Error> {
    let times = SaleTimes {
        doors_at: row.try_get("doors_at")?,
        opens_at: row.try_get("opens_at")?,
        closes_at: row.try_get("closes_at")?,
    };
    Ok((times, EntryOrder::from_column(row.try_get("entry_order")?)?))
}

/// Writes the sale's row, if it changes.
pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    let Some(SaleRowChange { row, version_before, concerns_holds }) = &effects.sale else { return };
    let gate = &effects.gate;
    script.change("changing the sale", Some(1), &SET_SALE, |params| {
        let params = params.bind("max_seats", row.max_seats_per_user).bind("now", now);
        let params = params.bind("name", Text(&row.name)).bind("doors_at", gate.times.doors_at);
        let params = params.bind("opens_at", gate.times.opens_at).bind("closes_at", gate.times.closes_at);
        let params = params.bind("entry_order", Keyword::new(gate.order.in_column()));
        let params = params.bind("max_seats", row.max_seats_per_user).bind("version", row.version);
        params.bind("sale", gate.sale).bind("version_before", *version_before)
    });
    if *concerns_holds {
        script.change("renewing concerts", None, &RENEW_CONCERTS, |params| params.bind("sale", gate.sale));
    }
}
