//! A wallet in the course of a batch.

use rust_decimal::Decimal;

use super::{WalletEntry, WalletEntryKind};
use crate::clock::Timestamp;
use crate::fact::{Assumptions, Column, Fact, Key, Unread};
use crate::id::{PaymentId, TokenId, UserId, WalletEntryId};
use crate::money::Money;

/// A fact of a user's wallet; its key is the user's id.
pub(super) const BALANCE: Column = Column("users.balance");

/// A wallet's balance before the batch, and the batch's changes of it.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The balance before the batch, in the unit of [`Money`].
    before: Fact<Decimal>,
    /// The number of the newest entry before the batch.
    entries: Fact<u32>,
    change: Decimal,
    added: u32,
    /// The tokens that the user has in the queues of sales; read only if the rules ask for them.
    pub(crate) live_tokens: Vec<TokenId>,
}

impl Account {
    pub(crate) fn read(balance: Money, entries: u32, live_token: Option<TokenId>) -> Self {
        let before = Fact::read(balance.as_decimal());
        Self {
            before,
            entries: Fact::read(entries),
            change: Decimal::ZERO,
            added: 0,
            live_tokens: Vec::from_iter(live_token),
        }
    }

    /// An unread wallet, of a user who shows no token.
    pub(crate) fn unread(assumptions: &Assumptions, user: UserId) -> Self {
        let of = Key::row(user.as_uuid());
        Self {
            before: assumptions.unread(BALANCE, of),
            entries: assumptions.unread(Column("users.entries"), of),
            change: Decimal::ZERO,
            added: 0,
            live_tokens: Vec::new(),
        }
    }

    pub(crate) fn can_spend(&self, amount: Money) -> bool {
        // Asked as a bound of what was there before the batch, which an unread balance can answer.
        self.before.at_least(amount.as_decimal() - self.change)
    }

    pub(crate) fn can_receive(&self, amount: Money) -> bool {
        self.before.at_most(Money::MAX.as_decimal() - self.change - amount.as_decimal())
    }

    /// The balance as it is by now.
    pub(crate) fn balance(&self) -> Result<Money, Unread> {
        let balance = *self.before.value()? + self.change;
        // Rules keep it in range.
        Ok(Money::new(balance).unwrap_or(Money::ZERO))
    }

    pub(crate) fn spend(&mut self, amount: Money) {
        self.change -= amount.as_decimal();
    }

    /// The entry of an amount that comes in.
    pub(crate) fn receive(
        &mut self,
        user: UserId,
        (kind, payment): (WalletEntryKind, Option<PaymentId>),
        id: WalletEntryId,
        amount: Money,
        now: Timestamp,
    ) -> WalletEntry {
        self.change += amount.as_decimal();
        self.added += 1;
        WalletEntry {
            id,
            user,
            kind,
            amount: amount.as_decimal(),
            payment,
            reference: None,
            created_at: now,
            fingerprint: None,
            // Both are read, or neither is.
            before: self.before.value().ok().copied().zip(self.entries.value().ok().copied()),
            sequence: self.added,
            sum: self.change,
        }
    }
}
