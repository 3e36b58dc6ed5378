//! The SQL of reservations.

use std::sync::Arc;

use hashbrown::HashMap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};
use uuid::Uuid;

use super::let_go::note_let_go;
use super::rows::{Effects, MADE};
use super::{Command, Known, OrderRef, Reservation, ReservationStatus, eligibility, layout, seat};
use crate::batch::Attempt;
use crate::caller::Fingerprint;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::db::Failure;
use crate::fact::Assumed;
use crate::id::{ConcertId, OrderId, ReservationId, SaleId};
use crate::operator::write_log;
use crate::queue::guard_turns;
use crate::sql::{
    ByKey, Keyword, Reading, ResultSet, RowValues, Script, fetch_all, fetch_optional, grouped, statements,
};

/// The columns that `read_reservation` reads, beside those of the seat, each with a prefix.
macro_rules! reservation_columns {
    ($prefix:literal) => {
        $crate::sql::columns!($prefix: id, order_id, user_id, concert_id, sale_id, seat_number, status, price, performance_date,
            reserved_at, expires_at, extended_at, bypassed_queue, fingerprint)
    };
}
pub(crate) use reservation_columns;

/// The status of its concert, which `read_reservation` reads beside them.
macro_rules! concert_status {
    ($prefix:literal) => {
        concat!(
            "(select c.status from concerts c force index (primary) where c.id = ",
            $prefix,
            "concert_id) as concert_status"
        )
    };
}
pub(crate) use concert_status;

/// Reservations with the section and the row of their seat.
macro_rules! with_seat {
    ($($text:literal)+) => {
        concat!("select ", reservation_columns!("r."), ", ", concert_status!("r."), ", s.section, s.seat_row from ", $($text),+)
    };
}

statements! {
    BY_IDS {
        concat!(
            "select ", reservation_columns!(""), ", ", concert_status!("reservations."),
            ", null as section, null as seat_row from reservations where id in ({ids})"
        )
    }
    /// All reservations of the orders of the named ones. Through the user's index: an order has one user, with few
    /// reservations.
    OF_ORDERS {
        concat!(
            "select ", reservation_columns!("r."), ", ", concert_status!("r."), ", null as section, null as seat_row \
             from reservations n straight_join reservations r force index (reservations_user_deadline) \
             on r.user_id = n.user_id and (r.id = n.id or r.order_id = n.order_id) where n.id in ({ids})"
        )
    }
    /// In the order of their ids.
    LOCK_CONCERTS { "select id, version from concerts force index (primary) where id in ({concerts}) for update" }
    /// Two rows each: the reservation and its seat. A seat that has passed on since is not touched, and the count
    /// tells.
    RELEASE {
        concat!(
            "update reservations r force index (primary) straight_join seats s force index (primary) \
             on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
             set ", note_let_go!(), ", s.is_reserved = 0, s.reservation_id = null, s.reserved_by = null, \
             s.reserved_until = null, r.status = {status}, r.last_updated_at = {now} \
             where {guard}r.status = 'HELD' and r.id in ({ids})"
        )
    }
    /// Two rows each, as above.
    EXTEND {
        "update reservations r force index (primary) straight_join seats s force index (primary) \
         on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
         set s.reserved_until = {until}, r.expires_at = {until}, r.extended_at = {now}, r.last_updated_at = {now} \
         where {guard}s.reserved_until > {now} and r.status = 'HELD' and r.extended_at is null and r.id in ({ids})"
    }
    /// Through the user's index: no index has the ids of extensions, which are few.
    EXTENSIONS {
        "select extension_id, id from reservations force index (reservations_user_deadline) \
         where user_id in ({users}) and extension_id in ({acts})"
    }
    NAME_EXTENSIONS {
        "update reservations force index (primary) set extension_id = {act} \
         where {guard}extension_id is null and id in ({ids})"
    }
    INSERT {
        insert "reservations" (id, order_id, user_id, concert_id, seat_number, status, price, performance_date,
            reserved_at, expires_at, extended_at, last_updated_at, fingerprint)
    }
    /// The same for another sale than the default one, which the column says where nothing else is said.
    INSERT_IN_SALE {
        insert "reservations" (id, order_id, user_id, concert_id, seat_number, status, price, performance_date,
            reserved_at, expires_at, extended_at, last_updated_at, fingerprint, sale_id)
    }
    /// The same, held past the queue.
    INSERT_PAST_QUEUE {
        insert "reservations" (id, order_id, user_id, concert_id, seat_number, status, price, performance_date,
            reserved_at, expires_at, extended_at, last_updated_at, fingerprint, sale_id, bypassed_queue)
    }
    INSERT_BYPASSES { insert "queue_bypasses" (sale_id, reservation_id, held_at) }
    SALE_OF { "select sale_id from reservations where id = {id}" }
    BY_ID {
        with_seat!(
            "reservations r left join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
             where r.id = {id}"
        )
    }
    OF_ORDER {
        with_seat!(
            "reservations n straight_join reservations r force index (reservations_user_deadline) \
             on r.user_id = n.user_id and (r.id = n.id or r.order_id = n.order_id) \
             left join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number where n.id = {id}"
        )
    }
}

