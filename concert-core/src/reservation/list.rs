//! A user's reservations as their owner looks back on them: newest first, in pages.

use sqlx::MySqlPool;
use sqlx::mysql::MySqlRow;

use super::newest_first::NewestFirst;
use super::{Reservation, concert_status, read_reservation, reservation_columns, unpaid};
use crate::clock::Timestamp;
use crate::id::{ReservationId, UserId};
use crate::page::Page;
use crate::sql::{fetch_all, statements};

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

/// The pages of the list.
const PAGES: NewestFirst = NewestFirst { newest: &NEWEST, older: &OLDER, start: &PAGE_START };

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
    let Some(rows) = PAGES.rows(pool, user, &page).await? else { return Ok(None) };
    let mut list = ReservationList::of(&page, read(&rows)?);
    if page.starting_after().is_none() && list.next.is_some() {
        let live = fetch_all(pool, &LIVE, |params| params.bind("user", user).bind("now", now)).await?;
        list.add_missing(read(&live)?);
    }
    Ok(Some(list))
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
