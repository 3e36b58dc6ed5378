//! The lane of holds, over tables.

use super::*;
use crate::reservation::UnpaidHolds;

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
            users: tables.users.iter().map(|(user, row)| (*user, Fact::read(row.is_enabled))).collect(),
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
    pub(in crate::model) fn apply_holds(
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
