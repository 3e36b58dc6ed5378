//! The SQL of changing halls.

use hashbrown::HashSet;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

use super::decide::{Effects, HallEffects, HallRows, SeatEffect};
use super::runs::SeatRun;
use super::{ChangeHall, HallChange};
use crate::batch::Attempt;
use crate::catalog::{Mark, shared};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::operator::{read_done, select_done, write_log};
use crate::reservation::{SeatKey, lock_seats, read_seats};
use crate::sql::{Reading, ResultSet, Script, Text, statements};

statements! {
    LOCK_CONCERT { "select version, status = 'CANCELLED' as is_called_off from concerts force index (primary) where id = {concert} for update" }
    /// All changes of a hall lock the concert first, so nobody changes the runs meanwhile.
    RUNS {
        "select first_seat, last_seat, price, section, seat_row from seat_runs where concert_id = {concert} \
         order by first_seat"
    }
    REASONS {
        "select seat_number, blocked_reason from seats force index (primary) where concert_id = {concert} \
         and seat_number in ({seats}) and blocked_reason is not null"
    }
    PLACES {
        "select coalesce(place, seat_number) as place from seats force index (primary) where concert_id = {concert} \
         and section <=> {section} and seat_row <=> {row}"
    }
    BLOCK {
        "update seats force index (primary) set is_reserved = 1, blocked_reason = {reason} \
         where {guard}is_reserved = 0 and concert_id = {concert} and seat_number in ({seats})"
    }
    UNBLOCK {
        "update seats force index (primary) set is_reserved = 0, blocked_reason = null \
         where {guard}blocked_reason is not null and reservation_id is null and concert_id = {concert} \
         and seat_number in ({seats})"
    }
    SET_PRICE {
        "update seats force index (primary) set price = {price} \
         where {guard}concert_id = {concert} and seat_number in ({seats})"
    }
    RAISE_VERSION {
        "update concerts force index (primary) set version = version + 1 \
         where {guard}version = {version} and id = {concert}"
    }
    RAISE_PLAN_VERSION {
        "update concerts force index (primary) set version = version + 1, plan_version = {next} \
         where {guard}version = {version} and id = {concert}"
    }
    DELETE_RUNS {
        "delete from seat_runs where {guard}concert_id = {concert} and first_seat in ({firsts})"
    }
    INSERT_RUNS { insert "seat_runs" (concert_id, first_seat, last_seat, price, section, seat_row) }
    INSERT_SEATS { insert "seats" (concert_id, seat_number, price, section, seat_row, place, marks) }
}

/// Locks, in this order: the concert, the seats.
pub(super) async fn lock(
    connection: &mut MySqlConnection,
    command: &ChangeHall,
    attempt: &Attempt,
) -> Result<HallRows, Failure> {
    let (concert, numbers) = (command.concert, command.change.seats());
    let mut script = Script::default();
    let locked = script.select(&LOCK_CONCERT, |params| params.bind("concert", concert));
    let done = select_done(&mut script, std::iter::once(&command.by), attempt);
    let takes_runs = matches!(command.change, HallChange::Price { .. } | HallChange::Add(_));
    let runs = takes_runs.then(|| script.select(&RUNS, |params| params.bind("concert", concert)));
    let places = match &command.change {
        HallChange::Add(new) if new.row.is_some() => Some(script.select(&PLACES, |params| {
            let params = params.bind("concert", concert).bind("section", new.section.as_deref().map(Text));
            params.bind("row", new.row.as_deref().map(Text))
        })),
        _ => None,
    };
    let seats = lock_seats(&mut script, numbers.iter().map(|seat| SeatKey { concert, seat: *seat }));
    let reasons =
        script.select_keys(&REASONS, numbers, |params, seats| params.bind("concert", concert).list("seats", seats));
    let selected = script.run(connection).await?;
    let version = selected.rows(&locked).next().map(|row| row.try_get("version")).transpose()?;
    let called_off = selected.rows(&locked).next().map(|row| row.try_get("is_called_off")).transpose()?;
    let reason = |row: &MySqlRow| Ok((row.try_get("seat_number")?, row.try_get("blocked_reason")?));
    let place = |row: &MySqlRow| row.try_get::<i32, _>("place");
    Ok(HallRows {
        version,
        is_called_off: called_off.unwrap_or_default(),
        seats: read_seats(&selected, &seats)?,
        reasons: selected.rows(&reasons).map(reason).collect::<Result<_, sqlx::Error>>()?,
        runs: runs.map_or(Ok(Vec::new()), |runs| read_runs(&selected, &runs))?,
        places: places.map_or(Ok(HashSet::new()), |places| selected.rows(&places).map(place).collect())?,
        done: read_done(&selected, &done)?,
    })
}

