//! Sold seats that get another owner.

use concert_core::{
    BoxOffice, ConcertId, Error, EventKind, Operator, OrderId, Page, ReservationId, ReservationStatus, Role,
    TicketStatus, UserId, WalletEntryKind,
};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::task::JoinSet;

use crate::http::Site;
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

fn ann() -> Operator {
    "ann".parse().expect("a name")
}

fn ill() -> concert_core::Reason {
    "the buyer is ill".parse().expect("a reason")
}

/// An order of these seats, paid: the tickets by seat.
async fn buy(office: &BoxOffice, user: UserId, concert: ConcertId, seats: &[i64]) -> (OrderId, Vec<ReservationId>) {
    let numbers: Vec<_> = seats.iter().map(|number| seat(*number)).collect();
    let order = office.hold(user, concert, numbers).await.expect("holds");
    office.pay(user, order.id, order.total).await.expect("pays");
    (order.id, order.reservations.iter().map(|one| one.id).collect())
}

#[tokio::test]
async fn a_ticket_gets_another_owner_and_its_payment_stays_with_who_paid() {
    let house = House::open().await;
    let concert = house.concert(5).await;
    let users = house.active_users(3, 1_000).await;
    let (_, tickets) = buy(&house.office, users[0], concert, &[1]).await;
    let back_office = house.office.operator(ann());
    let moved = back_office.move_ticket(tickets[0], users[1], ill()).await.expect("moves");
    assert_eq!((moved.nth, moved.from, moved.to), (1, users[0], users[1]));
    let ticket = back_office.ticket(tickets[0]).await.expect("reads");
    assert_eq!(
        (ticket.user, ticket.paid_by, ticket.version, ticket.status),
        (users[1], users[0], 2, TicketStatus::Valid)
    );
    assert_eq!(ticket.moves, [moved]);
    let own = house.office.order(users[1], tickets[0]).await.expect("is the new owner's");
    assert_eq!(own.reservations[0].status, ReservationStatus::Confirmed);
    assert!(matches!(house.office.order(users[0], tickets[0]).await, Err(Error::NotYours)));
    house.assert_sound().await;

    back_office.move_ticket(tickets[0], users[2], ill()).await.expect("moves on");
    back_office.move_ticket(tickets[0], users[0], ill()).await.expect("comes back");
    back_office.move_ticket(tickets[0], users[2], ill()).await.expect("moves again");
    assert_eq!(back_office.ticket(tickets[0]).await.expect("reads").version, 5);
    house.assert_sound().await;

    // The money goes back to who paid.
    let payment = house.office.payments_of(users[0], Page::default()).await.expect("reads").data[0].id;
    let refund = back_office.refund(payment, None).await.expect("refunds");
    assert_eq!((refund.user, refund.balance), (users[0], money(1_000)));
    let entries = house.office.wallet_entries(users[0], Page::default()).await.expect("reads").data;
    assert_eq!(entries[0].kind, WalletEntryKind::Refund);
    assert_eq!(house.office.balance(users[2]).await.expect("reads"), money(1_000));
    assert_eq!(back_office.ticket(tickets[0]).await.expect("reads").status, TicketStatus::Void);
    assert!(house.office.seats(concert).await.expect("lists")[0].available);
    assert_eq!(house.count("select count(*) from operator_log where act = 'TICKET_MOVE'").await, 4);
    house.assert_sound().await;
}

#[tokio::test]
async fn moving_is_refused_for_the_reason_that_holds() {
    let house = House::open().await;
    let concert = house.concert(5).await;
    let users = house.active_users(2, 1_000).await;
    let (_, tickets) = buy(&house.office, users[0], concert, &[1, 2]).await;
    let held = house.office.hold_one(users[0], concert, seat(3)).await.expect("holds");
    let back_office = house.office.operator(ann());
    let moving = async |ticket, to| back_office.move_ticket(ticket, to, ill()).await;
    assert!(matches!(moving(ReservationId::generate(), users[1]).await, Err(Error::TicketNotFound)));
    assert!(matches!(moving(held.id, users[1]).await, Err(Error::TicketNotFound)), "it is not paid");
    assert!(matches!(moving(tickets[0], UserId::generate()).await, Err(Error::UserNotFound)));
    assert!(matches!(moving(tickets[0], users[0]).await, Err(Error::InvalidInput(_))));
    let payment = back_office.ticket(tickets[1]).await.expect("reads").payment;
    back_office.refund(payment, None).await.expect("refunds");
    assert!(matches!(moving(tickets[1], users[1]).await, Err(Error::TicketVoid { .. })));
    back_office.cancel_concert(concert, ill()).await.expect("calls it off");
    assert!(matches!(moving(tickets[0], users[1]).await, Err(Error::ConcertCancelled)));
    house.assert_sound().await;
}

