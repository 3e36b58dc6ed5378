//! The box office of the model: tables, and processes that serve them.

mod acts;

pub(super) use self::acts::outcomes;
use super::*;

/// The lanes of one process, and what it remembers.
pub(super) struct Process {
    pub(super) queue: VisitBatch,
    pub(super) reservation: ReservationBatch,
    pub(super) payment: PaymentBatch,
    pub(super) wallet: WalletBatch,
    after_sale: AfterSaleBatch,
    pub(super) check_in: CheckInBatch,
}

pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) users: Vec<UserId>,
    pub(super) concert: ConcertId,
    pub(super) tables: Tables,
    /// Two, so that each finds the tables other than it remembers them.
    pub(super) processes: [Process; 2],
    /// Which of them serves.
    pub(super) serving: usize,
    /// In the order they were made: what `nth` counts.
    pub(super) made: Vec<ReservationId>,
    /// Which way the last batch went.
    pub(super) way: Way,
}

pub(super) fn money(amount: i64) -> Money {
    Money::new(amount.into()).expect("in range")
}

pub(super) fn seat_key(concert: ConcertId, nth: usize) -> SeatKey {
    SeatKey { concert, seat: SeatNumber::new(nth as i64 + 1).expect("in range") }
}

const fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds as u64)
}

impl Process {
    fn new(rules: HoldRules, concert: ConcertId, tables: &Tables) -> Self {
        let (recent, changes) = (Arc::new(RecentHolds::default()), Arc::new(SeatChanges::new()));
        let layouts = HallLayouts::default();
        let turns = queue::QueueRules {
            active_ttl: seconds(TURN),
            claim_window: seconds(CLAIM),
            waiting_ttl: seconds(WAIT),
            bare_joins: true,
        };
        let view_rules =
            ViewRules { active_ttl: seconds(TURN), max_polls_per_second: 1_000, rerank_every: seconds(10) };
        let (after_payment_ttl, active_ttl) = (seconds(AFTER_PAYMENT), seconds(TURN));
        let views = Arc::new(QueueViews::new(view_rules, Arc::new(SystemClock)));
        let process = Self {
            queue: VisitBatch { queue: QueueBatch::new(turns, Arc::clone(&views)), changes: Arc::clone(&changes) },
            payment: PaymentBatch { after_payment_ttl, active_ttl, recent: Arc::clone(&recent) },
            wallet: WalletBatch,
            after_sale: AfterSaleBatch { changes: Arc::clone(&changes) },
            check_in: CheckInBatch,
            reservation: ReservationBatch { layouts, seatings: Default::default(), recent, rules, changes, views },
        };
        process.remember_hall(concert, tables);
        process
    }

    fn remember_hall(&self, concert: ConcertId, tables: &Tables) {
        let of_hall = tables.seats.iter().filter(|(key, _)| key.concert == concert);
        let mut seats: Vec<_> = of_hall.map(|(key, seat)| (key.seat, seat.read(&tables.reservations))).collect();
        seats.sort_unstable_by_key(|(number, _)| *number);
        self.reservation.layouts.remember(concert, tables.concerts[&concert], seats);
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::limited(None)
    }

    /// Where one user may have so many seats.
    pub(super) fn limited(max_seats_per_user: Option<u32>) -> Self {
        Self::with(MAX_HOLDS, HOLD, vec![SeatRow::free(money(PRICE)); SEATS], max_seats_per_user)
    }

    pub(super) fn with(
        max_holds_per_user: u32,
        extension: i64,
        seats: Vec<SeatRow>,
        max_seats_per_user: Option<u32>,
    ) -> Self {
        let users: Vec<_> = (0..USERS).map(|_| UserId::generate()).collect();
        let concert = ConcertId::generate();
        let tables = Tables::new(&users, concert, seats, max_seats_per_user);
        let (hold_ttl, hold_extension) = (seconds(HOLD), seconds(extension));
        let (max_holds_in_a_row, seat_pause) = (MAX_IN_A_ROW as u32, seconds(PAUSE));
        let active_ttl = seconds(TURN);
        let rules = HoldRules {
            active_ttl,
            hold_ttl,
            hold_extension,
            max_holds_per_user,
            max_holds_in_a_row,
            seat_pause,
            time_zone: crate::time_zone::TimeZone::UTC,
        };
        Self {
            now: DateTime::from_timestamp(1_800_000_000, 0).expect("a time"),
            processes: [0, 1].map(|_| Process::new(rules, concert, &tables)),
            users,
            concert,
            tables,
            serving: 0,
            made: Vec::new(),
            way: Way::Locked,
        }
    }

    /// One more sale, with a concert in a hall like this, which both processes know.
    pub(super) fn add_sale(&mut self, seats: Vec<SeatRow>) -> (SaleId, ConcertId) {
        let (sale, concert) = (SaleId::generate(), ConcertId::generate());
        self.tables.add_sale(sale, concert, seats);
        for process in &self.processes {
            process.remember_hall(concert, &self.tables);
        }
        (sale, concert)
    }

    pub(super) fn wait(&mut self, time: i64) {
        self.now += span(seconds(time));
    }

    pub(super) const fn attempt(&self) -> Attempt {
        Attempt { now: self.now, may_have_committed: false }
    }

    pub(super) fn caller(&self, user: usize) -> Caller {
        Caller::from(self.users[user])
    }

    pub(super) fn nth(&self, nth: usize) -> ReservationId {
        self.made.get(nth).copied().unwrap_or_else(ReservationId::generate)
    }

    /// Runs a batch of one lane, on both ways.
    pub(super) fn run<B: ModelLane>(
        &mut self,
        lane: fn(&Process) -> &B,
        commands: &[B::Command],
    ) -> Vec<Result<B::Answer, Error>>
    where
        B::Answer: Debug,
    {
        let attempt = self.attempt();
        let (answers, way) = both_ways(lane(&self.processes[self.serving]), &mut self.tables, commands, &attempt);
        self.way = way;
        answers
    }

    pub(super) fn hold(&mut self, commands: &[reservation::Command]) -> Vec<Result<reservation::Answer, Error>> {
        let answers = self.run(|process| &process.reservation, commands);
        for answer in answers.iter().flatten() {
            if let reservation::Answer::Held(made) = answer {
                self.made.extend(made.iter().map(|made| made.id));
            }
        }
        answers
    }

    pub(super) fn pay(&mut self, commands: &[Pay]) -> Vec<Result<Vec<Payment>, Error>> {
        self.run(|process| &process.payment, commands)
    }

    /// The places, once the draw is made.
    pub(super) fn places(&self, sale: SaleId) -> Option<Places> {
        self.tables.gates[&sale].draw.as_ref()?.shown().places()
    }

    pub(super) fn check(&self, spec: &Spec) {
        self.tables.check();
        self.tables.check_turns(self.now);
        self.check_doors(&spec.doors, spec.now);
        assert_eq!(self.tables.gates[&SaleId::DEFAULT].no_shows, spec.no_shows);
        self.tables.check_draw(SaleId::DEFAULT, spec.drawn.map(|count| count as u64));
        for (nth, user) in self.users.iter().enumerate() {
            assert_eq!(self.tables.users[user].balance, spec.wallets[nth].into());
        }
    }
}
