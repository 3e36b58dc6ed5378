//! Tickets that are shown at gates: the door as one would explain it, the lane over tables, and single cases.

use super::lanes::{ModelLane, require};
use super::usual::{opened, recharge, reserve, run};
use super::world::outcomes;
use super::*;
use crate::id::{LogEntryId, TicketKeyId};
use crate::ticket::model::{CheckInTicket, Effects, Rows, Sold};
use crate::ticket::{CheckInBatch, TicketClaims};

/// Gates by number.
const GATES: [&str; 2] = ["north", "south"];
/// The most that a gate's clock is ahead, and the longest that it is without the network.
const AHEAD: i64 = 300;
const OFFLINE: i64 = 86_400;

/// A ticket at a gate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    nth: usize,
    version: Version,
    key: Key,
    gate: usize,
    /// How many seconds ago the gate let it in, if it was without the network.
    ago: Option<i64>,
    /// The idempotency key of the request, if it has one.
    request: Option<u8>,
}

/// Whose code is shown.
#[derive(Debug, Clone, Copy)]
enum Version {
    First,
    Newest,
    /// One that was never given out.
    Next,
}

/// What the code is signed with.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Key {
    InForce,
    Retired,
    Unknown,
}

impl Shown {
    const fn at(gate: usize, nth: usize) -> Self {
        Self { nth, version: Version::Newest, key: Key::InForce, gate, ago: None, request: None }
    }

    /// The same of one of the holds that are known, from 100 on mostly of a sold one.
    pub(super) fn aimed(self, pick: impl Fn(usize) -> usize) -> Self {
        Self { nth: pick(self.nth), ..self }
    }

    pub(super) const fn nth(self) -> usize {
        self.nth
    }
}

pub(super) fn shown() -> impl Strategy<Value = Shown> {
    let version = prop_oneof![6 => Just(Version::Newest), 3 => Just(Version::First), 1 => Just(Version::Next)];
    let key = prop_oneof![18 => Just(Key::InForce), 1 => Just(Key::Retired), 1 => Just(Key::Unknown)];
    let edges = prop_oneof![Just(-AHEAD - 1), Just(-AHEAD), Just(OFFLINE), Just(OFFLINE + 1)];
    let ago = prop_oneof![6 => Just(None), 4 => (0..2_i64).prop_map(Some), 1 => edges.prop_map(Some)];
    let request = prop_oneof![3 => Just(None), 1 => (0..3_u8).prop_map(Some)];
    (0..200_usize, version, key, 0..GATES.len(), ago, request)
        .prop_map(|(nth, version, key, gate, ago, request)| Shown { nth, version, key, gate, ago, request })
}

/// The doors of the spec.
#[derive(Debug, Default)]
pub(super) struct Doors {
    /// How often each ticket got another owner.
    moves: HashMap<usize, u32>,
    inside: HashMap<usize, Inside>,
    /// Which ticket each idempotency key has let in.
    requests: HashMap<u8, usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Inside {
    gate: usize,
    at: i64,
    recorded: i64,
    request: Option<u8>,
}

impl Doors {
    pub(super) fn moved(&mut self, nth: usize) {
        *self.moves.entry(nth).or_default() += 1;
    }