/// The reservations that commands name and, for repeated calls, those that they made earlier.
pub(super) fn select_known(script: &mut Script, commands: &[Command], attempt: &Attempt) -> [Reading; 2] {
    let mut named = Vec::new();
    for command in commands {
        match command {
            // Other holds have new ids, of which nothing can be there.
            Command::Hold { caller, ids, .. } if attempt.may_have_committed || caller.key.is_some() => {
                named.extend(ids.iter().copied().map(OrderRef::Reservation));
            }
            Command::Hold { .. } => {}
            Command::Cancel { what, .. } => named.push(*what),
            Command::Extend { reservation, .. } => named.push(OrderRef::Order(OrderId::from(*reservation))),
        }
    }
    select_reservations(script, named)
}

/// Reservations, unlocked: their status may change until their seats are locked, all else never changes. An order is
/// found by any of its reservations.
pub(crate) fn select_reservations(script: &mut Script, named: Vec<OrderRef>) -> [Reading; 2] {
    let (mut alone, mut of_orders) = (Vec::with_capacity(named.len()), Vec::new());
    for what in named {
        match what {
            OrderRef::Reservation(id) => alone.push(id),
            OrderRef::Order(order) => of_orders.push(ReservationId::from(order)),
        }
    }
    [
        script.select_keys(&BY_IDS, alone, |params, ids| params.list("ids", ids)),
        script.select_keys(&OF_ORDERS, of_orders, |params, ids| params.list("ids", ids)),
    ]
}

pub(crate) fn read_reservations(selected: &ResultSet, readings: &[Reading]) -> Result<Known, Failure> {
    let read = |row| read_reservation(row).map(|reservation| (reservation.id, reservation));
    Ok(readings.iter().flat_map(|reading| selected.rows(reading)).map(read).collect::<Result<_, _>>()?)
}

/// Locks concerts, so that batches that look for the best seats of one run one after the other.
pub(super) fn lock_concerts(script: &mut Script, concerts: Vec<ConcertId>) -> Reading {
    script.select_keys(&LOCK_CONCERTS, concerts, |params, concerts| params.list("concerts", concerts))
}

/// The versions of the concerts there are.
pub(super) fn read_versions(selected: &ResultSet, reading: &Reading) -> Result<HashMap<ConcertId, u32>, Failure> {
    let version = |row: &MySqlRow| Ok((row.try_get("id")?, row.try_get("version")?));
    Ok(selected.rows(reading).map(version).collect::<Result<_, sqlx::Error>>()?)
}

/// States the assumptions of a batch of holds. Some need no guard: the statement that takes the seats and the primary
/// key of the new reservations state them.
pub(super) fn guard(script: &mut Script, assumed: &mut Assumed, effects: &Effects, now: Timestamp) {
    // Before the lock, which counts them.
    layout::guard_concerts(script, assumed);
    guard_turns(script, assumed, &effects.turns);
    eligibility::guard_holders(script, assumed, now);
    seat::strike_taken(assumed, &effects.made, effects.let_go_at_most);
    effects.added.strike(assumed);
    assumed.strike_missing(MADE, effects.made.iter().map(|made| made.id));
}

pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    // Releases first: a lapsed hold must give its seat back before another takes it.
    for status in [ReservationStatus::Expired, ReservationStatus::Cancelled] {
        let closed = effects.closed.iter().filter(|(_, as_what)| *as_what == status).map(|(id, _)| *id);
        script.change_keys("releasing seats", 2, &RELEASE, closed.collect(), |params, ids| {
            let params = params.bind("now", now).bind("now", now).bind("status", Keyword::new(status.as_str()));
            params.bind("now", now).list("ids", ids)
        });
    }
    for (until, ids) in grouped(effects.extended.iter().map(|(id, until)| (*until, *id))) {
        script.change_keys("extending holds", 2, &EXTEND, ids, |params, ids| {
            let params = params.bind("until", until).bind("until", until).bind("now", now).bind("now", now);
            params.bind("now", now).list("ids", ids)
        });
    }
    seat::take(script, &effects.made, effects.let_go_at_most);
    let (past_queue, in_turn): (Vec<_>, Vec<_>) = effects.made.iter().partition(|made| made.bypassed_queue);
    let (usual, others): (Vec<_>, Vec<_>) = in_turn.into_iter().partition(|made| made.sale == SaleId::DEFAULT);
    script.insert(&INSERT, &usual, |row, made| bind_made(row, made, now));
    script.insert(&INSERT_IN_SALE, &others, |row, made| bind_made(row, made, now).bind("sale_id", made.sale));
    script.insert(&INSERT_PAST_QUEUE, &past_queue, |row, made| {
        bind_made(row, made, now).bind("sale_id", made.sale).bind("bypassed_queue", 1)
    });
    script.insert(&INSERT_BYPASSES, &past_queue, |row, made| {
        row.bind("sale_id", made.sale).bind("reservation_id", made.id).bind("held_at", made.reserved_at)
    });
    effects.added.write(script, now);
    // Where it carries no guard: the server need not look at a condition that comes after a false one.
    effects.turns.write(script, now);
    name_extensions(script, &effects.extensions);
    write_log(script, &effects.log);
}

