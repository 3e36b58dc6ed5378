//! What the lanes do to the tables in place of their SQL.

use super::*;
use crate::reservation::UnpaidHolds;

/// A lane over tables.
pub(super) trait ModelLane: Batch {
    /// The rows that `lock` would read.
    fn read(&self, tables: &Tables, commands: &[Self::Command], attempt: &Attempt) -> Self::Rows;

    /// Changes the tables as the script of `write` would. `Err`: the guard that ends the script.
    fn apply(&self, tables: &mut Tables, effects: &Self::Effects, attempt: &Attempt) -> Result<(), &'static str>;

    /// What `complete` does, with the tables from before the batch.
    fn complete_answers(_: &mut [Result<Self::Answer, Error>], _: &Self::Effects, _: &Tables) {}
}

pub(super) fn require(holds: bool, guard: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(guard) }
}

fn queue_user(command: &queue::Command) -> Option<UserId> {
    match command {
        queue::Command::Join { caller, .. }
        | queue::Command::Leave { caller, .. }
        | queue::Command::Claim { caller, .. } => Some(caller.user),
        queue::Command::Set { .. } | queue::Command::Rerank { .. } => None,
    }
}

impl ModelLane for QueueBatch {
    fn read(&self, tables: &Tables, commands: &[queue::Command], attempt: &Attempt) -> queue::RowsOfSales {
        let sales = commands.iter().map(queue::Command::sale);
        sales.map(|sale| (sale, read_sale(tables, sale, commands, attempt))).collect()
    }

    fn apply(&self, tables: &mut Tables, effects: &queue::SaleEffects, attempt: &Attempt) -> Result<(), &'static str> {
        effects.iter().try_for_each(|effects| apply(tables, effects, attempt))
    }
}

/// What `lock` reads of one sale.
fn read_sale(tables: &Tables, sale: SaleId, commands: &[queue::Command], attempt: &Attempt) -> queue::Rows {
    let commands = || commands.iter().filter(|command| command.sale() == sale);
    let member = |user: UserId| {
        let row = tables.users.get(&user)?;
        let live = Fact::read(tables.live_in(user, sale).cloned());
        let elsewhere = tables.live_tokens(user).filter(|token| token.sale != sale).cloned().collect();
        let (has_password, is_enabled) = (Fact::read(row.has_password), Fact::read(row.is_enabled));
        Some((user, queue::Member { has_password, is_enabled, live, elsewhere }))
    };
    let in_queue = tables.tokens.values().filter(|token| token.status != queue::TokenStatus::Expired);
    let live: Vec<_> = in_queue.filter(|token| token.sale == sale).collect();
    let rerank = commands().find_map(|command| match command {
        queue::Command::Rerank { seen, drawn, .. } => Some((seen.as_ref(), drawn.as_ref())),
        _ => None,
    });
    // What a process that knows the draw names, and whoever is behind.
    let drawn = rerank.and_then(|(_, drawn)| drawn);
    let nth_drawn = |ticket| drawn.and_then(|drawn| drawn.tickets.iter().position(|other| *other == ticket));
    let waiting = live.iter().filter(|token| token.status == queue::TokenStatus::Waiting);
    let mut heads: Vec<_> = waiting.map(|token| (*token).clone()).collect();
    heads.sort_by_key(|token| (nth_drawn(token.ticket).unwrap_or(usize::MAX), token.ticket));
    let lapsed = live.iter().filter(|token| token.expires_at <= attempt.now).map(|token| (*token).clone()).collect();
    let since = attempt.now - span(Duration::from_secs(60));
    let lately = tables.admissions.iter().filter(|(of, at, _)| *of == sale && *at > since);
    let seen_of = |seen: &queue::SeenHeads| {
        let token = |head: &queue::SeenHead| {
            let token = heads.iter().find(|token| token.ticket == head.ticket)?;
            Some((token.clone(), head.pause_seconds))
        };
        queue::SeenTokens { tokens: seen.heads.iter().filter_map(token).collect(), more: seen.more }
    };
    let gate = tables.gates[&sale].clone();
    queue::Rows {
        members: commands().filter_map(queue_user).filter_map(member).collect(),
        made: Lookup::read(tables.tokens.clone()),
        front: queue::FrontRows::default(),
        last_minute: queue::LastMinute {
            admitted: gate.admission.per_minute.map_or(0, |_| lately.map(|(_, _, count)| u64::from(*count)).sum()),
            ..queue::LastMinute::unlimited(attempt.now)
        },
        rerank: rerank.map(|(seen, drawn)| queue::RerankRows {
            lapsed,
            seen: seen.map(seen_of),
            heads: heads.clone(),
            more_heads: false,
            in_order_of: drawn.map(|drawn| drawn.count),
            last_sample: None,
        }),
        sale: Some(tables.sales[&sale].clone()),
        name_is_taken: false,
        gate,
    }
}