    /// `hold`: what became of the hold that the ticket is named after.
    pub(super) fn show(&mut self, shown: Shown, hold: Option<Hold>, called_off: bool, now: i64) -> Outcome {
        let Shown { nth, version, key, gate, ago, request } = shown;
        if request.is_some_and(|request| self.requests.get(&request).is_some_and(|of| *of != nth)) {
            return Err("IDEMPOTENCY_KEY_REUSED");
        }
        let hold = hold.ok_or("TICKET_NOT_FOUND")?;
        let at = ago.map(|ago| now - ago);
        let inside = self.inside.get(&nth).copied();
        let is_asked_again = inside
            .is_some_and(|inside| inside.gate == gate && at.is_none_or(|at| at.min(inside.recorded) == inside.at));
        if inside.is_some_and(|inside| request.is_some() && inside.request == request) {
            return if is_asked_again { Ok("in") } else { Err("IDEMPOTENCY_KEY_REUSED") };
        }
        match key {
            Key::InForce => {}
            Key::Retired => return Err("TICKET_KEY_RETIRED"),
            Key::Unknown => return Err("TICKET_KEY_NOT_FOUND"),
        }
        let was_moved = self.moves.contains_key(&nth);
        match (hold, version) {
            (Hold::Held { .. } | Hold::GivenBack { .. } | Hold::Lost, _) => return Err("TICKET_NOT_FOUND"),
            (_, Version::Next) => return Err("TICKET_NOT_FOUND"),
            _ if called_off => return Err("TICKET_VOID"),
            (Hold::Refunded, _) => return Err("TICKET_VOID"),
            (Hold::Paid, Version::First) if was_moved => return Err("TICKET_VOID"),
            (Hold::Paid, Version::First | Version::Newest) => {}
        }
        if inside.is_some() {
            return if is_asked_again && at.is_some() { Ok("in") } else { Err("ALREADY_CHECKED_IN") };
        }
        if ago.is_some_and(|ago| !(-AHEAD..=OFFLINE).contains(&ago)) {
            return Err("INVALID_REQUEST");
        }
        let at = at.unwrap_or(now).min(now);
        self.inside.insert(nth, Inside { gate, at, recorded: now, request });
        self.requests.extend(request.map(|request| (request, nth)));
        Ok("in")
    }
}

const IN_FORCE: TicketKeyId = TicketKeyId::from_uuid(Uuid::from_u128(1));
const RETIRED: TicketKeyId = TicketKeyId::from_uuid(Uuid::from_u128(2));

impl World {
    pub(super) fn check_in_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let commands: Vec<_> = acts.iter().filter_map(|act| self.check_in_command(*act)).collect();
        outcomes(self.run(|process| &process.check_in, &commands), |_| "in")
    }

    fn check_in_command(&self, act: Act) -> Option<CheckInTicket> {
        let Act::CheckIn(shown) = act else { return None };
        let ticket = self.nth(shown.nth);
        let newest = self.tables.versions(ticket);
        let version = match shown.version {
            Version::First => 1,
            Version::Newest => newest,
            Version::Next => newest + 1,
        };
        let key = match shown.key {
            Key::InForce => IN_FORCE,
            Key::Retired => RETIRED,
            Key::Unknown => TicketKeyId::generate(),
        };
        let by = Operator::application();
        let entry = |request| by.sign_as(LogEntryId::from_uuid(Uuid::from_u128(1 + u128::from(request))));
        Some(CheckInTicket {
            concert: self.concert,
            claims: TicketClaims { key, ticket, concert: self.concert, seat: seat_key(self.concert, 0).seat, version },
            gate: GATES[shown.gate].parse().expect("a name"),
            at: shown.ago.map(|ago| self.now - TimeDelta::seconds(ago)),
            by: shown.request.map_or_else(|| by.sign(), entry),
            has_key: shown.request.is_some(),
        })
    }

    /// The same tickets are in, at the same gate and time.
    pub(super) fn check_doors(&self, doors: &Doors, now: i64) {
        let start = self.now.timestamp() - now;
        let inside: HashMap<_, _> = doors.inside.iter().map(|(nth, inside)| (self.made[*nth], *inside)).collect();
        assert_eq!(self.tables.check_ins.len(), inside.len(), "a ticket is in once");
        for (ticket, made) in &self.tables.check_ins {
            let (Inside { gate, at, .. }, row) = (inside[ticket], &self.tables.reservations[ticket]);
            assert_eq!((made.gate.as_str(), made.checked_in_at.timestamp() - start), (GATES[gate], at));
            assert!(matches!(row.status, ReservationStatus::Confirmed | ReservationStatus::Refunded), "{row:?}");
        }
    }
}