/// The columns that both inserts share.
fn bind_made<'r>(row: RowValues<'r>, made: &Reservation, now: Timestamp) -> RowValues<'r> {
    let row = row.bind("id", made.id).bind("order_id", made.shared_order).bind("user_id", made.user);
    let row = row.bind("concert_id", made.concert).bind("seat_number", made.seat);
    let row = row.bind("status", Keyword::new(made.status.as_str())).bind("price", made.price);
    let row = row.bind("performance_date", made.performance_date).bind("reserved_at", made.reserved_at);
    let row = row.bind("expires_at", made.expires_at).bind("extended_at", made.extended_at);
    row.bind("last_updated_at", now).bind("fingerprint", made.fingerprint)
}

/// After the new reservations, which may be among the named ones.
fn name_extensions(script: &mut Script, extensions: &[(ReservationId, Uuid)]) {
    const ID: Keyword = Keyword::new("id");
    let acts: HashMap<_, _> = extensions.iter().copied().collect();
    script.change_keys("naming extensions", 1, &NAME_EXTENSIONS, acts.keys().copied().collect(), |params, ids| {
        let acts: Vec<_> = ids.iter().map(|id| (id, acts[id])).collect();
        params.bind("act", ByKey(ID, &acts)).list("ids", ids)
    });
}

/// For repeated calls: the extensions that commands with keys made earlier.
pub(super) fn select_extensions(script: &mut Script, commands: &[Command]) -> Reading {
    let acts = commands.iter().filter_map(|command| match command {
        Command::Extend { caller, id, .. } => Some((caller.user, (*id)?)),
        Command::Hold { .. } | Command::Cancel { .. } => None,
    });
    script.select_keys(&EXTENSIONS, acts.collect(), |params, acts| {
        params.list("users", acts.iter().map(|(user, _)| user)).list("acts", acts.iter().map(|(_, act)| act))
    })
}

pub(super) fn read_extensions(
    selected: &ResultSet,
    reading: &Reading,
) -> Result<HashMap<Uuid, ReservationId>, Failure> {
    selected.rows(reading).map(|row| Ok((row.try_get("extension_id")?, row.try_get("id")?))).collect()
}

/// The sale of a reservation, if there is one of this id.
pub(crate) async fn sale_of(pool: &MySqlPool, id: ReservationId) -> Result<Option<SaleId>, sqlx::Error> {
    let row = fetch_optional(pool, &SALE_OF, |params| params.bind("id", id)).await?;
    row.map(|row| row.try_get("sale_id")).transpose()
}

pub(crate) async fn reservation(pool: &MySqlPool, id: ReservationId) -> Result<Option<Reservation>, sqlx::Error> {
    let row = fetch_optional(pool, &BY_ID, |params| params.bind("id", id)).await?;
    row.as_ref().map(read_reservation).transpose()
}

/// All reservations of the order that this one belongs to.
pub(crate) async fn order(pool: &MySqlPool, any: ReservationId) -> Result<Vec<Reservation>, sqlx::Error> {
    let rows = fetch_all(pool, &OF_ORDER, |params| params.bind("id", any)).await?;
    rows.iter().map(read_reservation).collect()
}

pub(crate) fn read_reservation(row: &MySqlRow) -> Result<Reservation, sqlx::Error> {
    let name = |column| Ok::<_, sqlx::Error>(row.try_get::<Option<&str>, _>(column)?.map(Arc::from));
    Ok(Reservation {
        id: row.try_get("id")?,
        bypassed_queue: row.try_get("bypassed_queue")?,
        shared_order: row.try_get("order_id")?,
        user: row.try_get("user_id")?,
        concert: row.try_get("concert_id")?,
        sale: row.try_get("sale_id")?,
        concert_status: ConcertStatus::from_column(row.try_get("concert_status")?)?,
        seat: row.try_get("seat_number")?,
        section: name("section")?,
        row: name("seat_row")?,
        status: ReservationStatus::from_column(row.try_get("status")?)?,
        price: row.try_get("price")?,
        performance_date: row.try_get("performance_date")?,
        reserved_at: row.try_get("reserved_at")?,
        expires_at: row.try_get("expires_at")?,
        extended_at: row.try_get("extended_at")?,
        fingerprint: Fingerprint::from_column(row.try_get("fingerprint")?),
    })
}
