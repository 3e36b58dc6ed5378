//! What the holder of a ticket is told: position, wait, and when to ask again.

use std::sync::PoisonError;

use super::QueueView;
use crate::clock::{Timestamp, seconds_until};
use crate::error::Error;
use crate::phase::SaleTimes;
use crate::queue::front::Priority;
use crate::queue::snapshot::{Snapshot, TicketPlace};
use crate::queue::{Standing, Token, TokenStatus, pause};

impl QueueView {
    /// The standing of a ticket that the snapshot has known before; `None`: it has ended.
    pub(crate) fn known_standing(&self, ticket: u64, now: Timestamp) -> Option<Standing> {
        // One look: polls take this lock more often than anything else.
        let standing = |snapshot: &Snapshot| match snapshot.place(ticket, now) {
            TicketPlace::Unknown => None,
            place => Some(self.standing_in(Some(snapshot), place, now)),
        };
        self.look(standing).flatten()
    }

    /// The standing of `token`, which [`QueueView::latest_token`] has found.
    pub(crate) fn standing_of(&self, token: &Token, now: Timestamp) -> Result<Standing, Error> {
        if !token.is_live(now) {
            return Err(Error::TokenExpired);
        }
        match (token.status, self.place(token.ticket, now)) {
            (TokenStatus::Active, _) => Ok(self.standing(TicketPlace::Active { until: token.expires_at }, now)),
            // It ended between the two reads.
            (_, TicketPlace::Unknown) => Err(Error::TokenExpired),
            (_, place) => Ok(self.standing(place, now)),
        }
    }

    /// The standing of a token that has just been made at `position`.
    pub(crate) fn standing_at(&self, token: &Token, position: u64, now: Timestamp) -> Standing {
        let place = match token.status {
            TokenStatus::Waiting => {
                let rank = self.look(|snapshot| snapshot.rank_among_seen(token.ticket, position));
                let priority = self.look(|snapshot| snapshot.priority(token.ticket)).flatten();
                TicketPlace::Waiting { position, among_seen: rank.unwrap_or(position), priority }
            }
            TokenStatus::Active | TokenStatus::Expired => TicketPlace::Active { until: token.expires_at },
        };
        self.standing(place, now)
    }

    fn standing(&self, place: TicketPlace, now: Timestamp) -> Standing {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        self.standing_in(snapshot.as_ref(), place, now)
    }

    /// `snapshot` is `None` before the first refresh.
    fn standing_in(&self, snapshot: Option<&Snapshot>, place: TicketPlace, now: Timestamp) -> Standing {
        let (mut queue_position, mut expires_at, mut poll_after_seconds) = (0, None, pause::SHORTEST_PAUSE);
        let times = snapshot.map_or(SaleTimes::ALWAYS_OPEN, Snapshot::times);
        let mut awaits_draw = snapshot.is_some_and(Snapshot::awaits_draw);
        let all_who_wait = snapshot.map(Snapshot::polling).unwrap_or_default().max(1);
        let (status, remaining_seconds) = match place {
            TicketPlace::Active { until } => {
                expires_at = Some(until);
                (TokenStatus::Active, seconds_until(until, now))
            }
            TicketPlace::Waiting { position, among_seen, priority } => {
                queue_position = position;
                // A place in front is known before the draw.
                awaits_draw &= priority.is_none();
                // Before a draw everybody is as likely to be in front as at the back.
                let among_seen = if awaits_draw { all_who_wait.div_ceil(2) } else { among_seen };
                // Nobody waits for those who are gone.
                let wait = snapshot.map(|snapshot| snapshot.wait_seconds(among_seen, self.active_ttl));
                let polling = snapshot.map(Snapshot::polling).unwrap_or_default();
                let most = self.max_polls_per_second;
                poll_after_seconds = match awaits_draw {
                    true => pause::equal_pause(polling, most),
                    false => pause::pause_at(among_seen, polling, most),
                };
                let wait = wait.unwrap_or_else(|| position.saturating_mul(self.active_ttl.as_secs()));
                // Before the opening, the pre-sale alone lets people in.
                let opens_at = times.opens_at.filter(|_| priority != Some(Priority::Presale));
                let until_opening = opens_at.map_or(0, |opens_at| seconds_until(opens_at, now));
                (TokenStatus::Waiting, wait.saturating_add(until_opening))
            }
            TicketPlace::Unknown => (TokenStatus::Expired, 0),
        };
        let awaits_draw = awaits_draw && status == TokenStatus::Waiting;
        Standing {
            status,
            queue_position: if awaits_draw { 0 } else { queue_position },
            remaining_seconds,
            expires_at,
            poll_after_seconds,
            phase: times.phase(now),
            opens_at: times.opens_at,
            now,
            awaits_draw,
        }
    }
}