/// What a batch changes in one sale.
fn apply(tables: &mut Tables, effects: &queue::Effects, attempt: &Attempt) -> Result<(), &'static str> {
    if effects.is_empty() {
        return Ok(());
    }
    let (before, gate) = (&effects.gate_before, &effects.gate);
    let row = tables.gates.get_mut(&gate.sale).ok_or("moving the gate")?;
    require(row.change_seq == before.change_seq && row.admission == before.admission, "moving the gate")?;
    *row = gate.clone();
    if let Some(change) = &effects.sale {
        let row = tables.sales.get_mut(&gate.sale).ok_or("changing the sale")?;
        require(row.version == change.version_before, "changing the sale")?;
        *row = change.row.clone();
        if change.concerns_holds {
            for concert in tables.concerts.values_mut().filter(|concert| concert.sale == gate.sale) {
                concert.version += 1;
                concert.sale_closes_at = gate.times.closes_at;
            }
        }
    }
    for token in &effects.claimed {
        let row = tables.tokens.get_mut(&token.id).ok_or("claiming turns")?;
        require(row.is_unclaimed(), "claiming turns")?;
        (row.claimed_at, row.expires_at) = (Some(attempt.now), token.expires_at);
    }
    for (token, _) in &effects.ended {
        let row = tables.tokens.get_mut(&token.id).ok_or("ending tokens")?;
        require(row.status != queue::TokenStatus::Expired, "ending tokens")?;
        row.status = queue::TokenStatus::Expired;
    }
    for token in &effects.admitted {
        let row = tables.tokens.get_mut(&token.id).ok_or("admitting tokens")?;
        require(row.status == queue::TokenStatus::Waiting, "admitting tokens")?;
        (row.status, row.expires_at) = (queue::TokenStatus::Active, token.expires_at);
    }
    for token in &effects.joined {
        let is_live = token.status != queue::TokenStatus::Expired;
        require(tables.users.contains_key(&token.user), "the key of users")?;
        require(!is_live || tables.live_in(token.user, gate.sale).is_none(), "the key of live tokens")?;
        require(tables.tokens.insert(token.id, token.clone()).is_none(), "the key of tokens")?;
    }
    if gate.admission.per_minute.is_some() && effects.let_in > 0 {
        tables.admissions.push((gate.sale, attempt.now, effects.let_in));
    }
    Ok(())
}

const fn holder(command: &reservation::Command) -> UserId {
    match command {
        reservation::Command::Hold { caller, .. }
        | reservation::Command::Cancel { caller, .. }
        | reservation::Command::Extend { caller, .. } => caller.user,
    }
}

impl ModelLane for ReservationBatch {
    fn read(&self, tables: &Tables, commands: &[reservation::Command], attempt: &Attempt) -> reservation::Rows {
        use reservation::Command;
        let (mut named, mut wanted, mut known) = (Vec::new(), HashMap::<_, u32>::new(), Vec::new());
        let mut halls = HashMap::new();
        for command in commands {
            match command {
                Command::Hold { caller, concert, wanted: what, ids } => {
                    *wanted.entry(caller.user).or_default() += ids.len() as u32;
                    known.extend(ids.iter().filter_map(|id| tables.reservations.get(id)));
                    match what {
                        Wanted::Seats(seats) => {
                            named.extend(seats.iter().map(|seat| SeatKey { concert: *concert, seat: *seat }));
                        }
                        Wanted::BestAvailable { .. } | Wanted::BestTogether { .. } => {
                            halls.insert(*concert, tables.hall(*concert, self.rules, attempt.now));
                            named.extend(tables.seats.keys().filter(|key| key.concert == *concert));
                        }
                    }
                }
                Command::Cancel { what, .. } => known.extend(tables.named(*what)),
                Command::Extend { reservation, .. } => known.extend(tables.order_of(*reservation)),
            }
        }
        named.extend(known.iter().map(|reservation| reservation.seat_key()));
        // The same upper bound as `lock` takes where it is enough.
        let held = |(user, more): (&UserId, &u32)| {
            let most = tables.in_time(*user, attempt.now).count() as u32;
            let is_enough = most + more <= self.rules.max_holds_per_user;
            (*user, UnpaidHolds::read(if is_enough { most } else { tables.unpaid(*user, attempt.now) }))
        };
        let limited = reservation::asked(commands, &tables.concerts).into_iter();
        let taken = limited.map(|(user, of)| ((user, of), tables.taken(user, of, attempt.now)));
        reservation::Rows {
            taken: reservation::TakenSeats::counted(taken),
            turns: tables.turns(commands.iter().map(holder)),
            known: Lookup::read(known.into_iter().map(|known| (known.id, known.clone())).collect()),
            seats: tables.read_seats(named),
            halls,
            holds: wanted.iter().map(held).collect(),
            concerts: tables.concerts.clone(),
            users: tables.users.keys().map(|user| (*user, Fact::read(true))).collect(),
            extensions: tables.extensions.clone(),
        }
    }

