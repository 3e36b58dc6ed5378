//! The queue on a real database: order, cap, promotion, leaving, several processes.

use concert_core::{AdmissionChange, Caller, Credential, Error, Operator, Pass, PerMinute, QueueTicket, TokenStatus};

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

async fn house_for(cap: u32) -> House {
    let house = House::open().await;
    house.office.set_max_active(cap).await.expect("sets the cap");
    house
}

#[tokio::test]
async fn the_first_are_active_and_the_rest_wait_in_order_of_arrival() {
    let house = house_for(2).await;
    for (nth, user) in house.users(5, 0).await.into_iter().enumerate() {
        let standing = house.office.issue_token(user).await.expect("joins").token.standing;
        let expected = if nth < 2 { (TokenStatus::Active, 0) } else { (TokenStatus::Waiting, nth as u64 - 1) };
        assert_eq!((standing.status, standing.queue_position), expected);
    }
    house.assert_sound().await;
}

#[tokio::test]
async fn a_freed_place_goes_to_the_head_of_the_queue_at_the_next_tick() {
    let house = house_for(1).await;
    let users = house.users(4, 0).await;
    for user in &users {
        house.office.issue_token(*user).await.expect("joins");
    }
    house.office.leave_queue(users[0]).await.expect("leaves");
    let late = house.user(0).await;
    let joined = house.office.issue_token(late).await.expect("joins").token.standing;
    assert_eq!((joined.status, joined.queue_position), (TokenStatus::Waiting, 4), "nobody passes those who wait");

    let preview = house.office.back_office().preview_rerank().await.expect("looks");
    let report = house.office.rerank_queue().await.expect("reranks");
    assert_eq!(report, preview);
    assert_eq!((report.expired, report.admitted), (0, 1));
    for (user, position) in [(users[1], 0), (users[2], 1), (users[3], 2), (late, 3)] {
        assert_eq!(house.office.token_status(user).await.expect("stands").standing.queue_position, position);
    }
    assert!(matches!(house.office.token_status(users[0]).await, Err(Error::TokenExpired)));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_turn_ends_on_time_and_the_way_back_is_the_end_of_the_queue() {
    let house = house_for(1).await;
    let users = house.users(3, 0).await;
    for user in &users {
        house.office.issue_token(*user).await.expect("joins");
    }
    house.advance(600);
    assert!(matches!(house.office.token_status(users[0]).await, Err(Error::TokenExpired)), "no tick is needed");
    let back = house.office.issue_token(users[0]).await.expect("joins again");
    assert!(!back.resumed);
    assert_eq!((back.token.standing.status, back.token.standing.queue_position), (TokenStatus::Waiting, 3));
    house.office.rerank_queue().await.expect("reranks");
    assert_eq!(house.office.token_status(users[1]).await.expect("stands").standing.status, TokenStatus::Active);
    house.assert_sound().await;
}

#[tokio::test]
async fn whoever_proves_to_be_in_the_queue_takes_the_place_up_again_and_nobody_else_does() {
    let house = house_for(1).await;
    let users = house.users(2, 0).await;
    house.office.issue_token(users[0]).await.expect("joins");
    let first = house.office.issue_token(users[1]).await.expect("joins");

    assert!(matches!(house.office.issue_token(users[1]).await, Err(Error::AlreadyInQueue)));
    let shown = Caller::with_queue_token(users[1], first.token.ticket.token);
    for proved in [Caller::verified(users[1]), shown] {
        let again = house.office.issue_token(proved).await.expect("resumes");
        assert!(again.resumed);
        assert_eq!(again.token.ticket, first.token.ticket);
        assert_eq!(again.token.standing.queue_position, 1);
    }
    let strangers = Caller::with_queue_token(users[1], concert_core::TokenId::generate());
    assert!(matches!(house.office.issue_token(strangers).await, Err(Error::AlreadyInQueue)));
}

#[tokio::test]
async fn a_poll_follows_the_queue_of_another_process() {
    let house = house_for(1).await;
    let other = house.another_office().await;
    let users = house.users(4, 0).await;
    let mut tickets: Vec<QueueTicket> = Vec::new();
    for user in &users {
        let jwt = house.office.issue_token(*user).await.expect("joins").token.jwt.expect("is signed");
        match other.authenticate(&jwt).await.expect("holds") {
            Credential::Queue(ticket) => tickets.push(ticket),
            Credential::Session { .. } => panic!("a queue token"),
        }
    }
    assert_eq!(other.poll(&tickets[3]).await.expect("stands").queue_position, 3);
    house.office.leave_queue(users[1]).await.expect("leaves");
    house.office.leave_queue(users[0]).await.expect("leaves");
    house.office.rerank_queue().await.expect("reranks");
    other.refresh_queue().await.expect("refreshes");

    assert_eq!(other.poll(&tickets[3]).await.expect("stands").queue_position, 1);
    let admitted = other.poll(&tickets[2]).await.expect("stands");
    assert_eq!((admitted.status, admitted.remaining_seconds), (TokenStatus::Active, 600), "the poll claims it");
    for gone in &tickets[..2] {
        assert!(matches!(other.poll(gone).await, Err(Error::TokenExpired)));
    }
    let late = house.user(0).await;
    let late = house.office.issue_token(late).await.expect("joins").token.ticket;
    assert_eq!(other.poll(&late).await.expect("is looked up").queue_position, 2, "newer than the snapshot");
}

#[tokio::test]
async fn after_the_last_payment_a_turn_ends_soon() {
    let house = house_for(5).await;
    let concert = house.concert(5).await;
    let user = house.user(500).await;
    house.office.issue_token(user).await.expect("joins");
    let remaining = || async { house.office.token_status(user).await.expect("stands").standing.remaining_seconds };

    let first = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let second = house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    house.office.pay(user, first.id, money(PRICE)).await.expect("pays");
    assert_eq!(remaining().await, 600, "there is something left to pay");
    house.office.pay(user, second.id, money(PRICE)).await.expect("pays");
    assert_eq!(remaining().await, 60);
    house.advance(60);
    assert!(matches!(
        house.office.hold_one(user, concert, seat(3)).await,
        Err(Error::TokenNotActive { status: Some(TokenStatus::Active) })
    ));
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn the_wait_is_estimated_from_the_measured_rate() {
    let house = house_for(10).await;
    let users = house.users(60, 0).await;
    for user in &users {
        house.office.issue_token(*user).await.expect("joins");
    }
    let remaining = || async { house.office.token_status(users[59]).await.expect("stands").standing };
    assert_eq!(
        remaining().await.remaining_seconds,
        5 * 600,
        "position 50 of a cap of 10, everyone taking all their time"
    );

    house.office.refresh_queue().await.expect("refreshes");
    for tick in 0..2 {
        for user in &users[tick * 10..(tick + 1) * 10] {
            house.office.leave_queue(*user).await.expect("leaves");
        }
        house.advance(10);
        house.office.rerank_queue().await.expect("reranks");
    }
    let standing = remaining().await;
    assert_eq!((standing.queue_position, standing.remaining_seconds), (30, 30), "20 admitted in 20 s");
}

#[tokio::test]
async fn one_process_at_a_time_takes_its_turn() {
    let house = house_for(1).await;
    let other = house.another_office().await;
    let period = std::time::Duration::from_secs(10);
    assert!(house.office.acquire_pass(Pass::Rerank, period).await.expect("asks"));
    assert!(!other.acquire_pass(Pass::Rerank, period).await.expect("asks"));
    assert!(other.acquire_pass(Pass::Sweep, period).await.expect("asks"), "each pass has its own turn");
    house.advance(10);
    assert!(other.acquire_pass(Pass::Rerank, period).await.expect("asks"));
    assert!(!house.office.acquire_pass(Pass::Rerank, period).await.expect("asks"));
}

#[tokio::test]
async fn a_lowered_cap_lets_nobody_in_until_there_is_room() {
    let house = house_for(3).await;
    let users = house.users(5, 0).await;
    for user in &users {
        house.office.issue_token(*user).await.expect("joins");
    }
    house.advance(1);
    house.office.set_max_active(1).await.expect("sets the cap");
    house.office.leave_queue(users[0]).await.expect("leaves");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 0);
    house.assert_sound().await;
    house.office.leave_queue(users[1]).await.expect("leaves");
    house.office.leave_queue(users[2]).await.expect("leaves");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 1);
    house.assert_sound().await;
}

