//! Tickets, one for each sold seat, and how they get another owner.
//!
//! A ticket has the id of its reservation, whose user is the owner; the payment keeps the user who paid. So the seat
//! counts for the limits of the owner, who sees it among the reservations, and a refund goes to the wallet that paid: the
//! box office takes no part in what two people agreed on.

use hashbrown::HashMap;
use serde::Serialize;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::rows::Ticket;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::db::Failure;
use crate::id::{ConcertId, LogEntryId, OrderId, PaymentId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::operator::{Reason, Signature};
use crate::reservation::SeatKey;
use crate::sql::{Reading, ResultSet, Script, fetch_all, fetch_optional, statements};
use crate::ticket::{CheckIn, check_in_of};

macro_rules! moves {
    () => {
        "select ticket_id, nth, from_user, to_user, moved_at, moved_by, reason, entry_id \
         from ticket_moves force index (primary) where ticket_id in ({reservations}) order by ticket_id, nth"
    };
}

statements! {
    TICKETS {
        "select id, user_id, concert_id, seat_number, order_id from reservations force index (primary) \
         where id in ({reservations}) and status in ('CONFIRMED', 'REFUNDED')"
    }
    /// The others of their orders that the owner has.
    OTHERS {
        "select n.id as ticket_id, r.id from reservations n straight_join reservations r \
         force index (reservations_user_deadline) on r.user_id = n.user_id and r.order_id = n.order_id and r.id <> n.id \
         where n.id in ({reservations})"
    }
    MOVES { moves!() }
    /// What a user has given away.
    MOVED_FROM {
        "select m.ticket_id, m.nth, m.from_user, m.to_user, m.moved_at, m.moved_by, m.reason, m.entry_id, \
         r.seat_number, c.concert_name \
         from ticket_moves m force index (ticket_moves_from_user) \
         straight_join reservations r force index (primary) on r.id = m.ticket_id \
         straight_join concerts c force index (primary) on c.id = r.concert_id \
         where m.from_user = {user} order by m.moved_at desc, m.ticket_id desc limit {limit}"
    }
    TICKET {
        "select r.id, r.user_id, u.username, r.concert_id, c.concert_name, c.status as concert_status, r.seat_number, \
         s.section, s.seat_row, r.status, p.id as payment_id, p.user_id as paid_by, p.amount, p.paid_at, p.refunded_at \
         from reservations r straight_join payments p force index (payments_reservation_successful) \
         on p.reservation_id = r.id straight_join concerts c force index (primary) on c.id = r.concert_id \
         left join users u force index (primary) on u.id = r.user_id \
         left join seats s force index (primary) on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
         where r.id = {id}"
    }
}

/// Gives a sold seat to another owner.
#[derive(Debug)]
pub(crate) struct MoveTicket {
    pub(crate) ticket: ReservationId,
    pub(crate) to: UserId,
    pub(crate) reason: Reason,
    pub(crate) by: Signature,
}

/// A ticket that got another owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TicketMove {
    /// The ticket, which has the id of its reservation.
    #[serde(rename = "ticketId")]
    pub ticket: ReservationId,
    /// Which of its moves this is, from 1.
    pub nth: u32,
    /// Who had it.
    #[serde(rename = "fromUserId")]
    pub from: UserId,
    /// Who has it since.
    #[serde(rename = "toUserId")]
    pub to: UserId,
    /// When.
    pub moved_at: Timestamp,
    /// The operator's name.
    pub moved_by: String,
    /// Why.
    pub reason: String,
    /// The entry of the operators' log.
    #[serde(rename = "entryId")]
    pub entry: LogEntryId,
}

/// Whether a ticket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum TicketStatus {
    /// It counts, for its owner.
    Valid,
    /// Refunded.
    Void,
}

impl TicketStatus {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Valid, Self::Void];

    /// As JSON writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Void => "VOID",
        }
    }
}

/// A ticket: a sold seat, its owner and its payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TicketView {
    /// Its id, which is that of its reservation.
    #[serde(rename = "ticketId")]
    pub id: ReservationId,
    /// Whether it counts.
    pub status: TicketStatus,
    /// How many owners it has had: what was printed for an earlier one is void.
    pub version: u32,
    /// Its owner.
    #[serde(rename = "userId")]
    pub user: UserId,
    /// The owner's name.
    pub username: String,
    /// The concert.
    #[serde(rename = "concertId")]
    pub concert: ConcertId,
    /// The concert's name.
    pub concert_name: String,
    /// The concert's status.
    pub concert_status: ConcertStatus,
    /// The seat.
    #[serde(rename = "seatNumber")]
    pub seat: SeatNumber,
    /// The seat's section, if the hall has sections.
    pub section: Option<String>,
    /// The seat's row, if the hall has rows.
    pub row: Option<String>,
    /// The payment.
    #[serde(rename = "paymentId")]
    pub payment: PaymentId,
    /// Who paid, and has the money back where it is refunded, whoever has the ticket.
    pub paid_by: UserId,
    /// How much.
    pub amount: Money,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// When it was refunded, if it was.
    pub refunded_at: Option<Timestamp>,
    /// How it got from owner to owner.
    pub moves: Vec<TicketMove>,
    /// Who is in with it; `None`: nobody.
    pub check_in: Option<CheckIn>,
}

