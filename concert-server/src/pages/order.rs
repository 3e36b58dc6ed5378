//! `/orders/{orderId}`: seats that are held, paid, given back.

use askama::Template;
use concert_core::{ConcertId, Error, Money, OrderId, OrderRef, Reservation, ReservationId, ReservationStatus};
use warp::http::StatusCode;

use super::visit::{Frame, Trouble, Visit, go_to, show_with};
use super::when::Shown;
use super::{keys, refusal};
use crate::http::{Answer, Problem};

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    id: OrderId,
    concert: String,
    concert_name: String,
    state: &'static str,
    seats: Vec<SeatLine>,
    total: String,
    /// As the form sends it back.
    amount: Money,
    balance: String,
    /// How much the wallet lacks; empty: nothing.
    lacks: String,
    until: Shown,
    can_extend: bool,
    was_extended: bool,
    key: String,
}

/// A seat of an order.
pub(super) struct SeatLine {
    pub(super) reservation: ReservationId,
    pub(super) name: String,
    pub(super) price: String,
    pub(super) status: String,
    pub(super) badge: &'static str,
    pub(super) is_held: bool,
}

impl SeatLine {
    pub(super) fn of(frame: &Frame, reservation: &Reservation) -> Self {
        let (status, badge) = status(frame, reservation.status);
        let is_held = reservation.status == ReservationStatus::Held;
        let (name, price) = (seat_name(frame, reservation), frame.money(reservation.price));
        Self { reservation: reservation.id, name, price, status, badge, is_held }
    }
}

/// A seat as people say it: section, row, number.
pub(super) fn seat_name(frame: &Frame, reservation: &Reservation) -> String {
    let section = reservation.section.as_deref().map(str::to_owned);
    let row = reservation.row.as_deref().map(|row| frame.t.row_seat(row));
    let parts = [section, row, Some(frame.t.seat(reservation.seat.to_string()))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

pub(super) fn status(frame: &Frame, status: ReservationStatus) -> (String, &'static str) {
    match status {
        ReservationStatus::Held => (frame.t.status_held(), "held"),
        ReservationStatus::Confirmed => (frame.t.status_paid(), "paid"),
        ReservationStatus::Expired => (frame.t.status_expired(), "expired"),
        ReservationStatus::Refunded => (frame.t.status_refunded(), "refunded"),
        _ => (frame.t.status_cancelled(), "cancelled"),
    }
}

/// The concert's name, and the zone of its venue.
pub(super) async fn concert(visit: &Visit, id: ConcertId) -> Result<(String, concert_core::TimeZone), Problem> {
    match visit.concert(id).await {
        Ok(concert) => Ok((concert.name, concert.time_zone)),
        // Its sale is no longer listed; the order is still there to be seen.
        Err(problem) if problem.status() == StatusCode::NOT_FOUND => Ok((String::new(), visit.frame.locale.zone)),
        Err(problem) => Err(problem),
    }
}

pub(super) async fn page(visit: Visit) -> Answer {
    let id: OrderId = visit.call.id()?;
    answer(visit, id, StatusCode::OK).await
}

async fn answer(visit: Visit, id: OrderId, status: StatusCode) -> Answer {
    let order = visit.office().order(visit.caller()?, id).await?;
    let balance = visit.office().balance(visit.caller()?).await?;
    let (concert_name, zone) = concert(&visit, order.concert).await?;
    let mut visit = visit.with_script("buyer.js").await?;
    visit.frame.title = visit.frame.t.order_title();
    let (frame, state) = (&visit.frame, order.status());
    let lacks = order.total.checked_sub(balance).filter(|lacks| *lacks > Money::ZERO);
    let extended = order.reservations.iter().find_map(|reservation| reservation.extended_at);
    let page = OrderPage {
        id: order.id,
        concert: order.concert.to_string(),
        concert_name,
        state: state.as_str(),
        seats: order.reservations.iter().map(|reservation| SeatLine::of(frame, reservation)).collect(),
        total: frame.money(order.total),
        amount: order.total,
        balance: frame.money(balance),
        lacks: lacks.map(|lacks| frame.money(lacks)).unwrap_or_default(),
        until: Shown::of(frame, order.expires_at, zone),
        can_extend: extended.is_none(),
        was_extended: extended.is_some() && state == ReservationStatus::Held,
        // The total is part of it: after a change of the order the form has another key.
        key: keys::of_state("pay", &[&order.id, &order.total]),
        frame: visit.frame,
    };
    show_with(status, &page)
}

pub(super) async fn pay(mut visit: Visit) -> Answer {
    let form = visit.form().await?;
    let (id, caller): (OrderId, _) = (visit.call.id()?, visit.caller()?);
    let paid = match form.get("amount").parse::<Money>() {
        Ok(amount) => visit.office().pay(caller.with_key(form.key()), id, amount).await.map(drop),
        Err(error) => Err(error.into()),
    };
    match paid {
        // In another tab, or by a second click.
        Err(Error::AlreadyPaid) => go_to(&format!("/orders/{id}")),
        done => done_or_refused(visit, id, done).await,
    }
}

pub(super) async fn extend(mut visit: Visit) -> Answer {
    visit.form().await?;
    let (id, caller): (OrderId, _) = (visit.call.id()?, visit.caller()?);
    match visit.office().extend_hold(caller, id).await {
        // By a second click: the page shows the deadline.
        Err(Error::HoldAlreadyExtended) => go_to(&format!("/orders/{id}")),
        done => done_or_refused(visit, id, done.map(drop)).await,
    }
}

pub(super) async fn give_back(mut visit: Visit) -> Answer {
    let form = visit.form().await?;
    let (id, caller): (OrderId, _) = (visit.call.id()?, visit.caller()?);
    let what: OrderRef = match form.get("reservation") {
        "" => id.into(),
        one => one.parse::<ReservationId>().map_err(Error::from)?.into(),
    };
    let user = caller.user();
    let done = visit.office().cancel(caller, what).await;
    if done.is_ok() {
        visit.call.gave_back(user);
    }
    done_or_refused(visit, id, done).await
}

/// Leads to the order as it is now, or shows it with what went wrong.
async fn done_or_refused(mut visit: Visit, id: OrderId, done: Result<(), Error>) -> Answer {
    let Err(error) = done else { return go_to(&format!("/orders/{id}")) };
    let problem = Problem::from(error.clone());
    // An order that is not there, or not this user's, has no page to show the trouble on.
    let is_another = matches!(error, Error::OrderNotFound | Error::ReservationNotFound | Error::NotYours);
    if !problem.status().is_client_error() || is_another {
        return Err(problem);
    }
    let order = visit.office().order(visit.caller()?, id).await?;
    let sale = order.reservations.first().map(|reservation| reservation.sale);
    visit.frame.path = format!("/orders/{id}");
    visit.frame.trouble = Some(match error {
        Error::InvalidInput(_) => {
            Trouble { code: "INVALID_REQUEST", text: visit.frame.t.trouble_wallet_amount(), way: None }
        }
        error => refusal::trouble(&visit.frame, &error, sale),
    });
    answer(visit, id, problem.status()).await
}