/// A house with a cap of 1 in which the first is in and the others wait.
async fn one_in(others: usize) -> (House, Vec<concert_core::UserId>, Vec<QueueTicket>) {
    let house = house_for(1).await;
    let users = house.users(others + 1, 500).await;
    let mut tickets = Vec::new();
    for user in &users {
        tickets.push(house.office.issue_token(*user).await.expect("joins").token.ticket);
    }
    (house, users, tickets)
}

#[tokio::test]
async fn a_turn_that_nobody_picks_up_goes_to_the_next() {
    let (house, users, tickets) = one_in(2).await;
    house.office.leave_queue(users[0]).await.expect("leaves");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 1);
    house.advance(59);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 0);
    house.advance(1);
    let preview = house.office.back_office().preview_rerank().await.expect("looks");
    let report = house.office.rerank_queue().await.expect("reranks");
    assert_eq!(report, preview);
    assert_eq!((report.expired, report.no_shows, report.admitted), (1, 1, 1));
    assert!(matches!(house.office.poll(&tickets[1]).await, Err(Error::TokenExpired)));
    assert_eq!(
        house.count("select count(*) from tokens where ended_reason = 'NO_SHOW' and status = 'EXPIRED'").await,
        1
    );

    house.advance(59);
    let standing = house.office.poll(&tickets[2]).await.expect("stands");
    assert_eq!((standing.status, standing.remaining_seconds), (TokenStatus::Active, 600), "counted from the pick-up");
    house.advance(599);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 0);
    assert_eq!(house.office.poll(&tickets[2]).await.expect("stands").remaining_seconds, 1);
    house.advance(1);
    let report = house.office.rerank_queue().await.expect("reranks");
    assert_eq!((report.expired, report.no_shows), (1, 0), "a turn that was claimed is not a no-show");
    assert_eq!(house.office.back_office().queue_figures().await.expect("reads").no_shows, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn joining_into_a_turn_claims_it() {
    let (house, users, _) = one_in(0).await;
    house.advance(300);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 0);
    assert_eq!(house.office.token_status(users[0]).await.expect("stands").standing.remaining_seconds, 300);
}

