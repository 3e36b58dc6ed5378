//! Each sale has a queue of its own, and a person may be in several.

use concert_core::{AdmissionChange, Caller, Error, Join, QueueTicket, SaleChange, TokenStatus};
use tokio::task::JoinSet;

use super::{concert_of, join, open_sale, sale};
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

#[tokio::test]
async fn a_person_stands_in_several_queues_and_a_turn_in_one_does_not_admit_to_anothers_concerts() {
    let house = House::open().await;
    let (first, second) = (open_sale(&house, "First").await, open_sale(&house, "Second").await);
    let concerts = [concert_of(&house, first, 5).await, concert_of(&house, second, 5).await, house.concert(5).await];
    let user = house.user(1_000).await;
    let hold = async |caller: Caller, concert, number| house.office.hold_one(caller, concert, seat(number)).await;
    let not_active = |answer: Result<_, Error>| matches!(answer, Err(Error::TokenNotActive { status: None }));

    let (in_first, status, _) = join(&house.office, first, user).await;
    assert_eq!((status, in_first.sale, in_first.ticket), (TokenStatus::Active, first, 1));
    let held = hold(user.into(), concerts[0], 1).await.expect("holds");
    assert_eq!(held.sale, first);
    assert!(not_active(hold(user.into(), concerts[1], 1).await));
    assert!(not_active(hold(user.into(), concerts[2], 1).await), "nor to the default sale's");

    let (in_second, ..) = join(&house.office, second, user).await;
    assert_eq!((in_second.ticket, in_second.sale), (1, second), "tickets begin anew in each sale");
    let shown = |ticket: QueueTicket| Caller::with_queue_token(user, ticket.token);
    assert!(not_active(hold(shown(in_first), concerts[1], 1).await), "the token that is shown must be of that sale");
    let other = hold(shown(in_second), concerts[1], 1).await.expect("holds");
    house.office.pay(shown(in_second), other.id, money(PRICE)).await.expect("pays");
    let second_seat = hold(shown(in_second), concerts[1], 2).await.expect("holds");
    assert!(matches!(
        house.office.pay(shown(in_second), held.id, money(PRICE)).await,
        Err(Error::TokenNotActive { status: None })
    ));

    house.office.leave_queue_in(first, user).await.expect("leaves");
    let status_of = async |id| house.office.order(user, id).await.expect("is there").reservations[0].status.as_str();
    assert_eq!(status_of(held.id).await, "CANCELLED");
    assert_eq!(status_of(second_seat.id).await, "HELD", "what is held of another sale stays");
    assert!(matches!(house.office.token_status_in(first, user).await, Err(Error::TokenExpired)));
    assert!(house.office.token_status_in(second, user).await.is_ok());
    house.assert_sound().await;
}

#[tokio::test]
async fn cap_pause_and_order_of_a_queue_are_its_own() {
    let house = House::open().await;
    let one = AdmissionChange::new().with_max_active(1);
    let first = sale(&house.office, "First", SaleChange::new().with_admission(one)).await;
    let second = open_sale(&house, "Second").await;
    let users = house.users(4, 0).await;
    for (nth, expected) in
        [(TokenStatus::Active, 0), (TokenStatus::Waiting, 1), (TokenStatus::Waiting, 2)].iter().enumerate()
    {
        let (_, status, position) = join(&house.office, first, users[nth]).await;
        assert_eq!((status, position), *expected);
        assert_eq!(join(&house.office, second, users[nth]).await.1, TokenStatus::Active);
    }
    let back_office = house.office.back_office();
    assert!(back_office.set_paused_in(second, true).await.expect("pauses"));
    assert_eq!(join(&house.office, second, users[3]).await.1, TokenStatus::Waiting);
    house.office.leave_queue_in(first, users[0]).await.expect("leaves");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 1, "only the first sale lets people in");
    let figures = back_office.queue_figures_in(first).await.expect("reads");
    assert_eq!((figures.active, figures.waiting, figures.joined), (1, 1, 3));
    let figures = back_office.queue_figures_in(second).await.expect("reads");
    assert_eq!((figures.active, figures.waiting, figures.admission.paused), (3, 1, true));
    assert_eq!(back_office.queue_figures().await.expect("reads").joined, 0, "the default sale's is empty");
    house.assert_sound().await;
}

/// What a user may hold unpaid is one number, however many turns there are.
#[tokio::test]
async fn holds_in_two_sales_at_once_never_pass_the_limit_of_both_together() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(4)).await;
    let other = house.another_office().await;
    let sales = [open_sale(&house, "First").await, open_sale(&house, "Second").await];
    let concerts = [concert_of(&house, sales[0], 20).await, concert_of(&house, sales[1], 20).await];
    for user in house.users(6, 0).await {
        for sale in sales {
            join(&house.office, sale, user).await;
        }
        let mut holds = JoinSet::new();
        for nth in 0..12_usize {
            let (office, concert) = ([&house.office, &other][nth / 6].clone(), concerts[nth % 2]);
            holds.spawn(async move {
                let best = concert_core::Wanted::BestAvailable { count: 1, section: None };
                office.hold(user, concert, best).await.map(drop)
            });
        }
        let held = holds.join_all().await.into_iter().filter(Result::is_ok).count();
        assert_eq!(held, 4);
        for sale in sales {
            house.office.leave_queue_in(sale, user).await.expect("leaves");
        }
    }
    house.assert_sound().await;
}

#[tokio::test]
async fn the_same_key_in_another_sale_is_another_request() {
    let house = House::open().await;
    let (first, second) = (open_sale(&house, "First").await, open_sale(&house, "Second").await);
    let user = house.user(0).await;
    let keyed = || crate::support::keyed(user, "once");
    let (ticket, ..) = join(&house.office, first, keyed()).await;
    assert_eq!(join(&house.office, first, keyed()).await.0, ticket);
    assert!(matches!(house.office.join_queue(Join::sale(second, keyed())).await, Err(Error::IdempotencyKeyReused)));
}
