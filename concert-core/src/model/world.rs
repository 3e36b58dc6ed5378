//! The box office of the model: tables, and processes that serve them.

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

    /// Acts of one lane, as one batch.
    pub(super) fn batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        match acts[0] {
            Act::Join(_) | Act::Leave(_) | Act::Claim(_) | Act::Set(_) | Act::Rerank { .. } => self.queue_batch(acts),
            Act::Reserve { .. } | Act::Cancel { .. } => self.reservation_batch(acts),
            Act::Pay { .. } => self.payment_batch(acts),
            Act::Refund { .. } | Act::Move { .. } | Act::CallOff | Act::Clear => self.after_sale_batch(acts),
            Act::CheckIn(_) => self.check_in_batch(acts),
            Act::Recharge { .. } => self.wallet_batch(acts),
            // What the lane of users does is not the model's.
            Act::Disable { .. } => acts.iter().map(|act| self.disable(*act)).collect(),
            Act::Wait(time) => {
                self.wait(time);
                vec![Ok("waited")]
            }
        }
    }

    fn disable(&mut self, act: Act) -> Outcome {
        let Act::Disable { user, disabled } = act else { unreachable!("one lane") };
        self.tables.users.get_mut(&self.users[user]).expect("a user").is_enabled = !disabled;
        Ok(if disabled { "disabled" } else { "enabled" })
    }

    fn queue_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let commands: Vec<_> = acts.iter().map(|act| self.queue_command(SaleId::DEFAULT, *act)).collect();
        self.queue_commands(&commands)
    }

    /// An act of the queue's lane, in a sale.
    pub(super) fn queue_command(&self, sale: SaleId, act: Act) -> queue::Command {
        match act {
            Act::Join(user) => {
                queue::Command::Join { sale, caller: self.caller(user), id: TokenId::generate(), code: None }
            }
            Act::Leave(user) => {
                queue::Command::Leave { sale, caller: self.caller(user), reason: queue::EndedReason::Left }
            }
            Act::Claim(user) => queue::Command::Claim { sale, caller: self.caller(user) },
            Act::Set(change) => {
                let by = Operator::application().sign();
                queue::Command::Set { sale, change: change.into(), if_version: None, by }
            }
            Act::Rerank { seen } => {
                let (seen, drawn) = (seen.map(|seen| self.seen_heads(sale, seen)), self.drawn_heads(sale));
                queue::Command::Rerank { sale, seen, drawn }
            }
            _ => unreachable!("an act of another lane"),
        }
    }

    pub(super) fn queue_commands(&mut self, commands: &[queue::Command]) -> Vec<Outcome> {
        outcomes(self.run(|process| &process.queue, commands), |answer| match answer {
            queue::Answer::Joined { token, .. } if token.status == queue::TokenStatus::Active => "active",
            queue::Answer::Joined { .. } => "waiting",
            queue::Answer::Left => "left",
            queue::Answer::Claimed(_) => "claimed",
            queue::Answer::Set { changed: true, .. } => "set",
            queue::Answer::Set { changed: false, .. } => "as it was",
            queue::Answer::Reranked { .. } => "reranked",
        })
    }

    /// The tickets of those users whose bit is set, as a process may remember them: some no longer wait.
    fn seen_heads(&self, sale: SaleId, seen: u8) -> queue::SeenHeads {
        let users = self.users.iter().enumerate().filter(|(nth, _)| seen >> nth & 1 == 1);
        let mut tickets: Vec<_> = users
            .flat_map(|(_, user)| self.tables.tokens.values().filter(move |token| token.user == *user))
            .filter(|token| token.sale == sale)
            .map(|token| token.ticket)
            .collect();
        let places = self.places(sale);
        tickets.sort_unstable_by_key(|ticket| places.as_ref().map_or(*ticket, |places| places.place_of(*ticket)));
        let head = |ticket| queue::SeenHead { ticket, pause_seconds: 2 };
        queue::SeenHeads { heads: tickets.into_iter().map(head).collect(), more: false }
    }

    /// What a process knows that has read the gate: all drawn tickets in their order, waiting or not.
    fn drawn_heads(&self, sale: SaleId) -> Option<queue::DrawnHeads> {
        let places = self.places(sale)?;
        let mut tickets: Vec<_> = (1..=places.count()).collect();
        tickets.sort_by_key(|ticket| places.place_of(*ticket));
        Some(queue::DrawnHeads { count: places.count(), tickets, all: true })
    }

    /// The places, once the draw is made.
    pub(super) fn places(&self, sale: SaleId) -> Option<Places> {
        self.tables.gates[&sale].draw.as_ref()?.shown().places()
    }

    fn reservation_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let command = |act: &Act| match *act {
            Act::Reserve { user, seat } => {
                let SeatKey { concert, seat } = seat_key(self.concert, seat);
                let (wanted, ids) = (Wanted::Seats(vec![seat]), vec![ReservationId::generate()]);
                Some(reservation::Command::Hold { caller: self.caller(user), concert, wanted, ids })
            }
            Act::Cancel { user, nth } => {
                let what = OrderRef::Reservation(self.nth(nth));
                Some(reservation::Command::Cancel { caller: self.caller(user), what })
            }
            _ => None,
        };
        let commands: Vec<_> = acts.iter().filter_map(command).collect();
        outcomes(self.hold(&commands), |answer| match answer {
            reservation::Answer::Held(_) => "held",
            reservation::Answer::Cancelled => "given back",
            reservation::Answer::Extended(_) => "extended",
        })
    }

    fn payment_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let command = |act: &Act| match *act {
            Act::Pay { user, nth, amount } => Some(Pay {
                caller: self.caller(user),
                what: OrderRef::Reservation(self.nth(nth)),
                amount: money(amount),
                id: PaymentId::generate(),
            }),
            _ => None,
        };
        let commands: Vec<_> = acts.iter().filter_map(command).collect();
        outcomes(self.pay(&commands), |_| "paid")
    }

    fn after_sale_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        use after_sale::Answer;
        let commands: Vec<_> = acts.iter().filter_map(|act| self.after_sale_command(*act)).collect();
        outcomes(self.run(|process| &process.after_sale, &commands), |answer| match answer {
            Answer::Refunded(_) => "refunded",
            Answer::Moved(_) => "moved",
            Answer::CalledOff => "called off",
            Answer::Cleared(_) => "cleared",
        })
    }

    fn after_sale_command(&self, act: Act) -> Option<after_sale::Command> {
        let payment_of = |nth| {
            let mut payments = self.tables.payments.values().map(|(payment, _)| payment);
            let found = payments.find(|payment| payment.reservation == self.nth(nth));
            found.map_or_else(PaymentId::generate, |payment| payment.id)
        };
        let (by, reason) = (Operator::application().sign(), "a reason".parse().expect("a reason"));
        Some(match act {
            Act::Refund { nth, off_sale } => after_sale::Command::Refund(after_sale::RefundPayment {
                payment: payment_of(nth),
                by,
                reason: None,
                seat_goes: if off_sale { SeatAfterRefund::OffSale } else { SeatAfterRefund::ToSale },
                entry: WalletEntryId::generate(),
            }),
            Act::Move { nth, user } => {
                let (ticket, to) = (self.nth(nth), self.users[user]);
                after_sale::Command::Move(after_sale::MoveTicket { ticket, to, reason, by })
            }
            Act::CallOff => after_sale::Command::CallOff(after_sale::CallOff { concert: self.concert, reason, by }),
            Act::Clear => after_sale::Command::Clear(after_sale::ClearSeats {
                concert: self.concert,
                seats: self.tables.seats.keys().map(|key| (key.seat, WalletEntryId::generate())).collect(),
            }),
            _ => return None,
        })
    }

    fn wallet_batch(&mut self, acts: &[Act]) -> Vec<Outcome> {
        let command = |act: &Act| match *act {
            Act::Recharge { user, amount } => Some(Recharge {
                caller: self.caller(user),
                deposit: money(amount).into(),
                id: WalletEntryId::generate(),
            }),
            _ => None,
        };
        let commands: Vec<_> = acts.iter().filter_map(command).collect();
        outcomes(self.run(|process| &process.wallet, &commands), |_| "recharged")
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

pub(super) fn outcomes<A>(answers: Vec<Result<A, Error>>, say: impl Fn(&A) -> &'static str) -> Vec<Outcome> {
    answers.into_iter().map(|answer| answer.as_ref().map(&say).map_err(Error::code)).collect()
}
