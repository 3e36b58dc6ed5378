//! The rows, as the database keeps them.

use super::*;

/// All tables that the rules are about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tables {
    /// The gates of all sales, with what their rows say.
    pub(super) gates: BTreeMap<SaleId, queue::Gate>,
    pub(super) sales: HashMap<SaleId, queue::SaleRow>,
    /// As `queue_admissions`: when how many were let in, and to which sale.
    pub(super) admissions: Vec<(SaleId, Timestamp, u32)>,
    pub(super) tokens: HashMap<TokenId, queue::Token>,
    pub(super) concerts: HashMap<ConcertId, reservation::Concert>,
    /// When the concert was called off, if it was.
    pub(super) called_off_at: Timestamp,
    pub(super) seats: HashMap<SeatKey, SeatRow>,
    pub(super) reservations: HashMap<ReservationId, Reservation>,
    /// Extensions with a key, and which reservations they named.
    pub(super) extensions: HashMap<Uuid, ReservationId>,
    pub(super) users: HashMap<UserId, UserRow>,
    pub(super) entries: HashMap<WalletEntryId, EntryRow>,
    /// Each with whether it is refunded.
    pub(super) payments: HashMap<PaymentId, (Payment, bool)>,
    /// How tickets got from owner to owner, in their order.
    pub(super) moves: HashMap<ReservationId, Vec<crate::after_sale::TicketMove>>,
    pub(super) check_ins: HashMap<ReservationId, CheckIn>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeatRow {
    pub(super) section: Option<Arc<str>>,
    pub(super) row: Option<Arc<str>>,
    pub(super) price: Money,
    pub(super) is_blocked: bool,
    pub(super) holder: Option<ReservationId>,
    pub(super) held_until: Option<Timestamp>,
    /// Who let it go last, how often in a row, and when.
    pub(super) let_go: Option<(UserId, u32, Timestamp)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct UserRow {
    pub(super) has_password: bool,
    pub(super) is_enabled: bool,
    pub(super) balance: Decimal,
    /// The number of the newest entry.
    pub(super) entries: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct EntryRow {
    pub(super) user: UserId,
    pub(super) sequence: u32,
    pub(super) amount: Decimal,
    pub(super) balance_after: Decimal,
    pub(super) fingerprint: Option<Fingerprint>,
}

impl SeatRow {
    pub(super) const fn free(price: Money) -> Self {
        Self { section: None, row: None, price, is_blocked: false, holder: None, held_until: None, let_go: None }
    }

    pub(super) fn is_free(&self, now: Timestamp) -> bool {
        !self.is_blocked && (self.holder.is_none() || self.held_until.is_some_and(|until| until <= now))
    }

    /// `made`: the reservations, one of which may have it.
    pub(super) fn read(&self, made: &HashMap<ReservationId, Reservation>) -> Seat {
        let taker = self.holder.and_then(|holder| made.get(&holder)).map(|holder| holder.user);
        let mut seat = Seat::free(self.price).with_users(taker, self.let_go).with_block(self.is_blocked);
        (seat.section, seat.row) = (self.section.clone(), self.row.clone());
        seat.pass_to(self.holder, self.held_until);
        seat
    }
}

/// The gate of a sale in which nobody is.
fn empty_gate(sale: SaleId) -> queue::Gate {
    queue::Gate {
        sale,
        times: SaleTimes::ALWAYS_OPEN,
        draw: None,
        order: EntryOrder::Arrival,
        next_ticket: 1,
        change_seq: 0,
        active: 0,
        waiting: 0,
        admitted: 0,
        departed: 0,
        no_shows: 0,
        most_active: CAP,
        redeemed: 0,
        admission: queue::Admission { paused: false, max_active: CAP, per_minute: None },
    }
}

fn new_sale(name: &str) -> queue::SaleRow {
    queue::SaleRow { name: name.to_owned(), max_seats_per_user: None, version: 1 }
}

impl Tables {
    /// Everybody is a user and nobody is in the queue, in a hall where all is free.
    pub(super) fn new(users: &[UserId], id: ConcertId, seats: Vec<SeatRow>, max_seats_per_user: Option<u32>) -> Self {
        let date = NaiveDate::from_ymd_opt(2100, 1, 1).expect("a date");
        let concert = reservation::Concert { max_seats_per_user, ..reservation::Concert::on(date) };
        let user = UserRow { has_password: false, is_enabled: true, balance: Decimal::ZERO, entries: 0 };
        Self {
            gates: BTreeMap::from([(SaleId::DEFAULT, empty_gate(SaleId::DEFAULT))]),
            sales: HashMap::from([(SaleId::DEFAULT, new_sale("Default"))]),
            admissions: Vec::new(),
            tokens: HashMap::new(),
            concerts: HashMap::from([(id, concert)]),
            called_off_at: Timestamp::UNIX_EPOCH,
            seats: seats.into_iter().enumerate().map(|(nth, seat)| (seat_key(id, nth), seat)).collect(),
            reservations: HashMap::new(),
            extensions: HashMap::new(),
            users: users.iter().map(|id| (*id, user.clone())).collect(),
            entries: HashMap::new(),
            payments: HashMap::new(),
            moves: HashMap::new(),
            check_ins: HashMap::new(),
        }
    }

    /// The chain is that of all who were drawn, or who would be now.
    pub(super) fn check_draw(&self, sale: SaleId, drawn: Option<u64>) {
        let gate = &self.gates[&sale];
        let Some(draw) = &gate.draw else { return };
        assert_eq!(draw.count, drawn);
        let of_sale = self.tokens.values().filter(|token| token.sale == sale);
        let mut tokens: Vec<_> = of_sale.map(|token| (token.ticket, token.id)).collect();
        tokens.sort_unstable();
        let mut again = GateDraw::new(draw.secret.clone());
        let count = drawn.unwrap_or(gate.next_ticket - 1);
        tokens.iter().filter(|(ticket, _)| *ticket <= count).for_each(|(ticket, id)| again.take_up(*ticket, *id));
        assert_eq!((again.chain, tokens.len() as u64 + 1), (draw.chain, gate.next_ticket));
    }

    /// The user's token in the queue of the default sale.
    pub(super) fn live_token(&self, user: UserId) -> Option<&queue::Token> {
        self.live_in(user, SaleId::DEFAULT)
    }

    pub(super) fn live_in(&self, user: UserId, sale: SaleId) -> Option<&queue::Token> {
        self.live_tokens(user).find(|token| token.sale == sale)
    }

    /// The user's tokens in the queues of all sales.
    pub(super) fn live_tokens(&self, user: UserId) -> impl Iterator<Item = &queue::Token> {
        let live = self.tokens.values().filter(|token| token.status != queue::TokenStatus::Expired);
        live.filter(move |token| token.user == user)
    }

    /// One more sale, with a concert in a hall like this.
    pub(super) fn add_sale(&mut self, sale: SaleId, concert: ConcertId, seats: Vec<SeatRow>) {
        let date = NaiveDate::from_ymd_opt(2100, 1, 1).expect("a date");
        self.gates.insert(sale, empty_gate(sale));
        self.sales.insert(sale, new_sale("Another"));
        self.concerts.insert(concert, reservation::Concert { sale, ..reservation::Concert::on(date) });
        self.seats.extend(seats.into_iter().enumerate().map(|(nth, seat)| (seat_key(concert, nth), seat)));
    }

    pub(super) fn turns(&self, users: impl Iterator<Item = UserId>) -> Turns {
        let mut turns = Turns::default();
        for token in users.flat_map(|user| self.live_tokens(user)) {
            turns.insert(token.user, token.sale, Turn::of(token));
        }
        turns
    }

    /// The reservations of the order that one is in.
    pub(super) fn order_of(&self, id: ReservationId) -> impl Iterator<Item = &Reservation> {
        let order = self.reservations.get(&id).map(Reservation::order);
        self.reservations.values().filter(move |other| Some(other.order()) == order)
    }

    pub(super) fn named(&self, what: OrderRef) -> Vec<&Reservation> {
        match what {
            OrderRef::Reservation(id) => self.reservations.get(&id).into_iter().collect(),
            OrderRef::Order(order) => self.order_of(order.into()).collect(),
        }
    }

    pub(super) fn read_seats(&self, keys: impl IntoIterator<Item = SeatKey>) -> HashMap<SeatKey, Seat> {
        keys.into_iter().filter_map(|key| Some((key, self.seats.get(&key)?.read(&self.reservations)))).collect()
    }

    pub(super) fn accounts(&self, users: impl Iterator<Item = UserId>) -> HashMap<UserId, Account> {
        let account = |user| {
            let row = self.users.get(&user)?;
            Some((user, Account::read(Money::new(row.balance).expect("in range"), row.entries, None)))
        };
        users.filter_map(account).collect()
    }

    /// How many seats a user holds unpaid.
    pub(super) fn unpaid(&self, user: UserId, now: Timestamp) -> u32 {
        self.in_time(user, now).filter(|held| held.status == ReservationStatus::Held).count() as u32
    }

    /// How many of them keep the user's turn in a sale: what is held past the queue needs none.
    pub(super) fn unpaid_in_turn(&self, sale: SaleId, user: UserId, now: Timestamp) -> usize {
        let held = self.in_time(user, now).filter(|held| held.status == ReservationStatus::Held);
        held.filter(|held| held.sale == sale && !held.bypassed_queue).count()
    }

    /// How many seats a user has, held and sold together.
    pub(super) fn taken(&self, user: UserId, of: reservation::LimitOf, now: Timestamp) -> u32 {
        let is_counted = |made: &&Reservation| match of {
            reservation::LimitOf::Concert(concert) => made.concert == concert,
            // There is one sale.
            reservation::LimitOf::Sale(_) => true,
        };
        let own = self.reservations.values().filter(|made| made.user == user).filter(is_counted);
        let is_taken = |status| matches!(status, ReservationStatus::Held | ReservationStatus::Confirmed);
        own.filter(|made| is_taken(made.status_at(now))).count() as u32
    }

    /// Of a user, what has its deadline to come, whatever became of it.
    pub(super) fn in_time(&self, user: UserId, now: Timestamp) -> impl Iterator<Item = &Reservation> {
        self.reservations.values().filter(move |made| made.user == user && made.expires_at > now)
    }

    pub(super) fn hall(&self, concert: ConcertId, rules: HoldRules, now: Timestamp) -> reservation::Hall {
        let mut seats: Vec<_> = self.seats.iter().filter(|(key, _)| key.concert == concert).collect();
        seats.sort_unstable_by_key(|(key, _)| **key);
        let mut hall = reservation::Hall::new(seats.iter().map(|(key, seat)| reservation::HallSeat {
            number: key.seat,
            section: seat.section.clone(),
            row: seat.row.clone(),
            place: key.seat.get(),
            free: seat.is_free(now),
        }));
        for (key, seat) in seats {
            hall.leave_to_others(key.seat, seat.read(&self.reservations).left_to_others(rules, now));
        }
        hall
    }

    /// A hold ends unpaid: its seat is free.
    pub(super) fn let_go(&mut self, id: ReservationId, now: Timestamp) -> Result<(), &'static str> {
        let ended = self.reservations.get(&id).ok_or("releasing seats")?;
        let seat = self.seats.get_mut(&ended.seat_key()).ok_or("releasing seats")?;
        if seat.holder != Some(id) {
            return Err("releasing seats");
        }
        let before = seat.let_go.map_or(0, |(by, times, _)| if by == ended.user { times } else { 0 });
        seat.let_go = Some((ended.user, before + 1, ended.expires_at.min(now)));
        (seat.holder, seat.held_until) = (None, None);
        Ok(())
    }

    /// What is so whatever has happened.
    pub(super) fn check(&self) {
        self.check_gate();
        self.check_seats();
        for (user, row) in &self.users {
            let mut entries: Vec<_> = self.entries.values().filter(|entry| entry.user == *user).collect();
            entries.sort_unstable_by_key(|entry| entry.sequence);
            let mut balance = Decimal::ZERO;
            for (entry, sequence) in entries.iter().zip(1..) {
                balance += entry.amount;
                assert_eq!((entry.sequence, entry.balance_after), (sequence, balance), "entries tell the balance");
            }
            assert_eq!((row.entries as usize, row.balance), (entries.len(), balance));
        }
    }

    /// Whatever is held can be paid until its deadline.
    pub(super) fn check_turns(&self, now: Timestamp) {
        let in_turn = self.reservations.values().filter(|one| !one.bypassed_queue);
        for held in in_turn.filter(|one| one.is_held() && one.expires_at > now) {
            let turn = self.live_in(held.user, held.sale).filter(|token| token.is_active(now));
            assert!(turn.is_some_and(|token| token.expires_at >= held.expires_at), "{held:?} in {turn:?}");
        }
    }

    fn check_gate(&self) {
        for (sale, gate) in &self.gates {
            let of_sale = || self.tokens.values().filter(|token| token.sale == *sale);
            let count = |status| of_sale().filter(|token| token.status == status).count();
            assert_eq!(gate.active as usize, count(queue::TokenStatus::Active));
            assert_eq!(gate.waiting as usize, count(queue::TokenStatus::Waiting));
            assert!(gate.active <= CAP);
            assert_eq!(gate.next_ticket as usize, of_sale().count() + 1, "tickets are dense");
        }
    }

    pub(super) fn check_seats(&self) {
        let confirmed = self.reservations.values().filter(|one| one.status == ReservationStatus::Confirmed);
        let paid = self.payments.values().filter(|(_, refunded)| !refunded).map(|(payment, _)| payment.reservation);
        assert_eq!(confirmed.map(|one| one.id).collect::<HashSet<_>>(), paid.collect());
        for (key, seat) in &self.seats {
            let mine = self.reservations.values().filter(|one| one.seat_key() == *key);
            let holding: Vec<_> = mine
                .filter(|one| matches!(one.status, ReservationStatus::Held | ReservationStatus::Confirmed))
                .map(|one| one.id)
                .collect();
            assert_eq!(holding, Vec::from_iter(seat.holder));
            if let (Some(holder), Some(until)) = (seat.holder, seat.held_until) {
                assert_eq!(self.reservations[&holder].expires_at, until, "one deadline");
            }
        }
    }
}
