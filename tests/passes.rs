//! The passes that a box office runs by itself, and how it ends.

use std::time::Duration;

use concert_core::{Error, Page, PresentedTicket, TokenStatus};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::support::{House, Shortcuts as _, money, seat};

const OFTEN: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_box_office_that_runs_lets_people_in_and_frees_seats_until_it_is_told_to_stop() {
    let house =
        House::open_with(|policy| policy.with_rerank_every(OFTEN).with_sweep_every(OFTEN).with_refresh_every(OFTEN))
            .await;
    let concert = house.concert(1).await;
    let users = house.active_users(2, 0).await;
    house.office.set_max_active(1).await.expect("sets the cap");
    let waiting = house.user(0).await;
    let held = house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    let joined = house.office.issue_token(waiting).await.expect("joins").token;
    assert_eq!(joined.standing.status, TokenStatus::Waiting);

    let (stop, stopped) = oneshot::channel::<()>();
    let passes = tokio::spawn({
        let office = house.office.clone();
        async move { office.run(async { drop(stopped.await) }).await }
    });
    house.advance(601);
    let swept = "select count(*) from reservations where status = 'EXPIRED'";
    while house.office.back_office().inspect_token(waiting).await.expect("stands").standing.status
        != TokenStatus::Active
        || house.count(swept).await == 0
    {
        // A pass is made once per period by the house's clock.
        house.clock.advance(OFTEN);
        sleep(Duration::from_millis(10)).await;
    }
    assert!(matches!(house.office.extend_hold(waiting, held.id).await, Err(Error::NotYours)));
    assert!(!passes.is_finished());
    drop(stop);
    tokio::time::timeout(Duration::from_secs(5), passes).await.expect("between two passes").expect("ends");
}

#[tokio::test]
async fn a_box_office_that_is_shut_down_carries_out_what_it_has_and_refuses_what_comes_later() {
    let house = House::open().await;
    let users = house.users(200, 0).await;
    let recharges: Vec<_> = users
        .iter()
        .map(|user| {
            let (office, user) = (house.office.clone(), *user);
            async move { office.recharge(user, money(1)).await }
        })
        .collect();
    let recharges: tokio::task::JoinSet<_> = recharges.into_iter().collect();
    while house.office.back_office().lane_depths().iter().all(|(_, depth)| *depth == 0) {
        tokio::task::yield_now().await;
    }
    let (answers, ()) = tokio::join!(recharges.join_all(), house.office.shutdown());
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(refused.iter().all(|answer| matches!(answer, Err(Error::ShutDown))), "{refused:?}");
    let recharged = house.count("select cast(coalesce(sum(balance), 0) as signed) from users").await;
    assert_eq!(recharged, done.len() as i64, "what was answered has happened, and nothing else");
    assert!(!done.is_empty());

    let late = house.office.clone().recharge(users[0], money(1)).await;
    assert!(matches!(late, Err(Error::ShutDown)), "{late:?}");
    assert!(house.office.balance(users[0]).await.is_ok(), "reads go on");
    house.office.shutdown().await;
    house.another_office().await.recharge(users[0], money(1)).await.expect("others go on");
}

#[tokio::test]
async fn no_lane_outlives_a_shutdown_not_those_for_rare_acts_and_not_the_doors() {
    let house = House::open().await;
    let (concert, user) = (house.concert(2).await, house.active_users(1, 1_000).await[0]);
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    house.office.pay(user, held.id, held.price).await.expect("pays");
    let ticket = house.office.tickets_of(user, Page::default()).await.expect("reads").data.remove(0);
    let shown = PresentedTicket::new(ticket.payload.expect("counts"), "north".parse().expect("a gate"));
    house.office.shutdown().await;

    let desk = house.office.back_office();
    let answers = [
        ("check-in", desk.check_in(concert, shown.clone()).await.err()),
        ("swap", desk.swap_seats(concert, [seat(1), seat(2)], None).await.err()),
        ("block", desk.block_seats(concert, [seat(2)], "a camera".parse().expect("a reason")).await.err()),
        ("refund", desk.refund(ticket.payment.expect("paid"), None).await.err()),
    ];
    for (act, refused) in answers {
        assert!(matches!(refused, Some(Error::ShutDown)), "{act}: {refused:?}");
    }
    house.another_office().await.back_office().check_in(concert, shown).await.expect("others go on");
}
