//! `/orders/{orderId}`: seats that are held, paid, given back.

use std::collections::HashMap;

use askama::Template;
use concert_core::{
    ConcertId, ConcertStatus, Error, HoldEnding, Money, Order, OrderId, OrderRef, Reservation, ReservationId,
    ReservationStatus,
};
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
    /// What has become of it; `None`: it can be paid.
    outcome: Option<Outcome>,
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

/// What has become of an order that cannot be paid.
struct Outcome {
    text: String,
    is_good: bool,
    /// Where to go on: the address and its name.
    way: Option<(String, String)>,
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
    fn of(frame: &Frame, reservation: &Reservation, ending: Option<HoldEnding>) -> Self {
        let (status, badge) = status(frame, reservation.status, reservation.concert_status, ending);
        let is_held = is_payable(reservation.status, reservation.concert_status);
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

/// The state of a seat or an order in a word, and its badge. `ending`: who ended it, where it is CANCELLED.
pub(super) fn status(
    frame: &Frame,
    status: ReservationStatus,
    concert: ConcertStatus,
    ending: Option<HoldEnding>,
) -> (String, &'static str) {
    match status {
        ReservationStatus::Held if is_payable(status, concert) => (frame.t.status_held(), "held"),
        ReservationStatus::Held => (frame.t.concert_cancelled(), "cancelled"),
        ReservationStatus::Confirmed => (frame.t.status_paid(), "paid"),
        ReservationStatus::Expired => (frame.t.status_expired(), "expired"),
        ReservationStatus::Refunded => (frame.t.status_refunded(), "refunded"),
        _ => match ending {
            Some(HoldEnding::ConcertCalledOff) => (frame.t.concert_cancelled(), "cancelled"),
            Some(HoldEnding::Operator) => (frame.t.status_released(), "cancelled"),
            _ => (frame.t.status_cancelled(), "cancelled"),
        },
    }
}

/// A hold of a concert that was called off stays one until its seat is cleared.
fn is_payable(status: ReservationStatus, concert: ConcertStatus) -> bool {
    status == ReservationStatus::Held && concert != ConcertStatus::Cancelled
}

/// What became of an order that is CANCELLED: what says most among its seats.
pub(super) fn ending(order: &Order, endings: &HashMap<ReservationId, HoldEnding>) -> Option<HoldEnding> {
    order.reservations.iter().filter_map(|reservation| endings.get(&reservation.id).copied()).max()
}

/// Who ended the seats of these orders that are CANCELLED.
pub(super) async fn endings(visit: &Visit, orders: &[Order]) -> Result<HashMap<ReservationId, HoldEnding>, Problem> {
    let seats = orders.iter().flat_map(|order| &order.reservations);
    let ended = seats.filter(|seat| seat.status == ReservationStatus::Cancelled).map(|seat| seat.id);
    let ended: Vec<_> = ended.collect();
    if ended.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(visit.office().hold_endings(visit.caller()?, &ended).await?)
}

/// `again`: where seats of the concert can be chosen once more, if they can.
fn outcome(
    frame: &Frame,
    order: &Order,
    concert: ConcertStatus,
    ending: Option<HoldEnding>,
    again: Option<String>,
) -> Option<Outcome> {
    let (t, is_off) = (frame.t, concert == ConcertStatus::Cancelled);
    let again = again.map(|path| (path, t.order_again()));
    let bad = |text, way| Some(Outcome { text, is_good: false, way });
    match (order.status(), is_off) {
        (ReservationStatus::Held, false) => None,
        (ReservationStatus::Held, true) => bad(t.order_called_off(), None),
        (ReservationStatus::Confirmed, true) => bad(t.trouble_cancelled(), None),
        (ReservationStatus::Confirmed, false) => {
            let way = Some(("/tickets".to_owned(), t.order_see_tickets()));
            Some(Outcome { text: t.order_paid(), is_good: true, way })
        }
        (ReservationStatus::Expired, true) => bad(t.order_expired_called_off(), None),
        (ReservationStatus::Expired, false) => bad(t.order_expired(), again),
        (ReservationStatus::Refunded, true) => bad(t.order_called_off_refunded(), None),
        (ReservationStatus::Refunded, false) => bad(t.order_refunded(), None),
        _ => match ending {
            Some(HoldEnding::ConcertCalledOff) => bad(t.order_called_off(), None),
            Some(HoldEnding::Operator) => bad(t.order_released(), again),
            Some(HoldEnding::TurnGivenUp) => bad(t.order_turn_given_up(), again),
            _ => bad(t.order_given_back(), again),
        },
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
    let id: OrderId = visit.id()?;
    answer(visit, id, StatusCode::OK).await
}

async fn answer(visit: Visit, id: OrderId, code: StatusCode) -> Answer {
    let order = visit.office().order(visit.caller()?, id).await?;
    let balance = visit.office().balance(visit.caller()?).await?;
    let (concert_name, zone) = concert(&visit, order.concert).await?;
    let endings = endings(&visit, std::slice::from_ref(&order)).await?;
    let mut visit = visit.with_script("buyer.js").await?;
    visit.frame.title = visit.frame.t.order_title();
    let frame = &visit.frame;
    let status_of_concert = order.reservations.first().map_or(ConcertStatus::OnSale, |first| first.concert_status);
    // One that is no longer listed has no page.
    let can_choose = !concert_name.is_empty() && status_of_concert == ConcertStatus::OnSale;
    let again = can_choose.then(|| format!("/concerts/{}", order.concert));
    let seat = |seat: &Reservation| SeatLine::of(frame, seat, endings.get(&seat.id).copied());
    let lacks = order.total.checked_sub(balance).filter(|lacks| *lacks > Money::ZERO);
    let extended = order.reservations.iter().find_map(|reservation| reservation.extended_at);
    let page = OrderPage {
        id: order.id,
        concert: order.concert.to_string(),
        concert_name,
        outcome: outcome(frame, &order, status_of_concert, ending(&order, &endings), again),
        seats: order.reservations.iter().map(seat).collect(),
        total: frame.money(order.total),
        amount: order.total,
        balance: frame.money(balance),
        lacks: lacks.map(|lacks| frame.money(lacks)).unwrap_or_default(),
        until: Shown::of(frame, order.expires_at, zone),
        can_extend: extended.is_none(),
        was_extended: extended.is_some(),
        // The total is part of it: after a change of the order the form has another key.
        key: keys::of_state("pay", &[&order.id, &order.total]),
        frame: visit.frame,
    };
    show_with(code, &page)
}

pub(super) async fn pay(mut visit: Visit) -> Answer {
    let form = visit.form().await?;
    let (id, caller): (OrderId, _) = (visit.id()?, visit.caller()?);
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
    let (id, caller): (OrderId, _) = (visit.id()?, visit.caller()?);
    match visit.office().extend_hold(caller, id).await {
        // By a second click: the page shows the deadline.
        Err(Error::HoldAlreadyExtended) => go_to(&format!("/orders/{id}")),
        done => done_or_refused(visit, id, done.map(drop)).await,
    }
}

pub(super) async fn give_back(mut visit: Visit) -> Answer {
    let form = visit.form().await?;
    let (id, caller): (OrderId, _) = (visit.id()?, visit.caller()?);
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
