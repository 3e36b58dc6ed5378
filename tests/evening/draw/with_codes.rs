//! A draw in a sale that has codes: who is where, at the doors and after the opening, on every server.

use concert_core::{
    AccessCode, BoxOffice, Caller, CodeKind, Join, NewCodes, QueueTicket, SaleId, Standing, TokenStatus, UserId,
};

use super::{UNTIL_OPENING, at_the_doors};
use crate::support::{House, Shortcuts as _};

async fn codes(house: &House, sale: SaleId, kind: CodeKind, count: u32) -> Vec<AccessCode> {
    let new = NewCodes::new(kind, count).expect("a number");
    let made = house.office.back_office().make_codes(sale, new).await.expect("makes codes");
    made.codes.into_iter().map(|(_, code)| code).collect()
}

async fn join(office: &BoxOffice, sale: SaleId, who: impl Into<Caller>, code: Option<&AccessCode>) -> QueueTicket {
    office.join_queue(Join::sale(sale, who).with_code(code.cloned())).await.expect("joins").token.ticket
}

/// What a server tells somebody.
async fn standing(office: &BoxOffice, ticket: &QueueTicket) -> Standing {
    office.refresh_queue().await.expect("refreshes");
    office.poll(ticket).await.expect("is in the queue")
}

/// What all servers tell everybody, which must be the same: the positions, 0 for who is in; `None` for who awaits the draw.
async fn told(offices: &[BoxOffice], tickets: &[QueueTicket]) -> Vec<Option<u64>> {
    let mut all = Vec::new();
    for office in offices {
        let mut positions = Vec::new();
        for ticket in tickets {
            let Standing { status, queue_position, awaits_draw, .. } = standing(office, ticket).await;
            assert_eq!(status == TokenStatus::Active, queue_position == 0 && !awaits_draw, "{ticket:?}");
            positions.push((!awaits_draw).then_some(queue_position));
        }
        all.push(positions);
    }
    assert!(all.windows(2).all(|both| both[0] == both[1]), "servers agree: {all:?}");
    all.remove(0)
}

#[tokio::test]
async fn codes_come_before_the_draw_and_the_draw_orders_the_others_on_all_servers() {
    let house = House::open().await;
    let (sale, other) = (at_the_doors(&house).await, house.another_office().await);
    let presale = codes(&house, sale, CodeKind::Presale, 2).await;
    let front = codes(&house, sale, CodeKind::Front, 4).await;
    let (plain, with_codes) = (house.users(12, 0).await, house.users(6, 0).await);
    let mut drawn = Vec::new();
    for (nth, user) in plain.iter().enumerate() {
        drawn.push(join([&house.office, &other][nth % 2], sale, *user, None).await);
    }
    let in_front = [
        join(&other, sale, with_codes[0], Some(&front[0])).await,
        join(&house.office, sale, with_codes[1], Some(&front[1])).await,
        // This one waited for the draw before, and keeps the ticket.
        join(&other, sale, Caller::verified(plain[0]), Some(&front[2])).await,
    ];
    assert_eq!(drawn.remove(0), in_front[2]);
    let early = [
        join(&house.office, sale, with_codes[2], Some(&presale[0])).await,
        join(&other, sale, with_codes[3], Some(&presale[1])).await,
    ];

    // At the doors: the pre-sale is in, places in front are known, the others await the draw.
    house.office.rerank_queue().await.expect("reranks");
    let offices = [house.office.clone(), other.clone()];
    assert_eq!(told(&offices, &early).await, [Some(0); 2]);
    assert_eq!(told(&offices, &in_front).await, [Some(1), Some(2), Some(3)]);
    assert_eq!(told(&offices, &drawn).await, [None; 11]);

    // At the opening the turns of the pre-sale are over, so those in front are let in. A server that starts now says the same.
    house.advance(UNTIL_OPENING);
    other.rerank_queue().await.expect("reranks");
    let offices = [house.office.clone(), other.clone(), house.another_office().await];
    assert_eq!(told(&offices, &in_front).await, [Some(0); 3]);
    let draw = house.office.sale(sale).await.expect("is there").draw.expect("it is drawn");
    assert_eq!(draw.count, Some(16), "codes or not: everybody who was at the doors is in it");
    let places = draw.places().expect("it is made");
    drawn.sort_by_key(|ticket| places.place_of(ticket.ticket));
    assert_eq!(told(&offices, &drawn).await, (1..=11).map(Some).collect::<Vec<_>>());

    // Latecomers: behind all who were drawn, but for a place in front.
    let late = join(&house.office, sale, with_codes[4], None).await;
    let late_in_front = join(&other, sale, with_codes[5], Some(&front[3])).await;
    assert_eq!(told(&offices, &[late_in_front, drawn[0], drawn[10], late]).await, [1, 2, 12, 13].map(Some));

    // They are let in as they stand, whichever server does it.
    let mut order: Vec<UserId> = in_front.iter().chain([&late_in_front]).map(|one| one.user).collect();
    order.extend(drawn.iter().chain([&late]).map(|one| one.user));
    for (nth, user) in order.iter().enumerate() {
        assert_eq!(
            house.office.token_status_in(sale, *user).await.expect("is in").standing.status,
            TokenStatus::Active
        );
        offices[nth % 3].leave_queue_in(sale, *user).await.expect("leaves");
        offices[(nth + 1) % 3].rerank_queue().await.expect("reranks");
        house.office.refresh_queue().await.expect("refreshes");
    }
    let verified = house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies");
    assert!(verified.agrees(), "{verified:?}");
    house.assert_sound().await;
}
