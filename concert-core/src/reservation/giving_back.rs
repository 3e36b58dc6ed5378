//! All that users hold unpaid of a sale, given back at once: for who leaves its queue.

use hashbrown::HashMap;
use sqlx::{MySqlConnection, Row as _};

use super::eligibility::unpaid;
use super::let_go::let_go_columns;
use super::rows::Effects;
use super::seat::seat_columns;
use super::{HoldState, ReservationStatus, Seat, SeatChanges, SeatKey, read_seats, store};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::fact::Unread;
use crate::id::{ReservationId, SaleId, UserId};
use crate::sql::{Script, statements};

statements! {
    /// What users hold unpaid in their turns, in whichever sale, and its seats, locked in the global order: the inner query is completed first, since it has
    /// a limit, which is none, and locks nothing.
    LOCK_UNPAID {
        concat!(
            "select r.id, r.user_id, r.sale_id, ", seat_columns!(), " from (select id, user_id, sale_id, concert_id, seat_number \
             from reservations force index (reservations_user_deadline) where user_id in ({users}) and ", unpaid!(""),
            " and bypassed_queue = 0 order by concert_id, seat_number limit 1000000000) r straight_join seats s force index (primary) \
             on s.concert_id = r.concert_id and s.seat_number = r.seat_number for update"
        )
    }
}

/// What some users hold unpaid, with the seats, which are locked.
#[derive(Debug, Default)]
pub(crate) struct UnpaidSeats {
    holds: HashMap<(UserId, SaleId), Vec<(ReservationId, SeatKey)>>,
    seats: HashMap<SeatKey, Seat>,
}

/// What is given back.
#[derive(Debug, Default)]
pub(crate) struct GivenBack(Effects);

impl UnpaidSeats {
    #[cfg(test)]
    pub(crate) fn new(holds: &[((UserId, SaleId), ReservationId, SeatKey)], seats: HashMap<SeatKey, Seat>) -> Self {
        let mut all = Self { seats, ..Self::default() };
        for (of, id, key) in holds {
            all.holds.entry(*of).or_default().push((*id, *key));
        }
        all
    }

    /// Locks the seats. The tokens of the users are locked before, so none of them can hold a seat meanwhile.
    pub(crate) async fn lock(
        connection: &mut MySqlConnection,
        leaving: Vec<(UserId, SaleId)>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let users = leaving.iter().map(|(user, _)| *user).collect();
        let mut script = Script::default();
        let unpaid =
            script.select_keys(&LOCK_UNPAID, users, |params, users| params.list("users", users).bind("now", now));
        let selected = script.run(connection).await?;
        let mut all = Self { seats: read_seats(&selected, &unpaid)?, ..Self::default() };
        for row in selected.rows(&unpaid) {
            let key = SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? };
            let of = (row.try_get("user_id")?, row.try_get("sale_id")?);
            all.holds.entry(of).or_default().push((row.try_get("id")?, key));
        }
        Ok(all)
    }

    /// Gives back all that a user holds of a sale.
    pub(crate) fn give_back(
        &mut self,
        user: UserId,
        sale: SaleId,
        now: Timestamp,
        to: &mut GivenBack,
    ) -> Result<(), Unread> {
        for (id, key) in self.holds.remove(&(user, sale)).unwrap_or_default() {
            let Some(seat) = self.seats.get_mut(&key) else { continue };
            // It may have been given back or taken over between the reading of the hold and the lock of its seat.
            if seat.hold_state(id, now) == HoldState::Held {
                to.0.pass(key, seat, None, None)?;
                to.0.close(id, ReservationStatus::Cancelled);
            }
        }
        Ok(())
    }
}

impl GivenBack {
    /// Releases the hold that has a seat, if there is one: a lapsed hold.
    pub(crate) fn release_lapsed(&mut self, key: SeatKey, seat: &mut Seat) -> Result<(), Unread> {
        if let Some(lapsed) = seat.holder()? {
            self.0.pass(key, seat, None, None)?;
            self.0.close(lapsed, ReservationStatus::Expired);
        }
        Ok(())
    }

    pub(crate) fn write(&self, script: &mut Script, now: Timestamp) {
        store::write(script, &self.0, now);
    }

    /// Called after the commit.
    pub(crate) fn note(&self, changes: &SeatChanges) {
        self.0.seats.keys().for_each(|key| changes.note(key.concert));
        self.0.count_unpaid_ends();
    }

    #[cfg(test)]
    pub(crate) const fn effects(&self) -> &Effects {
        &self.0
    }
}
