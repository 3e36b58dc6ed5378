//! A user's reservations as their owner looks back on them: newest first, in pages.

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::{Reservation, concert_status, read_reservation, reservation_columns, unpaid};
use crate::clock::Timestamp;
use crate::id::{ReservationId, UserId};
use crate::page::Page;
use crate::sql::{fetch_all, fetch_optional, statements};

/// The most reservations of a page without a limit.
const USUAL_PAGE: u32 = 1_000;

macro_rules! listed {
    ($($which:tt)+) => {
        concat!(
            "select ", reservation_columns!("r."), ", ", concert_status!("r."), ", s.section, s.seat_row from reservations r \
             force index (reservations_user_deadline) left join seats s \
             on s.concert_id = r.concert_id and s.seat_number = r.seat_number where r.user_id = {user}",
            $($which)+,
            " order by r.reserved_at desc, r.id desc"
        )
    };
}

statements! {
    NEWEST { concat!(listed!(""), " limit {limit}") }
    OLDER {
        concat!(
            listed!(" and (r.reserved_at < {reserved_at} or (r.reserved_at = {reserved_at} and r.id < {id}))"),
            " limit {limit}"
        )
    }
    /// Few: the policy bounds them.
    LIVE { listed!(" and ", unpaid!("r.")) }
    PAGE_START { "select reserved_at from reservations where id = {id} and user_id = {user}" }
}

/// Reservations of a user, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReservationList {
    /// A page of them. The first page also has the live holds that are older than the page, after the rest: nobody
    /// must miss a hold that can be paid.
    pub reservations: Vec<Reservation>,
    /// What the next page starts after; `None`: there are no older ones.
    pub next: Option<ReservationId>,
}

/// `None`: the page starts after something that is not a reservation of this user.
pub(crate) async fn reservations_of(
    pool: &MySqlPool,
    user: UserId,
    page: Page<ReservationId>,
    now: Timestamp,
) -> Result<Option<ReservationList>, sqlx::Error> {
    let page = page.or_limit(USUAL_PAGE);
    let read = |rows: &[MySqlRow]| rows.iter().map(read_reservation).collect::<Result<Vec<_>, _>>();
    let Some(last) = page.starting_after() else {
        let rows = fetch_all(pool, &NEWEST, |params| params.bind("user", user).bind("limit", page.rows())).await?;
        let mut list = ReservationList::of(&page, read(&rows)?);
        if list.next.is_some() {
            let live = fetch_all(pool, &LIVE, |params| params.bind("user", user).bind("now", now)).await?;
            list.add_missing(read(&live)?);
        }
        return Ok(Some(list));
    };
    let start = fetch_optional(pool, &PAGE_START, |params| params.bind("id", last).bind("user", user)).await?;
    let Some(start) = start else { return Ok(None) };
    let reserved_at: Timestamp = start.try_get("reserved_at")?;
    let rows = fetch_all(pool, &OLDER, |params| {
        let params = params.bind("user", user).bind("reserved_at", reserved_at).bind("reserved_at", reserved_at);
        params.bind("id", last).bind("limit", page.rows())
    });
    Ok(Some(ReservationList::of(&page, read(&rows.await?)?)))
}

/// What a user holds unpaid, newest first.
pub(crate) async fn holds_of(pool: &MySqlPool, user: UserId, now: Timestamp) -> Result<Vec<Reservation>, sqlx::Error> {
    let rows = fetch_all(pool, &LIVE, |params| params.bind("user", user).bind("now", now)).await?;
    rows.iter().map(read_reservation).collect()
}

impl ReservationList {
    fn of(page: &Page<ReservationId>, rows: Vec<Reservation>) -> Self {
        let page = page.of(rows);
        let last = page.data.last().map(|last| last.id);
        Self { next: last.filter(|_| page.has_more), reservations: page.data }
    }

    fn add_missing(&mut self, live: Vec<Reservation>) {
        let shown = self.reservations.len();
        let missing = live.into_iter().filter(|one| !self.reservations[..shown].iter().any(|other| other.id == one.id));
        let missing: Vec<_> = missing.collect();
        self.reservations.extend(missing);
    }
}
