use std::time::Duration;

use super::*;
use crate::clock::span;
use crate::id::{SaleId, TokenId};
use crate::phase::EntryOrder;
use crate::queue::draw::{DrawKey, DrawSecret, GateDraw};
use crate::queue::line::DrawnLines;
use crate::queue::rows::{Effects, LastMinute};
use crate::queue::{Admission, EndedReason, Token, TokenStatus};

fn noon() -> Timestamp {
    Timestamp::from_timestamp(1_803_902_400, 0).expect("in range")
}

fn gate(change_seq: u64) -> Gate {
    let admission = Admission { paused: false, max_active: 1, per_minute: None };
    Gate {
        sale: SaleId::DEFAULT,
        times: SaleTimes::ALWAYS_OPEN,
        order: EntryOrder::Arrival,
        next_ticket: 100,
        change_seq,
        active: 0,
        waiting: 0,
        admitted: 0,
        departed: 0,
        no_shows: 0,
        most_active: 1,
        redeemed: 0,
        admission,
        draw: None,
    }
}

fn token(ticket: u64, status: TokenStatus) -> Token {
    let until = noon() + span(Duration::from_secs(600));
    let (id, user) = (TokenId::generate(), user(ticket));
    let (sale, claimed_at) = (SaleId::DEFAULT, Some(noon()));
    Token { id, user, sale, ticket, status, created_at: noon(), expires_at: until, claimed_at }
}

fn user(ticket: u64) -> UserId {
    UserId::from_uuid(uuid::Uuid::from_u128(ticket.into()))
}

fn change(ticket: u64, status: TokenStatus, change_seq: u64) -> TokenChange {
    TokenChange { ticket, status, change_seq }
}

fn read(changes: Vec<TokenChange>, seq: u64, active: &[u64]) -> Refresh {
    let until = noon() + span(Duration::from_secs(600));
    let turn = |ticket: &u64| (*ticket, TicketTurn { user: user(*ticket), until, claimed: true });
    Refresh {
        changes,
        in_front: Vec::new(),
        gate: gate(seq),
        active: active.iter().map(turn).collect(),
        pace: None,
        drawn: None,
    }
}

fn effects(before: u64) -> Effects {
    Effects {
        gate_before: gate(before),
        gate: gate(before + 1),
        claimed: Vec::new(),
        ended: Vec::new(),
        admitted: Vec::new(),
        joined: Vec::new(),
        redeemed: Vec::new(),
        let_in: 0,
        last_minute: LastMinute::unlimited(noon()),
        log: Vec::new(),
        sample: None,
        sale: None,
    }
}

#[test]
fn a_refresh_that_was_read_before_a_batch_does_not_undo_it() {
    // Read: ticket 1 and 2 joined in change 8. Applied meanwhile: joined in 8, 1 admitted in 9, 2 left in 10.
    let mut queue = Snapshot::new(&gate(7), [3].into_iter().collect(), Vec::new());
    let late = read(vec![change(1, TokenStatus::Waiting, 8), change(2, TokenStatus::Waiting, 8)], 8, &[]);
    let waiting = |ticket| token(ticket, TokenStatus::Waiting);
    queue.apply(&Effects { joined: vec![waiting(1), waiting(2)], ..effects(7) });
    assert_eq!(queue.place(3, noon()), TicketPlace::Waiting { position: 3, among_seen: 3, priority: None });
    queue.apply(&Effects { admitted: vec![token(1, TokenStatus::Active)], ..effects(8) });
    let left = (token(2, TokenStatus::Expired), EndedReason::Left);
    queue.apply(&Effects { ended: vec![left], ..effects(9) });
    assert!(queue.absorb(late, noon()), "the batches moved the queue");

    assert!(matches!(queue.place(1, noon()), TicketPlace::Active { .. }));
    assert_eq!(queue.place(2, noon()), TicketPlace::Unknown);
    assert_eq!(
        queue.place(3, noon()),
        TicketPlace::Waiting { position: 1, among_seen: 1, priority: None },
        "nobody moves back"
    );
    assert!(!queue.absorb(read(Vec::new(), 10, &[1]), noon()), "nothing is new");
}

