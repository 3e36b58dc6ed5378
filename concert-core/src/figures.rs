//! The figures of a sale: what `status` shows.

use chrono::NaiveDate;
use hashbrown::HashMap;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use crate::clock::Timestamp;
use crate::db;
use crate::error::Error;
use crate::export::paid;
use crate::id::{ConcertId, SaleId};
use crate::phase::SalePhase;
use crate::queue::{self, Admission, Pace, QueueView, QueueViews, times_columns};
use crate::sql::{MAX_LIST, fetch_all, fetch_one, statements};

statements! {
    QUEUE {
        "select active, waiting, max_active, paused, per_minute, admitted, departed, no_shows, \
         next_ticket - 1 as joined, (select count(*) from queue_bypasses b where b.sale_id = queue_gate.sale_id) as bypassed \
         from queue_gate where sale_id = {sale}"
    }
    /// The queues of all sales.
    QUEUES {
        concat!(
            "select s.id, s.name, ", times_columns!("s."), ", g.active, g.waiting, g.max_active, g.paused, g.per_minute, \
             g.admitted, g.departed, g.no_shows, g.next_ticket - 1 as joined, \
             (select count(*) from queue_bypasses b where b.sale_id = g.sale_id) as bypassed \
             from sales s straight_join queue_gate g force index (primary) on g.sale_id = s.id \
             order by s.created_at, s.id limit {limit}"
        )
    }
    /// The seats by their runs: counting them one by one took 0.6 s a million.
    CONCERTS {
        "select c.id, c.concert_name, c.date, (select coalesce(sum(h.last_seat - h.first_seat + 1), 0) \
         from seat_runs h force index (primary) where h.concert_id = c.id) as seats \
         from concerts c force index (concerts_date) order by c.date, c.id limit {limit}"
    }
    /// Held, lapsed or sold, from the index alone.
    LIVE {
        "select concert_id, count(*) as live from reservations force index (reservations_seat_live) \
         where live = 1 group by concert_id"
    }
    /// Who is in, from the index alone.
    CHECKED_IN {
        "select concert_id, count(*) as checked_in from check_ins force index (check_ins_concert) group by concert_id"
    }
    /// From an index that has nothing but these in this range.
    BLOCKED {
        "select concert_id, count(*) as blocked from seats force index (seats_blocked) \
         where blocked_reason is not null group by concert_id"
    }
    /// Holds that the sweep has not released, by whether their deadline is to come.
    UNPAID {
        "select r.concert_id, coalesce(sum(r.expires_at > {now}), 0) as held, coalesce(sum(r.expires_at <= {now}), 0) as lapsed \
         from sweep_state w straight_join reservations r force index (reservations_expires_at) \
         on r.expires_at >= w.swept_until where w.id = 1 and r.status = 'HELD' group by r.concert_id"
    }
    /// Whoever pays has joined before; payments are looked for all the same, in case the tokens were deleted.
    IN_USE {
        "select max(next_ticket) > 1 or exists (select 1 from payments) as in_use from queue_gate"
    }
}

/// Whether anybody has ever joined the queue or paid.
pub(crate) async fn is_in_use(pool: &MySqlPool) -> Result<bool, sqlx::Error> {
    fetch_one(pool, &IN_USE, |params| params).await?.try_get("in_use")
}

/// The most concerts, and the most sales, that the figures list.
const MOST_CONCERTS: u32 = 10_000;
const MOST_SALES: u32 = 1_000;

/// A sale at one moment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Figures {
    /// The queue of the default sale.
    pub queue: QueueFigures,
    /// The queues of the other sales, in the order in which they were made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sales: Vec<SaleFigures>,
    /// The concerts by date.
    pub concerts: Vec<ConcertFigures>,
    /// How many seats are held unpaid, in all concerts.
    pub holds: u64,
    /// How many payments succeeded and were not refunded.
    pub payments: u64,
    /// What they add up to.
    #[serde(serialize_with = "crate::money::as_number")]
    pub revenue: Decimal,
    /// How many payments were refunded.
    pub refunds: u64,
    /// What they add up to.
    #[serde(serialize_with = "crate::money::as_number")]
    pub refunded: Decimal,
}

