//! Which seats a hold is about: those that it names, or the best that are free.

use super::Desk;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ConcertId, SeatNumber, UserId};
use crate::reservation::best::Hall;
use crate::reservation::{Best, Seat, SeatKey};

impl Desk {
    /// The named seats, if all are free, and none is left to others than `user`.
    pub(super) fn named_seats(
        &mut self,
        user: UserId,
        concert: ConcertId,
        seats: &[SeatNumber],
    ) -> Result<Vec<SeatKey>, Error> {
        self.concert(concert)?;
        let keys: Vec<_> = seats.iter().map(|seat| SeatKey { concert, seat: *seat }).collect();
        if let Some(missing) = keys.iter().find(|key| !self.rows.seats.contains_key(*key)) {
            return Err(Error::SeatNotFound { seat: missing.seat });
        }
        self.require_on_sale(concert)?;
        let is_blocked = |key: &&SeatKey| self.rows.seats.get(*key).is_some_and(Seat::is_blocked);
        let blocked: Vec<_> = keys.iter().filter(is_blocked).map(|key| key.seat).collect();
        if !blocked.is_empty() {
            return Err(Error::SeatBlocked { seats: blocked });
        }
        let rows = &mut self.rows.seats;
        let is_taken = |key: &&SeatKey| rows.get_mut(*key).is_some_and(|seat| !seat.is_free(self.now));
        let taken: Vec<_> = keys.iter().filter(is_taken).map(|key| key.seat).collect();
        if !taken.is_empty() {
            let own = |key: &SeatKey| Some((key.seat, self.rows.seats.get(key)?.own_hold(user)?));
            let yours = keys.iter().filter(|key| taken.contains(&key.seat)).filter_map(own).collect();
            return Err(Error::SeatAlreadyReserved { seats: taken, yours });
        }
        for key in &keys {
            if let Some((_, until)) = self.left_to_others(*key).filter(|(left_by, _)| *left_by == user) {
                return Err(self.held_too_often(key.seat, until));
            }
        }
        Ok(keys)
    }

    pub(super) fn left_to_others(&self, key: SeatKey) -> Option<(UserId, Timestamp)> {
        self.rows.seats.get(&key)?.left_to_others(self.rules, self.now)
    }

    fn held_too_often(&self, seat: SeatNumber, until: Timestamp) -> Error {
        let wait = (until - self.now).to_std().unwrap_or_default();
        Error::SeatHeldTooOften { seat, times: self.rules.max_holds_in_a_row, wait }
    }

    /// The best free seats, without those that are left to others than `user`.
    pub(super) fn best(
        &mut self,
        user: UserId,
        concert: ConcertId,
        Best { count, section, together }: Best<'_>,
    ) -> Result<Vec<SeatKey>, Error> {
        self.concert(concert)?;
        let hall = self.rows.halls.get(&concert).ok_or(Error::ConcertNotFound)?;
        if let Some(section) = section.filter(|section| !hall.has_section(section)) {
            return Err(Error::SectionNotFound { section: section.to_owned() });
        }
        self.require_on_sale(concert)?;
        let choose = |hall: &Hall| if together { hall.together(count, section) } else { hall.best(count, section) };
        let Some(seats) = choose(&hall.open_to(user)) else {
            let free = hall.free(section);
            // Where it is only because of seats that are left to others, the refusal says so.
            let left = choose(hall).and_then(|_| hall.first_left_to_others(user, section));
            return Err(match left {
                Some((seat, until)) => self.held_too_often(seat, until),
                None if together && free >= count => Error::SeatsNotTogether { count },
                None => Error::NotEnoughSeats { free },
            });
        };
        self.best.extend(seats.iter().map(|seat| SeatKey { concert, seat: *seat }));
        if let Some(seating) = self.seatings.get(&concert) {
            let vacant = |seat: &SeatNumber| Some((SeatKey { concert, seat: *seat }, seating.vacant_seat(*seat)?));
            for (key, seat) in seats.iter().filter_map(vacant) {
                // While seats are only being chosen. A row that is locked says more, and stays.
                self.rows.seats.entry(key).or_insert(seat);
            }
        }
        // Only locked seats can be taken. `lock` has locked all that the rules choose.
        self.named_seats(user, concert, &seats)
    }
}