#[test]
fn a_turn_that_a_payment_cut_short_is_news() {
    let mut queue = Snapshot::new(&gate(7), RoaringTreemap::new(), Vec::new());
    queue.apply(&Effects { joined: vec![token(1, TokenStatus::Active)], ..effects(7) });
    assert!(queue.absorb(read(Vec::new(), 8, &[1]), noon()));
    let soon = noon() + span(Duration::from_secs(60));
    let shortened = Refresh {
        in_front: Vec::new(),
        changes: Vec::new(),
        gate: gate(7),
        active: HashMap::from([(1, TicketTurn { user: user(1), until: soon, claimed: true })]),
        pace: None,
        drawn: None,
    };
    assert!(queue.absorb(shortened, noon()));
    assert_eq!(queue.place(1, noon()), TicketPlace::Active { until: soon });
    assert!(queue.absorb(read(Vec::new(), 8, &[]), soon), "its end, too");
}

#[test]
fn a_turn_that_a_hold_made_longer_is_not_shortened_by_a_reading_from_before() {
    let mut queue = Snapshot::new(&gate(7), RoaringTreemap::new(), Vec::new());
    queue.absorb(read(Vec::new(), 7, &[1, 2]), noon());
    let ends = |minutes: u64| noon() + span(Duration::from_secs(60 * minutes));
    queue.begin_reading();
    queue.lengthen(user(1), ends(14));
    queue.lengthen(user(1), ends(9));
    queue.lengthen(user(3), ends(14));
    assert_eq!(queue.place(1, noon()), TicketPlace::Active { until: ends(14) }, "at once");
    assert!(queue.absorb(read(Vec::new(), 7, &[1, 2]), noon()), "it is news for who follows");
    assert_eq!(queue.place(1, noon()), TicketPlace::Active { until: ends(14) });
    assert_eq!(queue.place(2, noon()), TicketPlace::Active { until: ends(10) });
    // Cut by a payment since: a reading that began after the hold was committed has seen that.
    queue.begin_reading();
    queue.absorb(read(Vec::new(), 7, &[1, 2]), noon());
    assert_eq!(queue.place(1, noon()), TicketPlace::Active { until: ends(10) });
}

#[test]
fn a_draw_is_taken_over_when_all_who_were_drawn_are_known() {
    let places = Arc::new(Places::of_draw(&DrawKey::new([1; 32]), 5));
    let mut made = GateDraw::new(DrawSecret::generate());
    let mut drawn_gate = |seq| {
        made.make(5);
        Gate { draw: Some(made.clone()), ..gate(seq) }
    };
    let pending = Gate { draw: Some(GateDraw::new(DrawSecret::generate())), next_ticket: 5, ..gate(7) };
    let mut queue = Snapshot::new(&pending, (1..=4).collect(), Vec::new());
    assert!(queue.awaits_draw() && queue.first_drawn(10).is_none());
    let lines = |queue: &Snapshot| {
        let [waiting, seen] = queue.lines();
        Some(DrawnLines::new(waiting, seen, &places))
    };
    // Ticket 5 joined and the draw was made after the changes were read, and before the gate was.
    let early = Refresh { gate: drawn_gate(9), drawn: lines(&queue), ..read(Vec::new(), 9, &[]) };
    queue.absorb(early, noon());
    assert!(queue.awaits_draw(), "who is not known yet may have the first place");
    let changes = vec![change(5, TokenStatus::Waiting, 8), change(2, TokenStatus::Expired, 9)];
    let next = Refresh { gate: drawn_gate(9), drawn: lines(&queue), ..read(changes, 9, &[]) };
    queue.absorb(next, noon());
    assert!(!queue.awaits_draw());
    let mut order = [1, 3, 4, 5];
    order.sort_by_key(|ticket| places.place_of(*ticket));
    assert_eq!(queue.first_drawn(10), Some(DrawnHeads { count: 5, tickets: order.to_vec(), all: true }));
    assert_eq!(queue.first_drawn(2), Some(DrawnHeads { count: 5, tickets: order[..2].to_vec(), all: false }));
    for (ticket, position) in order.iter().zip(1..) {
        assert_eq!(
            queue.place(*ticket, noon()),
            TicketPlace::Waiting { position, among_seen: position, priority: None }
        );
    }
    queue.set_seen(Line::new([order[3]].into_iter().collect(), None), 100, true);
    assert_eq!(queue.place(order[2], noon()), TicketPlace::Waiting { position: 3, among_seen: 1, priority: None });
    assert_eq!(queue.first_seen(10, 1_000, noon()).map(|seen| seen.heads[0].ticket), Some(order[3]));
}