/// The queue at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueueFigures {
    /// How many wait.
    pub waiting: u64,
    /// How many of them polled, followed or joined within a few of their poll intervals, as far as the processes have
    /// told each other.
    pub seen: u64,
    /// How many of them did not: they are passed over while others wait who did.
    pub unseen: u64,
    /// How many are ACTIVE.
    pub active: u32,
    /// What operators set: how many may be in, how many are let in per minute, or nobody.
    #[serde(flatten)]
    pub admission: Admission,
    /// How many ever joined.
    pub joined: u64,
    /// How many were ever let in from WAITING.
    pub admitted: u64,
    /// How many of these were never claimed.
    pub no_shows: u64,
    /// How many left the queue, or outlasted it, while they were waiting.
    pub departed: u64,
    /// How many seats operators ever held for users past the queue.
    pub bypassed: u64,
    /// Admissions from WAITING per second over the last minutes, the same in every process; `None` before there were
    /// any.
    pub admitted_per_second: Option<f64>,
}

/// The queue of one sale.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SaleFigures {
    /// The sale.
    pub sale_id: SaleId,
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: SalePhase,
    /// Its queue.
    #[serde(flatten)]
    pub queue: QueueFigures,
}

/// The seats of one concert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConcertFigures {
    /// The concert.
    pub concert_id: ConcertId,
    /// Its name.
    pub concert_name: String,
    /// Its date.
    pub date: NaiveDate,
    /// How many seats it has.
    pub seats: u64,
    /// How many are free, and on sale.
    pub free: u64,
    /// How many are held unpaid.
    pub held: u64,
    /// How many are paid.
    pub sold: u64,
    /// How many are not on sale.
    pub blocked: u64,
    /// How many tickets were checked in, refunded ones too.
    pub checked_in: u64,
}

/// The figures of a sale's queue alone: a few rows, cheap enough for every scrape.
pub(crate) async fn queue_figures(pool: &MySqlPool, view: &QueueView, now: Timestamp) -> Result<QueueFigures, Error> {
    let mut figures = db::read(|| gate_figures(pool, view.sale())).await?;
    figures.seen = view.count_seen(pool, figures.waiting, now).await?;
    figures.unseen = figures.waiting.saturating_sub(figures.seen);
    Ok(figures)
}

/// All but who was seen.
async fn gate_figures(pool: &MySqlPool, sale: SaleId) -> Result<QueueFigures, sqlx::Error> {
    let row = fetch_one(pool, &QUEUE, |params| params.bind("sale", sale)).await?;
    read_queue(&row, queue::read_pace(pool, sale).await?)
}

fn read_queue(row: &MySqlRow, pace: Option<Pace>) -> Result<QueueFigures, sqlx::Error> {
    Ok(QueueFigures {
        waiting: row.try_get("waiting")?,
        seen: 0,
        unseen: 0,
        active: row.try_get("active")?,
        admission: queue::read_admission(row)?,
        joined: row.try_get("joined")?,
        admitted: row.try_get("admitted")?,
        no_shows: row.try_get("no_shows")?,
        departed: row.try_get("departed")?,
        bypassed: row.try_get::<i64, _>("bypassed")?.max(0) as u64,
        admitted_per_second: pace.map(|pace| pace.admitted_per_second),
    })
}

/// The figures of the queues of all sales: three queries, and one more for each queue where some wait.
pub(crate) async fn sale_figures(
    pool: &MySqlPool,
    views: &QueueViews,
    now: Timestamp,
) -> Result<Vec<SaleFigures>, Error> {
    let mut sales = db::read(|| read_sales(pool, now)).await?;
    for sale in sales.iter_mut().filter(|sale| sale.queue.waiting > 0) {
        let queue = &mut sale.queue;
        queue.seen = views.of(sale.sale_id).count_seen(pool, queue.waiting, now).await?;
        queue.unseen = queue.waiting.saturating_sub(queue.seen);
    }
    Ok(sales)
}