impl Tables {
    /// How many owners a ticket has had.
    fn versions(&self, ticket: ReservationId) -> u32 {
        1 + self.moves.get(&ticket).map_or(0, |moves| moves.len() as u32)
    }

    fn sold(&self, row: &Reservation) -> Sold {
        let SeatKey { concert, seat } = row.seat_key();
        Sold { concert, seat, section: None, row: None, status: row.status, version: self.versions(row.id) }
    }
}

impl ModelLane for CheckInBatch {
    fn read(&self, tables: &Tables, commands: &[CheckInTicket], attempt: &Attempt) -> Rows {
        let named = || commands.iter().map(|command| command.claims.ticket);
        let sold = |id| Some((id, tables.sold(tables.reservations.get(&id)?)));
        let check_in = |id| Some((id, tables.check_ins.get(&id)?.clone()));
        let entries = tables.check_ins.values().map(|made| (made.entry, Some(made.ticket.as_uuid())));
        Rows {
            concerts: tables.concerts.iter().map(|(id, concert)| (*id, concert.bookable.status)).collect(),
            keys: HashMap::from([(IN_FORCE, None), (RETIRED, Some(attempt.now))]),
            tickets: named().filter_map(sold).collect(),
            check_ins: named().filter_map(check_in).collect(),
            entries: entries.collect(),
        }
    }

    fn apply(&self, tables: &mut Tables, effects: &Effects, _attempt: &Attempt) -> Result<(), &'static str> {
        for made in &effects.check_ins {
            require(tables.check_ins.values().all(|other| other.entry != made.entry), "the key of the log")?;
            require(tables.check_ins.insert(made.ticket, made.clone()).is_none(), "the key of check-ins")?;
        }
        require(effects.log.len() == effects.check_ins.len(), "each check-in is in the log")
    }
}

const fn check_in(gate: usize, nth: usize) -> Act {
    Act::CheckIn(Shown::at(gate, nth))
}

const fn first_code(gate: usize, nth: usize) -> Act {
    Act::CheckIn(Shown { version: Version::First, ..Shown::at(gate, nth) })
}

/// The first three have sold seats, in the order of their numbers.
fn sold_out() -> World {
    let mut world = opened();
    for user in 0..CAP as usize {
        world.batch(&[recharge(user, PRICE)]);
        world.batch(&[reserve(user, user)]);
        assert_eq!(world.batch(&[Act::Pay { user, nth: user, amount: PRICE }]), [Ok("paid")]);
    }
    world
}

#[test]
fn two_gates_let_one_ticket_in_once() {
    let mut world = sold_out();
    let both = [check_in(0, 0), check_in(1, 0), check_in(1, 1)];
    assert_eq!(run(&mut world, &both).1, [Ok("in"), Err("ALREADY_CHECKED_IN"), Ok("in")]);
    assert_eq!(run(&mut world, &[check_in(1, 0)]).1, [Err("ALREADY_CHECKED_IN")]);
    let moved = [Act::Move { nth: 0, user: 3 }];
    assert_eq!(run(&mut world, &moved).1, [Ok("moved")]);
    assert_eq!(run(&mut world, &[check_in(0, 0)]).1, [Err("ALREADY_CHECKED_IN")], "its new owner comes too late");
}

#[test]
fn a_void_ticket_is_not_let_in() {
    let mut world = sold_out();
    run(&mut world, &[Act::Move { nth: 0, user: 3 }, Act::Refund { nth: 1, off_sale: false }]);
    let shown = [first_code(0, 0), check_in(0, 0), check_in(0, 1)];
    assert_eq!(run(&mut world, &shown).1, [Err("TICKET_VOID"), Ok("in"), Err("TICKET_VOID")]);
    assert_eq!(run(&mut world, &[Act::CallOff]).1, [Ok("called off")]);
    assert_eq!(run(&mut world, &[check_in(0, 2), check_in(0, 0)]).1, [Err("TICKET_VOID"); 2]);
}