fn read_runs(selected: &ResultSet, reading: &Reading) -> Result<Vec<SeatRun>, sqlx::Error> {
    let (mut section, mut seat_row) = (None, None);
    let read = |row: &MySqlRow| {
        Ok(SeatRun {
            first: row.try_get("first_seat")?,
            last: row.try_get("last_seat")?,
            price: row.try_get("price")?,
            section: shared(&mut section, row.try_get("section")?),
            row: shared(&mut seat_row, row.try_get("seat_row")?),
        })
    };
    selected.rows(reading).map(read).collect()
}

pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    for hall in &effects.halls {
        raise_version(script, hall);
    }
    // Before its seat is blocked, a lapsed hold gives it back.
    effects.released.write(script, now);
    for hall in &effects.halls {
        write_seats(script, hall);
        write_runs(script, hall);
    }
    write_log(script, &effects.log);
}

/// Seats that are taken off sale and put on sale again leave the plan as it is.
fn raise_version(script: &mut Script, hall: &HallEffects) {
    let changes_plan = matches!(hall.change, SeatEffect::Price(_) | SeatEffect::Add(_));
    let template = if changes_plan { &RAISE_PLAN_VERSION } else { &RAISE_VERSION };
    script.change("raising a concert's version", Some(1), template, |params| {
        let params = if changes_plan { params.bind("next", hall.version + 1) } else { params };
        params.bind("version", hall.version).bind("concert", hall.concert)
    });
}

fn write_seats(script: &mut Script, hall: &HallEffects) {
    let (concert, seats) = (hall.concert, hall.seats.clone());
    match &hall.change {
        SeatEffect::Block(reason) => script.change_keys("blocking seats", 1, &BLOCK, seats, |params, seats| {
            params.bind("reason", Text(reason.as_str())).bind("concert", concert).list("seats", seats)
        }),
        SeatEffect::Unblock => script.change_keys("unblocking seats", 1, &UNBLOCK, seats, |params, seats| {
            params.bind("concert", concert).list("seats", seats)
        }),
        SeatEffect::Price(price) => script.change_keys("pricing seats", 1, &SET_PRICE, seats, |params, seats| {
            params.bind("price", *price).bind("concert", concert).list("seats", seats)
        }),
        SeatEffect::Add(new) => script.insert(&INSERT_SEATS, &new.seats, |row, seat| {
            let marks = new.marks.iter().map(Mark::as_str).collect::<Vec<_>>().join(",");
            let marks = (!marks.is_empty()).then_some(marks);
            let row = row.bind("concert_id", concert).bind("seat_number", seat.number).bind("price", new.price);
            let row = row.bind("section", new.section.as_deref().map(Text));
            row.bind("seat_row", new.row.as_deref().map(Text))
                .bind("place", seat.place)
                .bind("marks", marks.as_deref().map(Text))
        }),
    }
}

fn write_runs(script: &mut Script, HallEffects { concert, runs: (gone, come), .. }: &HallEffects) {
    script.change_keys("deleting runs", 1, &DELETE_RUNS, gone.clone(), |params, firsts| {
        params.bind("concert", *concert).list("firsts", firsts)
    });
    script.insert(&INSERT_RUNS, come, |row, run| {
        let row = row.bind("concert_id", *concert).bind("first_seat", run.first).bind("last_seat", run.last);
        let row = row.bind("price", run.price).bind("section", run.section.as_deref().map(Text));
        row.bind("seat_row", run.row.as_deref().map(Text))
    });
}