    fn apply(
        &self,
        tables: &mut Tables,
        effects: &reservation::Effects,
        attempt: &Attempt,
    ) -> Result<(), &'static str> {
        tables.apply_holds(effects, attempt)
    }
}

impl Tables {
    pub(super) fn apply_holds(
        &mut self,
        effects: &reservation::Effects,
        attempt: &Attempt,
    ) -> Result<(), &'static str> {
        let (before, tables) = (self.clone(), self);
        for (id, status) in &effects.closed {
            let closed = tables.reservations.get_mut(id).filter(|row| row.is_held()).ok_or("releasing seats")?;
            closed.status = *status;
            tables.let_go(*id, attempt.now)?;
        }
        for (id, until) in &effects.extended {
            let row = tables.reservations.get_mut(id).ok_or("extending holds")?;
            let seat = tables.seats.get_mut(&row.seat_key()).ok_or("extending holds")?;
            let is_in_time = seat.holder == Some(*id) && seat.held_until.is_some_and(|until| until > attempt.now);
            require(is_in_time && row.is_held() && row.extended_at.is_none(), "extending holds")?;
            (row.expires_at, row.extended_at, seat.held_until) = (*until, Some(attempt.now), Some(*until));
        }
        for made in &effects.made {
            if made.is_held() {
                let seat = tables.seats.get_mut(&made.seat_key()).ok_or("taking seats")?;
                let times = seat.let_go.map_or(0, |(_, times, _)| times);
                let is_free = seat.holder.is_none() && !seat.is_blocked;
                let is_so = is_free && seat.price == made.price && times <= effects.let_go_at_most;
                require(is_so, "taking seats")?;
                (seat.holder, seat.held_until) = (Some(made.id), Some(made.expires_at));
            }
            require(tables.reservations.insert(made.id, made.clone()).is_none(), "the key of reservations")?;
        }
        for (user, limit) in effects.added.iter() {
            require(tables.taken(user, limit.of, attempt.now) <= limit.most, "counting seats")?;
        }
        for (named, act) in &effects.extensions {
            require(tables.extensions.insert(*act, *named).is_none(), "naming extensions")?;
        }
        for (key, change) in &effects.seats {
            let holders = (before.seats[key].holder, tables.seats[key].holder);
            assert_eq!(holders, (change.from, change.to), "the changes of seats are what is written");
        }
        for (sale, turns) in effects.turns.by_sale() {
            for (user, until) in turns {
                let live = tables.tokens.values_mut().filter(|token| token.status != queue::TokenStatus::Expired);
                for token in live.filter(|token| token.user == user && token.sale == sale) {
                    token.expires_at = token.expires_at.max(until);
                }
            }
        }
        Ok(())
    }
}

impl ModelLane for PaymentBatch {
    fn read(&self, tables: &Tables, commands: &[Pay], _attempt: &Attempt) -> payment::Rows {
        let reservations: HashMap<_, _> = commands
            .iter()
            .flat_map(|command| tables.named(command.what))
            .map(|reservation| (reservation.id, reservation.clone()))
            .collect();
        let users = || commands.iter().map(|command| command.caller.user);
        payment::Rows {
            turns: tables.turns(users()),
            seats: tables.read_seats(reservations.values().map(Reservation::seat_key)),
            accounts: tables.accounts(users()),
            made: Lookup::read(tables.payments.values().map(|(made, _)| (made.id, made.clone())).collect()),
            called_off: payment::called_off(&reservations),
            reservations,
        }
    }

