//! The SQL of check-ins.

use hashbrown::HashMap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

use super::check_in::{CheckIn, CheckInTicket, Gate};
use super::decide::{Effects, Rows, Sold};
use crate::concert_status::ConcertStatus;
use crate::db::Failure;
use crate::id::{ConcertId, SeatNumber};
use crate::operator::write_log;
use crate::reservation::ReservationStatus;
use crate::sql::{Script, Text, statements};

macro_rules! check_in_columns {
    () => {
        "k.ticket_id, k.concert_id, k.version, k.gate, k.checked_in_at, k.recorded_at, k.checked_in_by, k.key_id, k.entry_id"
    };
}
pub(super) use check_in_columns;

statements! {
    /// In the order of their ids. A refund and a move change the same rows, so whichever comes first counts.
    LOCK_SOLD {
        "select id from reservations force index (primary) where id in ({reservations}) order by id for update"
    }
    /// After they are locked.
    SOLD {
        "select r.id, r.concert_id, r.seat_number, r.status, s.section, s.seat_row, \
         (select cast(coalesce(max(m.nth), 0) as signed) from ticket_moves m force index (primary) where m.ticket_id = r.id) as moves \
         from reservations r force index (primary) left join seats s force index (primary) \
         on s.concert_id = r.concert_id and s.seat_number = r.seat_number where r.id in ({reservations})"
    }
    CHECK_INS {
        concat!("select ", check_in_columns!(), " from check_ins k force index (primary) where k.ticket_id in ({reservations})")
    }
    CONCERTS { "select id, status from concerts force index (primary) where id in ({concerts})" }
    KEYS { "select id, retired_at from ticket_keys force index (primary) where id in ({keys})" }
    ENTRIES { "select id, subject_id from operator_log force index (primary) where id in ({entries})" }
    INSERT {
        insert "check_ins" (ticket_id, concert_id, version, gate, checked_in_at, recorded_at, checked_in_by, key_id, entry_id)
    }
}

pub(super) async fn lock(connection: &mut MySqlConnection, commands: &[CheckInTicket]) -> Result<Rows, Failure> {
    let tickets: Vec<_> = commands.iter().map(|command| command.claims.ticket).collect();
    let mut script = Script::default();
    script.select_keys(&LOCK_SOLD, tickets.clone(), |params, ids| params.list("reservations", ids));
    // The statement before has locked the reservations, so a read without a lock finds them as they stay.
    let sold = script.select_keys(&SOLD, tickets.clone(), |params, ids| params.list("reservations", ids));
    let made = script.select_keys(&CHECK_INS, tickets, |params, ids| params.list("reservations", ids));
    let concerts = commands.iter().map(|command| command.concert).collect();
    let concerts = script.select_keys(&CONCERTS, concerts, |params, ids| params.list("concerts", ids));
    let keys = commands.iter().map(|command| command.claims.key).collect();
    let keys = script.select_keys(&KEYS, keys, |params, ids| params.list("keys", ids));
    let entries = commands.iter().filter(|command| command.has_key).map(|command| command.by.entry_id()).collect();
    let entries = script.select_keys(&ENTRIES, entries, |params, ids| params.list("entries", ids));
    let selected = script.run(connection).await?;
    let tickets = selected.rows(&sold).map(|row| Ok((row.try_get("id")?, read_sold(row)?)));
    let tickets: HashMap<_, _> = tickets.collect::<Result<_, sqlx::Error>>()?;
    let mut check_ins = HashMap::new();
    for row in selected.rows(&made) {
        let ticket = row.try_get("ticket_id")?;
        if let Some(Sold { seat, section, row: seat_row, .. }) = tickets.get(&ticket) {
            check_ins.insert(ticket, read_check_in(row, (*seat, section.clone(), seat_row.clone()))?);
        }
    }
    let concerts = selected.rows(&concerts).map(|row| {
        let (id, status): (ConcertId, &str) = (row.try_get("id")?, row.try_get("status")?);
        Ok((id, ConcertStatus::from_column(status)?))
    });
    let concerts = concerts.collect::<Result<_, sqlx::Error>>()?;
    let keys = selected.rows(&keys).map(|row| Ok((row.try_get("id")?, row.try_get("retired_at")?)));
    let entries = selected.rows(&entries).map(|row| Ok((row.try_get("id")?, row.try_get("subject_id")?)));
    Ok(Rows {
        concerts,
        keys: keys.collect::<Result<_, sqlx::Error>>()?,
        check_ins,
        entries: entries.collect::<Result<_, sqlx::Error>>()?,
        tickets,
    })
}

fn read_sold(row: &MySqlRow) -> Result<Sold, sqlx::Error> {
    let moves: i64 = row.try_get("moves")?;
    Ok(Sold {
        concert: row.try_get("concert_id")?,
        seat: row.try_get("seat_number")?,
        section: row.try_get("section")?,
        row: row.try_get("seat_row")?,
        status: ReservationStatus::from_column(row.try_get("status")?)?,
        version: moves as u32 + 1,
    })
}

/// Where the seat is comes from elsewhere.
pub(super) fn read_check_in(
    row: &MySqlRow,
    (seat, section, seat_row): (SeatNumber, Option<String>, Option<String>),
) -> Result<CheckIn, sqlx::Error> {
    Ok(CheckIn {
        ticket: row.try_get("ticket_id")?,
        concert: row.try_get("concert_id")?,
        seat,
        section,
        row: seat_row,
        version: row.try_get("version")?,
        gate: Gate::stored(row.try_get("gate")?),
        checked_in_at: row.try_get("checked_in_at")?,
        recorded_at: row.try_get("recorded_at")?,
        by: row.try_get("checked_in_by")?,
        key: row.try_get("key_id")?,
        entry: row.try_get("entry_id")?,
    })
}

pub(super) fn write(script: &mut Script, effects: &Effects) {
    script.insert(&INSERT, &effects.check_ins, |row, made| {
        let row = row.bind("ticket_id", made.ticket).bind("concert_id", made.concert).bind("version", made.version);
        let row = row.bind("gate", Text(made.gate.as_str())).bind("checked_in_at", made.checked_in_at);
        let row = row.bind("recorded_at", made.recorded_at).bind("checked_in_by", Text(&made.by));
        row.bind("key_id", made.key).bind("entry_id", made.entry)
    });
    write_log(script, &effects.log);
}
