//! Doors, opening and close of a sale, also where they are changed while it runs.

use concert_core::{Caller, Error, Join, SaleChange, SalePhase, TokenStatus};

use super::{concert_of, in_seconds, join, sale};
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

#[tokio::test]
async fn a_sale_has_doors_an_opening_and_a_close() {
    let house = House::open().await;
    let times = SaleChange::new()
        .with_doors_at(in_seconds(&house, 60))
        .with_opens_at(in_seconds(&house, 120))
        .with_closes_at(in_seconds(&house, 240));
    let sale = sale(&house.office, "Friday", times).await;
    let concert = concert_of(&house, sale, 5).await;
    let users = house.users(3, 1_000).await;
    match house.office.join_queue(Join::sale(sale, users[0])).await {
        Err(Error::SaleNotOpen { doors_at, opens_at, now }) => {
            assert_eq!((doors_at, opens_at), (in_seconds(&house, 60), in_seconds(&house, 120)));
            assert_eq!(now, house.office.now());
        }
        other => panic!("{other:?}"),
    }
    house.advance(60);
    let joined = house.office.join_queue(Join::sale(sale, users[0])).await.expect("joins");
    let standing = &joined.token.standing;
    assert_eq!((standing.status, standing.queue_position), (TokenStatus::Waiting, 1));
    assert_eq!(
        (standing.phase, standing.opens_at, standing.awaits_draw),
        (SalePhase::Doors, in_seconds(&house, 60), false)
    );
    assert!(standing.remaining_seconds >= 60, "nobody is let in before the opening");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 0);
    house.advance(60);
    assert_eq!(house.office.poll(&joined.token.ticket).await.expect("polls").phase, SalePhase::Open);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 1);
    let held = house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    house.advance(119);
    assert_eq!(join(&house.office, sale, users[1]).await.1, TokenStatus::Active);
    house.office.hold_one(users[1], concert, seat(2)).await.expect("holds, in the last second");
    house.advance(1);
    assert!(matches!(house.office.join_queue(Join::sale(sale, users[2])).await, Err(Error::SaleClosed)));
    assert!(matches!(house.office.hold_one(users[1], concert, seat(3)).await, Err(Error::SaleClosed)));
    let best = concert_core::Wanted::BestAvailable { count: 1, section: None };
    assert!(matches!(house.office.hold(users[1], concert, best).await, Err(Error::SaleClosed)));
    house.office.pay(users[0], held.id, money(PRICE)).await.expect("what is held is paid");
    let again = house.office.join_queue(Join::sale(sale, Caller::verified(users[1]))).await.expect("resumes");
    assert_eq!((again.resumed, again.token.standing.phase), (true, SalePhase::Closed));
    house.assert_sound().await;
}

#[tokio::test]
async fn instants_are_changed_live_and_other_servers_learn_of_it() {
    let house = House::open().await;
    let other = house.another_office().await;
    let sale = sale(&house.office, "Friday", SaleChange::new().with_opens_at(in_seconds(&house, 3_600))).await;
    let concert = concert_of(&house, sale, 5).await;
    let user = house.user(0).await;
    let (ticket, status, _) = join(&other, sale, user).await;
    assert_eq!(status, TokenStatus::Waiting);
    let now = SaleChange::new().with_opens_at(Some(house.office.now()));
    let opened = house.office.back_office().set_sale(sale, now, None).await.expect("opens it");
    assert_eq!((opened.phase, opened.waiting, opened.active, opened.version), (SalePhase::Open, 0, 1, 2));
    other.refresh_queue().await.expect("refreshes");
    let standing = other.poll(&ticket).await.expect("polls");
    assert_eq!((standing.status, standing.phase), (TokenStatus::Active, SalePhase::Open));
    other.hold_one(user, concert, seat(1)).await.expect("holds");
    house.advance(1);
    let closed = SaleChange::new().with_closes_at(Some(house.office.now()));
    house.office.back_office().set_sale(sale, closed, None).await.expect("closes it");
    assert!(
        matches!(other.hold_one(user, concert, seat(2)).await, Err(Error::SaleClosed)),
        "what it remembered is renewed"
    );
    let longer = SaleChange::new().with_closes_at(None);
    house.office.back_office().set_sale(sale, longer, None).await.expect("opens it again");
    other.hold_one(user, concert, seat(2)).await.expect("holds");
    house.assert_sound().await;
}
