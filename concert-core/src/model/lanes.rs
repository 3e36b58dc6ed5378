//! What the lanes do to the tables in place of their SQL.

mod holds;
mod line;

use super::*;

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
            recipients: HashMap::new(),
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