#[tokio::test]
async fn acting_resuming_and_asking_pick_a_turn_up_and_looking_over_the_shoulder_does_not() {
    let house = House::open().await;
    let concert = house.concert(5).await;
    let other = house.another_office().await;
    let users = house.users(4, 500).await;
    house.office.back_office().pause_queue().await.expect("pauses");
    for user in &users {
        house.office.issue_token(*user).await.expect("joins");
    }
    other.refresh_queue().await.expect("refreshes");
    house.office.back_office().resume_queue().await.expect("resumes");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 4);
    house.advance(10);
    let unclaimed = || house.count("select count(*) from tokens where status = 'ACTIVE' and claimed_at is null");
    let looked_up = house.office.back_office().inspect_token(users[0]).await.expect("stands").standing;
    assert_eq!((looked_up.status, looked_up.remaining_seconds, unclaimed().await), (TokenStatus::Active, 50, 4));

    let held =
        other.hold_one(users[0], concert, seat(1)).await.expect("a process that has not seen it lets the user act");
    assert_eq!(unclaimed().await, 3);
    let resumed = other.issue_token(Caller::verified(users[1])).await.expect("resumes");
    assert_eq!((resumed.resumed, resumed.token.standing.remaining_seconds, unclaimed().await), (true, 600, 2));
    let asked = house.office.token_status(users[2]).await.expect("stands").standing;
    assert_eq!((asked.remaining_seconds, unclaimed().await), (600, 1));

    house.office.pay(users[0], held.id, money(PRICE)).await.expect("pays");
    let after = house.office.token_status(users[0]).await.expect("stands").standing;
    assert_eq!(after.remaining_seconds, 60, "after the last payment a turn still ends soon");
    house.advance(50);
    assert!(matches!(
        house.office.hold_one(users[3], concert, seat(2)).await,
        Err(Error::TokenNotActive { status: Some(TokenStatus::Active) })
    ));
    assert_eq!(house.office.rerank_queue().await.expect("reranks").no_shows, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn many_polls_at_once_pick_a_turn_up_once() {
    let (house, users, tickets) = one_in(1).await;
    house.office.leave_queue(users[0]).await.expect("leaves");
    house.office.rerank_queue().await.expect("reranks");
    let writes = || house.count("select cast(change_seq as signed) from queue_gate");
    let before = writes().await;
    let mut polls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (office, ticket) = (house.office.clone(), tickets[1]);
        polls.spawn(async move { office.poll(&ticket).await });
    }
    for standing in polls.join_all().await {
        assert_eq!(standing.expect("stands").status, TokenStatus::Active);
    }
    assert_eq!(writes().await - before, 1);
    assert_eq!(house.office.poll(&tickets[1]).await.expect("stands").remaining_seconds, 600);
    assert_eq!(writes().await - before, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_paused_queue_lets_nobody_in_in_any_process() {
    let house = house_for(2).await;
    let other = house.another_office().await;
    assert!(house.office.back_office().pause_queue().await.expect("pauses"));
    assert!(!other.back_office().pause_queue().await.expect("was paused"));
    for user in house.users(2, 0).await {
        let standing = other.issue_token(user).await.expect("joins").token.standing;
        assert_eq!(standing.status, TokenStatus::Waiting, "although there is room");
    }
    assert_eq!(other.back_office().preview_rerank().await.expect("looks").admitted, 0);
    assert_eq!(other.rerank_queue().await.expect("reranks").admitted, 0);
    assert!(other.back_office().resume_queue().await.expect("resumes"));
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 2);
    house.assert_sound().await;
}

#[tokio::test]
async fn no_more_than_so_many_are_let_in_within_any_minute_by_whichever_way_and_process() {
    let house = house_for(100).await;
    let other = house.another_office().await;
    assert!(
        house
            .office
            .back_office()
            .set_admission(AdmissionChange::new().with_per_minute(PerMinute::AtMost(3)))
            .await
            .expect("sets")
    );
    let users = house.users(12, 0).await;
    for (nth, user) in users.iter().enumerate() {
        let office = if nth % 2 == 0 { &house.office } else { &other };
        let status = office.issue_token(*user).await.expect("joins").token.standing.status;
        assert_eq!(status == TokenStatus::Active, nth < 3, "joining counts");
        house.advance(1);
    }
    let mut admitted = Vec::new();
    for tick in 0..18 {
        let office = if tick % 2 == 0 { &house.office } else { &other };
        let preview = office.back_office().preview_rerank().await.expect("looks");
        let report = office.rerank_queue().await.expect("reranks");
        assert_eq!(report, preview);
        admitted.push(report.admitted);
        house.advance(10);
    }
    // At 12 s and every 10 s; the first three were let in at 0, 1 and 2 s.
    assert_eq!(admitted, [0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 3]);
    assert!(
        house
            .office
            .back_office()
            .set_admission(AdmissionChange::new().with_per_minute(PerMinute::Unlimited))
            .await
            .expect("lifts it")
    );
    let user = house.user(0).await;
    assert_eq!(
        house.office.issue_token(user).await.expect("joins").token.standing.status,
        TokenStatus::Active,
        "there is no limit any more"
    );
    house.assert_sound().await;
}

#[tokio::test]
async fn the_record_says_who_changed_what_and_when() {
    let house = House::open().await;
    house.office.set_max_active(10).await.expect("is so already");
    let bob: Operator = "bob".parse().expect("a name");
    house.office.set_max_active(20).await.expect("sets the cap");
    house.advance(5);
    house.office.back_office().pause_queue().await.expect("pauses");
    house.office.operator(bob.clone()).pause_queue().await.expect("is paused already");
    let both = AdmissionChange::new().with_max_active(30).with_per_minute(PerMinute::AtMost(100));
    house.office.operator(bob.clone()).set_admission(both).await.expect("sets");
    let log = house.office.back_office().queue_log(10).await.expect("reads");
    let log: Vec<_> =
        log.iter().map(|c| [c.by.as_str(), c.setting.as_str(), c.was.as_str(), c.becomes.as_str()]).collect();
    assert_eq!(
        log,
        [
            ["bob", "per_minute", "none", "100"],
            ["bob", "max_active", "20", "30"],
            ["ann@box-office", "paused", "no", "yes"],
            ["application", "max_active", "10", "20"],
        ]
    );
    assert_eq!(house.office.back_office().queue_log(1).await.expect("reads").len(), 1);
    let nothing = AdmissionChange::new();
    let [nobody, everybody] = [0, u32::MAX].map(|most| nothing.with_max_active(most));
    for change in [nothing, nobody, everybody, nothing.with_per_minute(PerMinute::AtMost(0))] {
        let refused = house.office.operator(bob.clone()).set_admission(change).await;
        assert!(matches!(refused, Err(Error::InvalidInput(_))), "{change:?}");
    }
    assert!(" ".parse::<Operator>().is_err());
}

/// Who is in the queue of a simulated sale.
struct Buyer {
    user: concert_core::UserId,
    ticket: QueueTicket,
    joined: u64,
    /// When this one gives up waiting, or, once in, is done.
    until: u64,
    shows_up: bool,
    /// When what was said, until the turn begins.
    told: Vec<(u64, u64)>,
    in_since: Option<u64>,
}

#[tokio::test]
async fn the_estimated_wait_is_the_true_one_within_a_fifth() {
    let mut random = Random(7);
    let house = house_for(20).await;
    let mut errors = Vec::new();
    let mut here: Vec<Buyer> = Vec::new();
    let users = house.users(420, 0).await;
    let mut arriving = users.into_iter();
    for tick in 0..720 {
        let now = tick * 10;
        // A rush at first, later a few.
        let arrivals = if tick < 10 { 24 } else { usize::from(tick % 3 == 0) };
        for user in arriving.by_ref().take(arrivals) {
            let joined = house.office.issue_token(user).await.expect("joins").token;
            // One in four has less patience than the wait is long.
            let patience = if random.below(4) == 0 { random.below(2_400) } else { 1_000_000 };
            let mut buyer = Buyer {
                user,
                ticket: joined.ticket,
                joined: now,
                until: now + patience,
                shows_up: random.below(5) > 0,
                told: Vec::new(),
                in_since: None,
            };
            match joined.standing.status {
                TokenStatus::Active => (buyer.in_since, buyer.until) = (Some(now), now + 60 + random.below(300)),
                _ => buyer.told.push((now, joined.standing.remaining_seconds)),
            }
            here.push(buyer);
        }
        let mut staying = Vec::new();
        for mut buyer in here {
            if buyer.until <= now {
                let left = house.office.leave_queue(buyer.user).await;
                assert!(matches!(left, Ok(()) | Err(Error::TokenNotFound)), "it may have been a no-show: {left:?}");
                continue;
            }
            if buyer.in_since.is_none() && (buyer.shows_up || (now - buyer.joined) % 120 == 0) {
                let inside = house.office.back_office().inspect_token(buyer.user).await;
                match inside.map(|token| token.standing) {
                    Ok(standing) if standing.status == TokenStatus::Waiting => {
                        if (now - buyer.joined) % 120 == 0 {
                            buyer.told.push((now, standing.remaining_seconds));
                        }
                    }
                    Ok(_) if buyer.shows_up => {
                        assert_eq!(house.office.poll(&buyer.ticket).await.expect("is in").remaining_seconds, 600);
                        (buyer.in_since, buyer.until) = (Some(now), now + 60 + random.below(300));
                        // The tick before let it in.
                        errors.extend(buyer.told.iter().filter(|(at, _)| now > at + 10).map(|(at, told)| {
                            let waited = (now - 10 - at) as f64;
                            (*told as f64 - waited).abs() / waited
                        }));
                    }
                    Ok(_) => {}
                    Err(_) => continue,
                }
            }
            staying.push(buyer);
        }
        here = staying;
        house.office.rerank_queue().await.expect("reranks");
        house.advance(10);
    }
    house.assert_sound().await;
    let figures = house.office.back_office().queue_figures().await.expect("reads");
    assert!(figures.no_shows > 30 && figures.departed > 30, "{figures:?}");
    errors.sort_by(f64::total_cmp);
    let median = errors[errors.len() / 2];
    println!("{} estimates, median error {:.1} %, {figures:?}", errors.len(), median * 100.0);
    assert!(errors.len() > 500 && median < 0.2, "{} estimates, median error {median}", errors.len());
}

/// The same numbers in every run (a linear congruential generator; Knuth, TAOCP 2, 3.3.4).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[tokio::test]
async fn following_claims_the_turn() {
    let house = house_for(1).await;
    let users = house.users(2, 0).await;
    house.office.issue_token(users[0]).await.expect("joins");
    let ticket = house.office.issue_token(users[1]).await.expect("joins").token.ticket;
    house.office.refresh_queue().await.expect("refreshes");
    let mut follow = house.office.follow(ticket).await.expect("follows");
    assert_eq!(follow.standing().queue_position, 1);

    house.office.leave_queue(users[0]).await.expect("leaves");
    house.office.rerank_queue().await.expect("reranks");
    let standing = follow.changed().await.expect("is let in");
    assert_eq!((standing.status, standing.remaining_seconds), (TokenStatus::Active, 600), "the whole turn");
    house.advance(120);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 0);
    house.assert_sound().await;
}