#[tokio::test]
async fn nobody_gets_a_ticket_who_is_disabled_or_forgotten() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let users = house.active_users(3, 1_000).await;
    let (_, tickets) = buy(&house.office, users[0], concert, &[1]).await;
    let back_office = house.office.operator(ann());
    let moving = async |to| back_office.move_ticket(tickets[0], to, ill()).await;
    back_office.disable_user(users[1]).await.expect("disables");
    back_office.forget_user(users[2]).await.expect("forgets");
    assert!(matches!(moving(users[1]).await, Err(Error::UserDisabled)));
    assert!(matches!(moving(users[2]).await, Err(Error::UserNotFound)));
    assert_eq!(back_office.ticket(tickets[0]).await.expect("reads").user, users[0]);
    back_office.enable_user(users[1]).await.expect("enables");
    moving(users[1]).await.expect("moves");
    house.assert_sound().await;
}

/// Each event of the kind, with its detail.
async fn told(office: &BoxOffice, what: impl Into<concert_core::Subject>, kind: EventKind) -> Vec<String> {
    let told = office.back_office().explain(what).await.expect("explains");
    told.events.into_iter().filter(|event| event.what == kind).map(|event| event.detail).collect()
}

#[tokio::test]
async fn explanations_tell_who_moved_and_swapped_a_ticket_when_and_why() {
    let house = House::open().await;
    let concert = house.concert(4).await;
    let users = house.active_users(2, 1_000).await;
    let (_, tickets) = buy(&house.office, users[0], concert, &[1, 2]).await;
    let (ticket, other) = (tickets[0], tickets[1]);
    let back_office = house.office.operator(ann());
    house.advance(10);
    let reason = Some("a broken seat".parse().expect("a reason"));
    back_office.swap_seats(concert, [seat(1), seat(4)], reason).await.expect("swaps");
    house.advance(10);
    back_office.move_ticket(ticket, users[1], ill()).await.expect("moves");

    let office = &house.office;
    let moved = format!("from user {} to user {}, by ann: the buyer is ill", users[0], users[1]);
    let swapped = "from seat 1 to seat 4, by ann: a broken seat";
    assert_eq!(told(office, ticket, EventKind::Moved).await, std::slice::from_ref(&moved));
    assert_eq!(told(office, ticket, EventKind::Swapped).await, [swapped]);
    assert!(
        told(office, other, EventKind::Moved).await.is_empty()
            && told(office, other, EventKind::Swapped).await.is_empty()
    );
    let story = office.back_office().explain(ticket).await.expect("explains");
    let kinds: Vec<_> = story.events.iter().map(|event| event.what).collect();
    assert_eq!(kinds, [EventKind::Held, EventKind::Paid, EventKind::Swapped, EventKind::Moved], "in order of time");

    // The seat that it left, and the one that it has.
    let gone = format!("reservation {ticket} from seat 1 to seat 4; a broken seat; by ann");
    for number in [1, 4] {
        assert_eq!(told(office, (concert, seat(number)), EventKind::Swapped).await, std::slice::from_ref(&gone));
    }
    let of_seat = told(office, (concert, seat(4)), EventKind::Moved).await;
    assert_eq!(of_seat, [format!("{moved}; reservation {ticket}")]);

    // Who gave it, and who has it.
    let about = format!("{moved}; seat 4 of Spring, reservation {ticket}");
    assert_eq!(told(office, users[0], EventKind::Moved).await, std::slice::from_ref(&about));
    assert_eq!(told(office, users[1], EventKind::Moved).await, [format!("{about}, which user {} bought", users[0])]);
    assert_eq!(told(office, users[1], EventKind::Swapped).await.len(), 1);
    back_office.move_ticket(ticket, users[0], ill()).await.expect("comes back");
    assert_eq!(told(office, users[0], EventKind::Moved).await.len(), 2, "each once");
}

