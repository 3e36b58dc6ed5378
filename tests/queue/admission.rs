//! How many operators let in: the cap, the pause, so many within a minute; and the record of it.

use concert_core::{AdmissionChange, Error, Operator, PerMinute, TokenStatus};

use super::house_for;
use crate::support::{House, Shortcuts as _};

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