/// Readings of tickets, of the others of their orders, and of their moves.
pub(super) struct ReadTickets([Reading; 3]);

/// After their seats are locked.
pub(super) fn select_tickets(script: &mut Script, tickets: &[ReservationId]) -> ReadTickets {
    let mut select =
        |statement| script.select_keys(statement, tickets.to_vec(), |params, ids| params.list("reservations", ids));
    ReadTickets([select(&TICKETS), select(&OTHERS), select(&MOVES)])
}

pub(super) fn read_tickets(
    selected: &ResultSet,
    ReadTickets([tickets, others, moves]): &ReadTickets,
) -> Result<HashMap<ReservationId, Ticket>, Failure> {
    let read = |row: &MySqlRow| {
        let seat = SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? };
        let order: Option<OrderId> = row.try_get("order_id")?;
        let owner = row.try_get("user_id")?;
        Ok((row.try_get("id")?, Ticket { owner, seat, order, others: Vec::new(), moves: Vec::new() }))
    };
    let mut found: HashMap<ReservationId, Ticket> =
        selected.rows(tickets).map(read).collect::<Result<_, sqlx::Error>>()?;
    for row in selected.rows(others) {
        if let Some(ticket) = found.get_mut(&row.try_get::<ReservationId, _>("ticket_id")?) {
            ticket.others.push(row.try_get("id")?);
        }
    }
    for row in selected.rows(moves) {
        let moved = read_move(row)?;
        if let Some(ticket) = found.get_mut(&moved.ticket) {
            // They come in their order.
            ticket.moves.push(moved);
        }
    }
    Ok(found)
}

fn read_move(row: &MySqlRow) -> Result<TicketMove, sqlx::Error> {
    Ok(TicketMove {
        ticket: row.try_get("ticket_id")?,
        nth: row.try_get("nth")?,
        from: row.try_get("from_user")?,
        to: row.try_get("to_user")?,
        moved_at: row.try_get("moved_at")?,
        moved_by: row.try_get("moved_by")?,
        reason: row.try_get("reason")?,
        entry: row.try_get("entry_id")?,
    })
}

/// How tickets got from owner to owner, each from the first move to the last.
pub(crate) async fn moves_of(pool: &MySqlPool, tickets: Vec<ReservationId>) -> Result<Vec<TicketMove>, sqlx::Error> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    fetch_all(pool, &MOVES, |params| params.list("reservations", tickets)).await?.iter().map(read_move).collect()
}

/// A ticket that a user has given away, and the seat that it is of now.
pub(crate) struct GivenAway {
    pub(crate) change: TicketMove,
    pub(crate) seat: SeatNumber,
    pub(crate) concert_name: String,
}

/// Newest first.
pub(crate) async fn given_away_by(pool: &MySqlPool, user: UserId, limit: u32) -> Result<Vec<GivenAway>, sqlx::Error> {
    let rows = fetch_all(pool, &MOVED_FROM, |params| params.bind("user", user).bind("limit", limit)).await?;
    let read = |row: &MySqlRow| {
        let (seat, concert_name) = (row.try_get("seat_number")?, row.try_get("concert_name")?);
        Ok(GivenAway { change: read_move(row)?, seat, concert_name })
    };
    rows.iter().map(read).collect()
}

/// A ticket; `None`: nobody has bought this.
pub(crate) async fn ticket(pool: &MySqlPool, id: ReservationId) -> Result<Option<TicketView>, sqlx::Error> {
    let Some(row) = fetch_optional(pool, &TICKET, |params| params.bind("id", id)).await? else { return Ok(None) };
    let moves = fetch_all(pool, &MOVES, |params| params.list("reservations", [id])).await?;
    let moves = moves.iter().map(read_move).collect::<Result<Vec<_>, _>>()?;
    let is_valid = row.try_get::<&str, _>("status")? == "CONFIRMED";
    Ok(Some(TicketView {
        id,
        status: if is_valid { TicketStatus::Valid } else { TicketStatus::Void },
        version: moves.last().map_or(0, |last| last.nth) + 1,
        user: row.try_get("user_id")?,
        username: row.try_get::<Option<String>, _>("username")?.unwrap_or_default(),
        concert: row.try_get("concert_id")?,
        concert_name: row.try_get("concert_name")?,
        concert_status: ConcertStatus::from_column(row.try_get("concert_status")?)?,
        seat: row.try_get("seat_number")?,
        section: row.try_get("section")?,
        row: row.try_get("seat_row")?,
        payment: row.try_get("payment_id")?,
        paid_by: row.try_get("paid_by")?,
        amount: row.try_get("amount")?,
        paid_at: row.try_get("paid_at")?,
        refunded_at: row.try_get("refunded_at")?,
        moves,
        check_in: check_in_of(pool, id).await?,
    }))
}
