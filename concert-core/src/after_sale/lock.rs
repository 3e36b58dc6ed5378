//! What a batch reads and locks: concerts that are called off, seats, users.

use hashbrown::{HashMap, HashSet};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

use super::Command;
use super::moves::{ReadTickets, read_tickets, select_tickets};
use super::rows::{ConcertState, Paid, Rows};
use crate::batch::Attempt;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::db::Failure;
use crate::id::{ConcertId, PaymentId, ReservationId, SaleId, UserId};
use crate::operator::{Reason, read_done, select_done};
use crate::reservation::{LimitOf, SeatKey, SeatLimit, TakenSeats, lock_seats, read_seats};
use crate::sql::{Part, Reading, ResultSet, Script, statements};
use crate::wallet::{lock_accounts, read_accounts, read_recipients, select_recipients};

macro_rules! concerts {
    ($($locking:literal)?) => {
        concat!(
            "select c.id, c.status, c.cancel_reason, c.cancelled_by, c.cancelled_at, c.max_seats_per_user, c.sale_id, \
             (select s.max_seats_per_user from sales s force index (primary) where s.id = c.sale_id) as of_sale \
             from concerts c force index (primary) where c.id in ({concerts})" $(, $locking)?
        )
    };
}

statements! {
    /// Unlocked, as all that is read before the seats are locked: where the seats are.
    SEATS_OF_PAYMENTS {
        "select r.concert_id, r.seat_number from payments p straight_join reservations r on r.id = p.reservation_id \
         where p.id in ({payments})"
    }
    SEATS_OF_TICKETS {
        "select concert_id, seat_number from reservations force index (primary) where id in ({reservations})"
    }
    /// In the order of their ids.
    LOCK_CONCERTS { concerts!(" for update") }
    CONCERTS { concerts!() }
    /// After their seats are locked, so that nobody swaps them.
    PAID {
        "select p.id, p.user_id, p.reservation_id, p.amount, r.concert_id, r.seat_number \
         from payments p straight_join reservations r on r.id = p.reservation_id where p.id in ({payments})"
    }
    /// The successful payments of seats.
    SOLD {
        "select p.id, p.user_id, p.reservation_id, p.amount, s.concert_id, s.seat_number \
         from seats s force index (primary) straight_join payments p force index (payments_reservation_successful) \
         on p.reservation_id = s.reservation_id and p.successful = 1 where {each}",
        each Part { text: "(s.concert_id = {concert} and s.seat_number in ({seats}))", between: " or " }
    }
}

/// What commands name.
#[derive(Default)]
struct Named {
    payments: Vec<PaymentId>,
    tickets: Vec<ReservationId>,
    called_off: Vec<ConcertId>,
    cleared: Vec<SeatKey>,
}

impl Named {
    fn by(commands: &[Command]) -> Self {
        let mut named = Self::default();
        for command in commands {
            match command {
                Command::Refund(refund) => named.payments.push(refund.payment),
                Command::Move(ticket) => named.tickets.push(ticket.ticket),
                Command::CallOff(call_off) => named.called_off.push(call_off.concert),
                Command::Clear(clear) => {
                    named
                        .cleared
                        .extend(clear.seats.iter().map(|(seat, _)| SeatKey { concert: clear.concert, seat: *seat }));
                }
            }
        }
        named
    }
}

pub(super) async fn lock(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
) -> Result<Rows, Failure> {
    let named = Named::by(commands);
    let mut script = Script::default();
    // Concerts come before seats in the order of locks.
    script.select_keys(&LOCK_CONCERTS, named.called_off.clone(), |params, ids| params.list("concerts", ids));
    let of_payments =
        script.select_keys(&SEATS_OF_PAYMENTS, named.payments.clone(), |params, ids| params.list("payments", ids));
    let of_tickets =
        script.select_keys(&SEATS_OF_TICKETS, named.tickets.clone(), |params, ids| params.list("reservations", ids));
    let selected = script.run(connection).await?;
    let mut keys: HashSet<SeatKey> = named.cleared.iter().copied().collect();
    for row in selected.rows(&of_payments).chain(selected.rows(&of_tickets)) {
        keys.insert(read_key(row)?);
    }

    let mut rows = lock_seats_of(connection, &named, &keys).await?;
    let payers = rows.payments.values().map(|paid| paid.user);
    let new_owners: Vec<_> = commands.iter().filter_map(new_owner).collect();
    let mut script = Script::default();
    let accounts = lock_accounts(&mut script, payers.chain(new_owners.iter().copied()).collect());
    let recipients = select_recipients(&mut script, new_owners);
    let done = select_done(&mut script, commands.iter().filter_map(Command::signature), attempt);
    let selected = script.run(connection).await?;
    rows.accounts = read_accounts(&selected, &accounts)?;
    rows.recipients = read_recipients(&selected, &recipients)?;
    rows.done = read_done(&selected, &done)?;
    // Their rows are locked already, so that all users are locked in one order.
    rows.taken = TakenSeats::lock(connection, &asked(commands, &rows), attempt.now).await?;
    Ok(rows)
}