async fn read_sales(pool: &MySqlPool, now: Timestamp) -> Result<Vec<SaleFigures>, sqlx::Error> {
    let rows = fetch_all(pool, &QUEUES, |params| params.bind("limit", MOST_SALES)).await?;
    let ids = rows.iter().map(|row| row.try_get("id")).collect::<Result<Vec<SaleId>, _>>()?;
    let mut paces = HashMap::new();
    for ids in ids.chunks(MAX_LIST) {
        paces.extend(queue::read_paces(pool, ids).await?);
    }
    let read = |(row, sale_id): (&MySqlRow, SaleId)| {
        let (times, _) = queue::read_times(row)?;
        let queue = read_queue(row, paces.remove(&sale_id))?;
        Ok(SaleFigures { sale_id, name: row.try_get("name")?, phase: times.phase(now), queue })
    };
    rows.iter().zip(ids).map(read).collect()
}

pub(crate) async fn figures(pool: &MySqlPool, views: &QueueViews, now: Timestamp) -> Result<Figures, Error> {
    let queue = queue_figures(pool, &views.of(SaleId::DEFAULT), now).await?;
    let mut sales = sale_figures(pool, views, now).await?;
    sales.retain(|sale| sale.sale_id != SaleId::DEFAULT);
    // The queue is read before and by itself: its figures come in part from memory and cannot be of the same moment.
    let mut connection = db::unhurried_connection(pool).await?;
    let read = async {
        db::start_snapshot(&mut connection).await?;
        let concerts = concerts(&mut connection, now).await?;
        let paid = paid(&mut connection, None).await?;
        Ok(Figures {
            queue,
            sales,
            holds: concerts.iter().map(|concert| concert.held).sum(),
            concerts,
            payments: paid.payments - paid.refunds,
            revenue: paid.amount - paid.refunded,
            refunds: paid.refunds,
            refunded: paid.refunded,
        })
    };
    let figures = read.await.map_err(db::to_error)?;
    db::close(connection).await;
    Ok(figures)
}

/// A seat that is live is held, lapsed or sold, so those sold are what is left.
async fn concerts(connection: &mut MySqlConnection, now: Timestamp) -> Result<Vec<ConcertFigures>, sqlx::Error> {
    let mut unpaid = HashMap::<ConcertId, (u64, u64)>::new();
    let live = by_concert(fetch_all(&mut *connection, &LIVE, |params| params).await?, "live")?;
    let blocked = by_concert(fetch_all(&mut *connection, &BLOCKED, |params| params).await?, "blocked")?;
    let checked_in = by_concert(fetch_all(&mut *connection, &CHECKED_IN, |params| params).await?, "checked_in")?;
    let rows = fetch_all(&mut *connection, &UNPAID, |params| params.bind("now", now).bind("now", now)).await?;
    for row in rows {
        unpaid.insert(row.try_get("concert_id")?, (sum(&row, "held")?, sum(&row, "lapsed")?));
    }
    let rows = fetch_all(connection, &CONCERTS, |params| params.bind("limit", MOST_CONCERTS)).await?;
    let read = |row: &MySqlRow| {
        let (concert_id, seats): (ConcertId, _) = (row.try_get("id")?, sum(row, "seats")?);
        let (held, lapsed) = unpaid.get(&concert_id).copied().unwrap_or_default();
        // Live is what is held, sold, or lapsed and not swept. So what is sold needs no index of its own.
        let sold = live.get(&concert_id).copied().unwrap_or_default().saturating_sub(held + lapsed);
        let blocked = blocked.get(&concert_id).copied().unwrap_or_default();
        Ok(ConcertFigures {
            concert_id,
            concert_name: row.try_get("concert_name")?,
            date: row.try_get("date")?,
            seats,
            // Lapsed holds count as free: whoever asks for such a seat gets it.
            free: seats.saturating_sub(held + sold + blocked),
            held,
            sold,
            blocked,
            checked_in: checked_in.get(&concert_id).copied().unwrap_or_default(),
        })
    };
    rows.iter().map(read).collect()
}

fn by_concert(rows: Vec<MySqlRow>, column: &str) -> Result<HashMap<ConcertId, u64>, sqlx::Error> {
    rows.iter().map(|row| Ok((row.try_get("concert_id")?, row.try_get::<i64, _>(column)?.max(0) as u64))).collect()
}

/// A sum of whole numbers, which the database gives as a decimal.
fn sum(row: &MySqlRow, column: &str) -> Result<u64, sqlx::Error> {
    let sum: Decimal = row.try_get(column)?;
    u64::try_from(sum).map_err(|error| sqlx::Error::Decode(error.into()))
}