#[tokio::test]
async fn a_moved_ticket_is_an_order_of_its_own_and_the_rest_stays_together() {
    let house = House::open().await;
    let concert = house.concert(5).await;
    let users = house.active_users(2, 1_000).await;
    let (order, tickets) = buy(&house.office, users[0], concert, &[1, 2, 3]).await;
    let first = ReservationId::from(order);
    assert!(tickets.contains(&first), "an order has the id of its first reservation");
    house.office.operator(ann()).move_ticket(first, users[1], ill()).await.expect("moves");
    let rest = house.office.order(users[0], *tickets.iter().find(|id| **id != first).expect("one")).await;
    let rest = rest.expect("reads").reservations;
    let left: Vec<_> = tickets.iter().filter(|id| **id != first).copied().collect();
    let whole = house.office.order(users[0], OrderId::from(*left.iter().min().expect("two"))).await.expect("reads");
    assert_eq!(whole.reservations.len(), 2, "{rest:?}");
    let moved = house.office.order(users[1], OrderId::from(first)).await.expect("reads");
    assert_eq!(moved.reservations.len(), 1);
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn moves_holds_and_payments_of_one_user_never_pass_the_limit() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(20)).await;
    let concert = house.concert(60).await;
    house.tamper("update concerts set max_seats_per_user = 12, version = version + 1").await;
    let users = house.active_users(4, 100_000).await;
    let mut tickets = Vec::new();
    for (nth, user) in users[1..].iter().enumerate() {
        let first = nth as i64 * 10 + 1;
        tickets.extend(buy(&house.office, *user, concert, &(first..first + 10).collect::<Vec<_>>()).await.1);
    }
    let offices = [house.office.clone(), house.another_office().await];
    let mut race = JoinSet::new();
    for (nth, ticket) in tickets.into_iter().enumerate() {
        let (office, to) = (offices[nth % 2].clone(), users[0]);
        race.spawn(async move { office.operator(ann()).move_ticket(ticket, to, ill()).await.map(|_| ()) });
    }
    for nth in 0..20_i64 {
        let (office, user) = (offices[nth as usize % 2].clone(), users[0]);
        race.spawn(async move { office.hold_one(user, concert, seat(31 + nth)).await.map(|_| ()) });
    }
    let answers = race.join_all().await;
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Error::SeatLimit { .. }))).count();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 12, "{answers:?}");
    assert_eq!(refused, 38, "{answers:?}");
    house.assert_sound().await;
}

#[tokio::test]
async fn the_audit_shows_moves_that_lead_nowhere() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let users = house.active_users(3, 1_000).await;
    let (_, tickets) = buy(&house.office, users[0], concert, &[1]).await;
    for to in [users[1], users[2]] {
        house.office.operator(ann()).move_ticket(tickets[0], to, ill()).await.expect("moves");
    }
    house.assert_sound().await;
    house.tamper("delete from ticket_moves where nth = 1").await;
    let found = house.office.back_office().audit().await.expect("audits");
    assert!(found.iter().any(|violation| violation.what.contains("moves of a ticket")), "{found:#?}");
}

#[tokio::test]
async fn over_rest_an_operator_moves_a_ticket() {
    let site = Site::open().await;
    let made = site.house.office.back_office().make_key(&ann(), Role::Operator).await.expect("makes a key");
    let key = made.secret.expose_secret();
    let concert = site.house.concert(2).await;
    let users = site.house.active_users(2, 1_000).await;
    let (_, tickets) = buy(&site.house.office, users[0], concert, &[1]).await;
    let path = format!("/api/v1/admin/tickets/{}/move", tickets[0]);
    let asked = json!({"userId": users[1], "reason": "the buyer is ill"});
    let moved = site.post(&path, &asked).bearer(key).send().await.expect(200, "").body;
    assert_eq!((&moved["userId"], &moved["paidBy"]), (&json!(users[1]), &json!(users[0])));
    assert_eq!((&moved["version"], &moved["amount"]), (&json!(2), &json!(PRICE)));
    site.post(&path, &asked).bearer(key).send().await.expect(400, "INVALID_REQUEST");
    let nobody = json!({"userId": UserId::generate(), "reason": "the buyer is ill"});
    site.post(&path, &nobody).bearer(key).send().await.expect(404, "USER_NOT_FOUND");
    let nowhere = format!("/api/v1/admin/tickets/{}/move", ReservationId::generate());
    site.post(&nowhere, &asked).bearer(key).send().await.expect(404, "TICKET_NOT_FOUND");
    site.house.tamper("update concerts set max_seats_per_user = 1, version = version + 1").await;
    let (_, others) = buy(&site.house.office, users[0], concert, &[2]).await;
    let path = format!("/api/v1/admin/tickets/{}/move", others[0]);
    let refused = site.post(&path, &asked).bearer(key).send().await.expect(409, "SEAT_LIMIT").body;
    assert_eq!(refused["left"], 0);
    site.house.assert_sound().await;
}