const fn new_owner(command: &Command) -> Option<UserId> {
    match command {
        Command::Move(ticket) => Some(ticket.to),
        Command::Refund(_) | Command::CallOff(_) | Command::Clear(_) => None,
    }
}

/// What is limited of those who get tickets.
fn asked(commands: &[Command], rows: &Rows) -> Vec<(UserId, LimitOf)> {
    let mut asked = Vec::new();
    for command in commands {
        if let Command::Move(ticket) = command
            && let Some(found) = rows.tickets.get(&ticket.ticket)
            && let Some(concert) = rows.concerts.get(&found.seat.concert)
        {
            asked.extend(concert.limits.iter().map(|limit| (ticket.to, limit.of)));
        }
    }
    asked
}

/// Locks seats, and then reads what is sold with them.
async fn lock_seats_of(
    connection: &mut MySqlConnection,
    named: &Named,
    keys: &HashSet<SeatKey>,
) -> Result<Rows, Failure> {
    let mut script = Script::default();
    let seats = lock_seats(&mut script, keys.iter().copied());
    let paid = script.select_keys(&PAID, named.payments.clone(), |params, ids| params.list("payments", ids));
    let cleared = named.cleared.iter().map(|key| (key.concert, key.seat)).collect();
    let sold = script.select_keys(&SOLD, cleared, |params, seats| params.each_group(seats, ["concert", "seats"]));
    let tickets: ReadTickets = select_tickets(&mut script, &named.tickets);
    let concerts: HashSet<_> = keys.iter().map(|key| key.concert).chain(named.called_off.iter().copied()).collect();
    let concerts = script
        .select_keys(&CONCERTS, concerts.into_iter().collect(), |params, concerts| params.list("concerts", concerts));
    let selected = script.run(connection).await?;
    let rows = Rows {
        payments: read_paid(&selected, &[paid, sold])?,
        tickets: read_tickets(&selected, &tickets)?,
        concerts: selected.rows(&concerts).map(read_concert).collect::<Result<_, _>>()?,
        seats: read_seats(&selected, &seats)?,
        ..Rows::default()
    };
    let seats = rows.payments.values().map(|paid| paid.seat).chain(rows.tickets.values().map(|ticket| ticket.seat));
    // The seats were looked up before they were locked. After a swap, the next attempt finds the others.
    if seats.into_iter().any(|key| !keys.contains(&key)) {
        return Err(Failure::Guard { act: "finding the seats of payments, which were swapped meanwhile" });
    }
    Ok(rows)
}

fn read_key(row: &MySqlRow) -> Result<SeatKey, sqlx::Error> {
    Ok(SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? })
}

fn read_paid(selected: &ResultSet, readings: &[Reading; 2]) -> Result<HashMap<PaymentId, Paid>, Failure> {
    let read = |row: &MySqlRow| {
        let paid = Paid {
            user: row.try_get("user_id")?,
            reservation: row.try_get("reservation_id")?,
            seat: read_key(row)?,
            amount: row.try_get("amount")?,
        };
        Ok((row.try_get("id")?, paid))
    };
    readings.iter().flat_map(|reading| selected.rows(reading)).map(read).collect()
}

fn read_concert(row: &MySqlRow) -> Result<(ConcertId, ConcertState), Failure> {
    let status = ConcertStatus::from_column(row.try_get("status")?)?;
    let at: Option<Timestamp> = row.try_get("cancelled_at")?;
    let reason: Option<&str> = row.try_get("cancel_reason")?;
    let by: Option<&str> = row.try_get("cancelled_by")?;
    let called_off = at
        .filter(|_| status == ConcertStatus::Cancelled)
        .map(|at| (Reason::stored(reason.unwrap_or_default()), by.unwrap_or_default().to_owned(), at));
    let (id, sale): (ConcertId, SaleId) = (row.try_get("id")?, row.try_get("sale_id")?);
    let (own, of_sale): (Option<u32>, Option<u32>) = (row.try_get("max_seats_per_user")?, row.try_get("of_sale")?);
    let own = own.map(|most| SeatLimit { of: LimitOf::Concert(id), most });
    let of_sale = of_sale.map(|most| SeatLimit { of: LimitOf::Sale(sale), most });
    let limits = own.into_iter().chain(of_sale).collect();
    Ok((id, ConcertState { status, sale, called_off, limits }))
}