    fn apply(&self, tables: &mut Tables, effects: &payment::Effects, attempt: &Attempt) -> Result<(), &'static str> {
        for (id, key) in &effects.sold {
            let seat = tables.seats.get_mut(key).ok_or("selling seats")?;
            require(seat.held_until.is_some_and(|until| until > attempt.now), "selling seats")?;
            seat.held_until = None;
            let row = tables.reservations.get_mut(id).filter(|row| row.is_held() && row.seat_key() == *key);
            row.ok_or("confirming")?.status = ReservationStatus::Confirmed;
        }
        for payment in &effects.payments {
            let is_paid = tables.payments.values().any(|(other, _)| other.reservation == payment.reservation);
            require(!is_paid, "the key of paid reservations")?;
            let before = tables.payments.insert(payment.id, (payment.clone(), false));
            require(before.is_none(), "the key of payments")?;
        }
        let mut sums: HashMap<UserId, Decimal> = HashMap::new();
        for payment in &effects.payments {
            *sums.entry(payment.user).or_default() -= payment.amount.as_decimal();
        }
        for (user, sum) in &sums {
            tables.require_balance(*user, *sum)?;
        }
        for payment in &effects.payments {
            let id = WalletEntryId::from_uuid(payment.id.as_uuid());
            tables.enter(id, payment.user, -payment.amount.as_decimal(), None);
        }
        let until = attempt.now + span(self.after_payment_ttl);
        let payers = effects.payers.iter().copied();
        let paid_up = payers.filter(|(sale, user)| tables.unpaid_in_turn(*sale, *user, attempt.now) == 0);
        let paid_up: HashSet<_> = paid_up.collect();
        let live = tables.tokens.values_mut().filter(|token| token.status != queue::TokenStatus::Expired);
        for token in live.filter(|token| paid_up.contains(&(token.sale, token.user))) {
            token.expires_at = token.expires_at.min(until);
        }
        Ok(())
    }
}

impl ModelLane for WalletBatch {
    fn read(&self, tables: &Tables, commands: &[Recharge], _attempt: &Attempt) -> wallet::Rows {
        let made = tables.entries.iter().map(|(id, entry)| {
            let money = |amount| Money::new(amount).expect("in range");
            let recharged =
                Recharged { before: money(entry.balance_after - entry.amount), after: money(entry.balance_after) };
            (*id, (recharged, entry.fingerprint))
        });
        wallet::Rows {
            credited: HashMap::new(),
            accounts: tables.accounts(commands.iter().map(|command| command.caller.user)),
            made: Lookup::read(made.collect()),
        }
    }

    fn apply(&self, tables: &mut Tables, effects: &wallet::Effects, _attempt: &Attempt) -> Result<(), &'static str> {
        tables.enter_all(&effects.entries)
    }

    /// In a wallet that was not read they are relative to its balance.
    fn complete_answers(answers: &mut [Result<Recharged, Error>], effects: &wallet::Effects, before: &Tables) {
        let Some(last) = effects.entries.last().filter(|entry| entry.before.is_none()) else { return };
        let balance = Money::new(before.users[&last.user].balance).expect("in range");
        for answer in answers.iter_mut().flatten() {
            let whole = |amount: Money| balance.checked_add(amount).expect("in range");
            *answer = Recharged { before: whole(answer.before), after: whole(answer.after) };
        }
    }
}

impl Tables {
    fn require_balance(&self, user: UserId, sum: Decimal) -> Result<(), &'static str> {
        let row = self.users.get(&user).ok_or("changing balances")?;
        require((Decimal::ZERO..=Money::MAX.as_decimal()).contains(&(row.balance + sum)), "changing balances")
    }

    /// Adds entries, each where its wallet stands, which must be where the rules have put it.
    pub(super) fn enter_all(&mut self, entries: &[WalletEntry]) -> Result<(), &'static str> {
        let before = self.users.clone();
        let mut sums: HashMap<UserId, Decimal> = HashMap::new();
        for entry in entries {
            *sums.entry(entry.user).or_default() += entry.amount;
        }
        for (user, sum) in sums {
            self.require_balance(user, sum)?;
        }
        for entry in entries {
            require(!self.entries.contains_key(&entry.id), "the key of wallet entries")?;
            self.enter(entry.id, entry.user, entry.amount, entry.fingerprint);
            let (balance, newest) = entry.before.unwrap_or((before[&entry.user].balance, before[&entry.user].entries));
            let row = &self.entries[&entry.id];
            assert_eq!((row.sequence, row.balance_after), (newest + entry.sequence, balance + entry.sum));
        }
        Ok(())
    }

    fn enter(&mut self, id: WalletEntryId, user: UserId, amount: Decimal, fingerprint: Option<Fingerprint>) {
        let row = self.users.get_mut(&user).expect("a user");
        row.balance += amount;
        row.entries += 1;
        let entry = EntryRow { user, sequence: row.entries, amount, balance_after: row.balance, fingerprint };
        assert!(self.entries.insert(id, entry).is_none(), "an entry has an id of its own");
    }
}
