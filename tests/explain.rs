//! The support desk's questions: what happened, when and why, and what will happen next.

use std::fmt::Write as _;

use concert_core::{Caller, Error, Explanation, ReservationId, TokenId, UserId};

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

/// Explanations in a row, to be compared with a snapshot.
#[derive(Default)]
struct Told(String);

impl Told {
    #[track_caller]
    fn note(&mut self, claim: &str, explanation: Result<Explanation, Error>) {
        let explanation = explanation.expect("explains");
        let _ = writeln!(self.0, "# {claim}\n{}\nnow: {}", explanation.subject, explanation.now);
        for event in &explanation.events {
            let _ = writeln!(self.0, "{} | {} | {}", event.at.format("%H:%M:%S"), event.what, event.detail);
        }
        assert!(!explanation.older_left_out);
        for next in &explanation.next {
            let _ = writeln!(self.0, "next: {next}");
        }
        self.0.push('\n');
    }

    /// Compares with the snapshot: ids redacted, times as the clock of the test has them.
    fn check(&self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.add_filter(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[uuid]");
        settings.bind(|| insta::assert_snapshot!(name, self.0));
    }
}

async fn join(house: &House, user: UserId) -> TokenId {
    house.office.issue_token(Caller::verified(user)).await.expect("joins").token.ticket.token
}

#[tokio::test]
async fn a_token_from_joining_over_waiting_and_its_turn_to_its_end() {
    let house = House::open().await;
    let mut said = Told::default();
    house.office.set_max_active(1).await.expect("sets the cap");
    let users = house.users(3, 0).await;
    let first = join(&house, users[0]).await;
    house.advance(5);
    let waiting = join(&house, users[1]).await;
    let behind = join(&house, users[2]).await;
    said.note("in at once", house.office.back_office().explain(first).await);
    house.advance(15);
    said.note("at the back, before there is a pace", house.office.back_office().explain(behind).await);

    house.office.leave_queue(users[0]).await.expect("leaves");
    house.office.rerank_queue().await.expect("reranks");
    said.note("left", house.office.back_office().explain(first).await);
    said.note("let in, not claimed", house.office.back_office().explain(waiting).await);
    house.advance(20);
    join(&house, users[1]).await;
    said.note("claimed", house.office.back_office().explain(waiting).await);
    house.advance(700);
    said.note("the turn is over, no pass has been", house.office.back_office().explain(waiting).await);
    house.office.rerank_queue().await.expect("reranks");
    said.note("the same, after a pass", house.office.back_office().explain(waiting).await);
    house.advance(100);
    house.office.rerank_queue().await.expect("reranks");
    said.note("not claimed in time", house.office.back_office().explain(behind).await);
    join(&house, users[2]).await;
    let again = house.office.back_office().explain(behind).await.expect("explains");
    assert!(again.next[1].starts_with("the user has joined again since: token "), "{again:?}");
    assert!(matches!(house.office.back_office().explain(TokenId::generate()).await, Err(Error::TokenUnknown)));
    said.check("explain_token");
}

#[tokio::test]
async fn a_wait_is_forecast_by_the_pace_and_not_while_the_queue_is_paused() {
    let house = House::open().await;
    let mut said = Told::default();
    house.office.set_max_active(1).await.expect("sets the cap");
    let users = house.users(12, 0).await;
    let mut last = TokenId::generate();
    for user in &users {
        last = join(&house, *user).await;
    }
    for user in &users[..4] {
        house.advance(10);
        house.office.back_office().expire_token(*user).await.expect("ends the turn");
        house.office.rerank_queue().await.expect("reranks");
    }
    said.note("with a pace", house.office.back_office().explain(last).await);
    house.office.operator("ann".parse().expect("a name")).pause_queue().await.expect("pauses");
    said.note("paused", house.office.back_office().explain(last).await);
    house.advance(24 * 3_600);
    said.note("the longest wait is up", house.office.back_office().explain(last).await);
    said.check("explain_forecast");
}

#[tokio::test]
async fn a_seat_and_everyone_who_held_it() {
    let house = House::open().await;
    let mut said = Told::default();
    let concert = house.concert(1).await;
    let users = house.active_users(3, 500).await;
    said.note("nobody ever had it", house.office.back_office().explain((concert, seat(1))).await);
    house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    house.advance(300);
    let given_back = house.office.hold_one(users[1], concert, seat(1)).await.expect("holds");
    house.advance(10);
    house.office.cancel(users[1], given_back.id).await.expect("gives back");
    house.advance(10);
    let held = house.office.hold_one(users[2], concert, seat(1)).await.expect("holds");
    said.note(
        "held after a lapsed hold and one that was given back",
        house.office.back_office().explain((concert, seat(1))).await,
    );
    house.advance(10);
    house.office.pay(users[2], held.id, money(PRICE)).await.expect("pays");
    said.note("sold", house.office.back_office().explain((concert, seat(1))).await);
    house.advance(60 * 24 * 3_600);
    let sold = house.office.back_office().explain((concert, seat(1))).await.expect("explains");
    assert!(sold.now.starts_with("sold to user "), "what is paid has no deadline: {sold:?}");
    let nowhere = concert_core::ConcertId::generate();
    assert!(matches!(house.office.back_office().explain((concert, seat(2))).await, Err(Error::SeatNotFound { .. })));
    assert!(matches!(house.office.back_office().explain((nowhere, seat(1))).await, Err(Error::ConcertNotFound)));
    said.check("explain_seat");
}

#[tokio::test]
async fn a_reservation_held_lapsed_paid_and_given_back() {
    let house = House::open().await;
    let mut said = Told::default();
    let concert = house.concert(3).await;
    let user = house.active_users(1, 500).await[0];
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    let paid = house.office.hold_one(user, concert, seat(2)).await.expect("holds").id;
    let given_back = house.office.hold_one(user, concert, seat(3)).await.expect("holds").id;
    house.advance(30);
    house.office.pay(user, paid, money(PRICE)).await.expect("pays");
    house.office.cancel(user, given_back).await.expect("gives back");
    said.note("held", house.office.back_office().explain(held).await);
    said.note("paid", house.office.back_office().explain(paid).await);
    said.note("given back", house.office.back_office().explain(given_back).await);
    house.advance(270);
    said.note("lapsed", house.office.back_office().explain(held).await);
    house.office.sweep_expired().await.expect("sweeps");
    house.advance(60);
    let swept = house.office.back_office().explain(held).await.expect("explains");
    assert_eq!(swept.events[1].at - swept.events[0].at, chrono::TimeDelta::minutes(5), "the deadline, not the sweep");
    let none = house.office.back_office().explain(ReservationId::generate()).await;
    assert!(matches!(none, Err(Error::ReservationNotFound)));
    said.check("explain_reservation");
}

#[tokio::test]
async fn a_turn_that_ends_soon_after_paying_and_a_refund_later() {
    let house = House::open().await;
    let mut said = Told::default();
    let concert = house.concert(3).await;
    let user = house.user(500).await;
    let token = join(&house, user).await;
    house.advance(10);
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    let payment = house.office.pay(user, held, money(PRICE)).await.expect("pays").payments[0].id;
    house.advance(600);
    said.note("cut short by paying", house.office.back_office().explain(token).await);
    let by: concert_core::Operator = "ann@desk".parse().expect("a name");
    house
        .office
        .operator(by)
        .refund(payment, Some("the piano is broken".parse().expect("a reason")))
        .await
        .expect("refunds");
    said.note("the reservation", house.office.back_office().explain(held).await);
    said.note("the seat", house.office.back_office().explain((concert, seat(1))).await);
    said.note("the user", house.office.back_office().explain(user).await);
    said.check("explain_refund");
}

#[tokio::test]
async fn a_user_with_queue_seats_and_money_in_one_timeline() {
    let house = House::open().await;
    let mut said = Told::default();
    let concert = house.concert(3).await;
    let user = house.user(50).await;
    said.note("new", house.office.back_office().explain(user).await);
    house.advance(10);
    join(&house, user).await;
    house.advance(10);
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    house.advance(10);
    house.office.recharge(user, money(100)).await.expect("recharges");
    house.advance(10);
    house.office.pay(user, held, money(PRICE)).await.expect("pays");
    house.advance(10);
    house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    said.note("after buying a seat, holding another", house.office.back_office().explain(user).await);
    assert!(matches!(house.office.back_office().explain(UserId::generate()).await, Err(Error::UserNotFound)));
    said.check("explain_user");
}

#[tokio::test]
async fn a_timeline_that_is_cut_short_begins_where_it_is_whole() {
    let house = House::open().await;
    let user = house.user(0).await;
    for _ in 0..3 {
        house.advance(1);
        join(&house, user).await;
        house.office.leave_queue(user).await.expect("leaves");
    }
    for _ in 0..100 {
        house.advance(1);
        house.office.recharge(user, money(1)).await.expect("recharges");
    }
    let whole = house.office.back_office().explain(user).await.expect("explains");
    assert!(!whole.older_left_out);
    // A token is three events: joined, let in, left.
    assert_eq!(whole.events.len(), 1 + 3 * 3 + 100);
    house.office.recharge(user, money(1)).await.expect("recharges");
    let cut = house.office.back_office().explain(user).await.expect("explains");
    assert!(cut.older_left_out);
    assert_eq!(cut.events.len(), 1 + 100, "no tokens, since entries between them are missing");
    assert!(cut.events.is_sorted_by_key(|event| event.at));
}
