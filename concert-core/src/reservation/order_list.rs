//! A user's orders as their owner looks back on them: newest first, in pages; or those that are open.

use hashbrown::HashMap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::newest_first::NewestFirst;
use super::{Order, Reservation, concert_status, read_reservation, reservation_columns, unpaid};
use crate::clock::Timestamp;
use crate::id::{OrderId, ReservationId, UserId};
use crate::page::{Page, Paged};
use crate::sql::{fetch_all, statements};

/// The first reservation of an order has its id.
macro_rules! firsts {
    ($which:literal) => {
        concat!(
            "select r.id from reservations r force index (reservations_user_deadline) \
             where r.user_id = {user} and (r.order_id is null or r.order_id = r.id)",
            $which,
            " order by r.reserved_at desc, r.id desc limit {limit}"
        )
    };
}

statements! {
    NEWEST { firsts!("") }
    OLDER { firsts!(" and (r.reserved_at < {reserved_at} or (r.reserved_at = {reserved_at} and r.id < {id}))") }
    PAGE_START {
        "select reserved_at from reservations where id = {id} and user_id = {user} and (order_id is null or order_id = id)"
    }
    /// Few: the policy bounds them.
    OPEN {
        concat!(
            "select distinct coalesce(r.order_id, r.id) as id from reservations r \
             force index (reservations_user_deadline) where r.user_id = {user} and ",
            unpaid!("r.")
        )
    }
    /// Through the user's index: no index has the ids of orders.
    OF_ORDERS {
        concat!(
            "select ", reservation_columns!("r."), ", ", concert_status!("r."), ", s.section, s.seat_row from reservations r \
             force index (reservations_user_deadline) left join seats s \
             on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
             where r.user_id = {user} and coalesce(r.order_id, r.id) in ({ids})"
        )
    }
}

/// The pages of the list.
const PAGES: NewestFirst = NewestFirst { newest: &NEWEST, older: &OLDER, start: &PAGE_START };

/// A page of a user's orders; `None`: the page starts after something that is not an order of this user.
pub(crate) async fn orders_of(
    pool: &MySqlPool,
    user: UserId,
    page: &Page<OrderId>,
    now: Timestamp,
) -> Result<Option<Paged<Order>>, sqlx::Error> {
    let Some(rows) = PAGES.rows(pool, user, page).await? else { return Ok(None) };
    let Paged { data: ids, has_more } = page.of(ids(&rows)?);
    Ok(Some(Paged { data: with_seats(pool, user, &ids, now).await?, has_more }))
}

/// A user's orders of which something can still be paid, newest first.
pub(crate) async fn open_orders_of(pool: &MySqlPool, user: UserId, now: Timestamp) -> Result<Vec<Order>, sqlx::Error> {
    let rows = fetch_all(pool, &OPEN, |params| params.bind("user", user).bind("now", now)).await?;
    let mut orders = with_seats(pool, user, &ids(&rows)?, now).await?;
    orders.sort_by_key(|order| {
        std::cmp::Reverse((order.reservations.first().map(|one| one.reserved_at), order.id.as_uuid()))
    });
    Ok(orders)
}

fn ids(rows: &[MySqlRow]) -> Result<Vec<ReservationId>, sqlx::Error> {
    rows.iter().map(|row| row.try_get("id")).collect()
}

/// These orders, in this order, with all their seats.
async fn with_seats(
    pool: &MySqlPool,
    user: UserId,
    ids: &[ReservationId],
    now: Timestamp,
) -> Result<Vec<Order>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = fetch_all(pool, &OF_ORDERS, |params| params.bind("user", user).list("ids", ids.iter().copied())).await?;
    let mut parts: HashMap<OrderId, Vec<Reservation>> = HashMap::new();
    for row in &rows {
        let reservation = read_reservation(row)?.at_time(now);
        parts.entry(reservation.order()).or_default().push(reservation);
    }
    Ok(ids.iter().filter_map(|id| Order::of(parts.remove(&OrderId::from(*id))?)).collect())
}
