//! The SQL of sales, beside what their queues go by.

use hashbrown::HashMap;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::{NewSale, Sale};
use crate::catalog::{ConcertDate, read_date};
use crate::clock::Timestamp;
use crate::db::{self, Failure};
use crate::error::Error;
use crate::id::SaleId;
use crate::operator::{Act, ActSubject, Signature, write_log};
use crate::phase::EntryOrder;
use crate::queue::{
    DrawSecret, GateDraw, SaleSettings, draw_columns, read_admission, read_draw, read_times, times_columns,
};
use crate::sql::{Keyword, MAX_LIST, Script, Text, fetch_all, statements};
use crate::time_zone::TimeZone;

/// The most sales that a list shows.
const MOST_SALES: u32 = 10_000;

macro_rules! sales {
    ($which:literal) => {
        concat!(
            "select s.id, s.name, s.max_seats_per_user, s.version, ",
            times_columns!("s."),
            ", g.paused, g.max_active, g.per_minute, g.waiting, g.active, ",
            draw_columns!("g."),
            " \
             from sales s straight_join queue_gate g force index (primary) on g.sale_id = s.id ",
            $which
        )
    };
}

statements! {
    /// In the order in which they were made.
    ALL { sales!("order by s.created_at, s.id limit {limit}") }
    BY_ID { sales!("where s.id = {id}") }
    NAMED { "select id from sales force index (sales_name) where name = {name}" }
    CONCERTS {
        "select sale_id, id, concert_name, date, start_time, time_zone, status from concerts force index (concerts_sale) where sale_id in ({sales}) \
         order by sale_id, date, id"
    }
    INSERT_SALE {
        insert "sales" (id, name, doors_at, opens_at, closes_at, entry_order, max_seats_per_user, version, created_at)
    }
    INSERT_GATE {
        insert "queue_gate" (sale_id, next_ticket, change_seq, active, waiting, admitted, max_active, most_active, paused,
            per_minute, draw_secret, draw_commitment, draw_chain)
    }
}

/// All sales, with their concerts. `house`: the zone of concerts that name none. What only a
/// process knows is left out: the estimate.
pub(crate) async fn all(pool: &MySqlPool, house: TimeZone, now: Timestamp) -> Result<Vec<Sale>, sqlx::Error> {
    let rows = fetch_all(pool, &ALL, |params| params.bind("limit", MOST_SALES)).await?;
    with_concerts(pool, &rows, house, now).await
}

/// One sale; `None`: there is none of this id.
pub(crate) async fn find(
    pool: &MySqlPool,
    id: SaleId,
    house: TimeZone,
    now: Timestamp,
) -> Result<Option<Sale>, sqlx::Error> {
    let rows = fetch_all(pool, &BY_ID, |params| params.bind("id", id)).await?;
    Ok(with_concerts(pool, &rows, house, now).await?.pop())
}

/// The sale of this name.
pub(crate) async fn named(pool: &MySqlPool, name: &str) -> Result<Option<SaleId>, sqlx::Error> {
    let rows = fetch_all(pool, &NAMED, |params| params.bind("name", Text(name))).await?;
    rows.first().map(|row| row.try_get("id")).transpose()
}

async fn with_concerts(
    pool: &MySqlPool,
    rows: &[MySqlRow],
    house: TimeZone,
    now: Timestamp,
) -> Result<Vec<Sale>, sqlx::Error> {
    let mut sales = rows.iter().map(|row| read_sale(row, now)).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = sales.iter().map(|sale| sale.id).collect();
    let mut concerts: HashMap<SaleId, Vec<ConcertDate>> = HashMap::new();
    for ids in ids.chunks(MAX_LIST) {
        for row in fetch_all(pool, &CONCERTS, |params| params.list("sales", ids)).await? {
            let concert = read_date(&row, house)?;
            concerts.entry(row.try_get("sale_id")?).or_default().push(concert);
        }
    }
    for sale in &mut sales {
        sale.concerts = concerts.remove(&sale.id).unwrap_or_default();
    }
    Ok(sales)
}

fn read_sale(row: &MySqlRow, now: Timestamp) -> Result<Sale, sqlx::Error> {
    let (times, order) = read_times(row)?;
    Ok(Sale {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        phase: times.phase(now),
        doors_at: times.doors_at,
        opens_at: times.opens_at,
        closes_at: times.closes_at,
        now,
        order,
        draw: read_draw(row)?.map(|draw| draw.shown()),
        max_seats_per_user: row.try_get("max_seats_per_user")?,
        admission: read_admission(row)?,
        waiting: row.try_get("waiting")?,
        active: row.try_get("active")?,
        estimate: 0,
        version: row.try_get("version")?,
        concerts: Vec::new(),
    })
}

/// Makes a sale and its queue.
pub(crate) async fn add(pool: &MySqlPool, new: &NewSale, by: &Signature, now: Timestamp) -> Result<(), Error> {
    let settings = new.checked()?;
    let draw = (settings.order == EntryOrder::Draw).then(|| GateDraw::new(DrawSecret::generate()));
    let settings = settings.with_draw(draw.as_ref());
    let SaleSettings { row, times, order, admission, .. } = &settings;
    if let Err(over) = times.check_new(now) {
        // One that the same request has made keeps its answer when it is over.
        let made = db::read(|| fetch_all(pool, &BY_ID, |params| params.bind("id", new.id))).await?;
        if made.is_empty() {
            return Err(over);
        }
    }
    // If this is dropped before COMMIT, the connection closes and the server rolls back.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    let mut script = Script::default();
    script.insert(&INSERT_SALE, &[new.id], |values, id| {
        let values = values.bind("id", *id).bind("name", Text(&row.name)).bind("doors_at", times.doors_at);
        let values = values.bind("opens_at", times.opens_at).bind("closes_at", times.closes_at);
        let values = values.bind("entry_order", Keyword::new(order.in_column()));
        let values = values.bind("max_seats_per_user", row.max_seats_per_user);
        values.bind("version", row.version).bind("created_at", now)
    });
    script.insert(&INSERT_GATE, &[new.id], |values, id| {
        let values = values.bind("sale_id", *id).bind("next_ticket", 1_u32).bind("change_seq", 0_u32);
        let values = values.bind("active", 0_u32).bind("waiting", 0_u32).bind("admitted", 0_u32);
        let values = values.bind("max_active", admission.max_active).bind("most_active", admission.max_active);
        let values = values.bind("paused", admission.paused).bind("per_minute", admission.per_minute);
        let draw = draw.as_ref();
        let values = values.bind("draw_secret", draw.map(|draw| *draw.secret.reveal()));
        values.bind("draw_commitment", draw.map(|draw| draw.commitment)).bind("draw_chain", draw.map(|draw| draw.chain))
    });
    let entry = by.entry(Act::SaleAdd, ActSubject::Sale(new.id), now).with_after(settings.as_json());
    write_log(&mut script, &[entry]);
    script.commit(&mut connection).await.map_err(|failure| match failure {
        // Another sale has the name, or this one was made before.
        Failure::Conflict(error) if error.as_database_error().is_some_and(DatabaseError::is_unique_violation) => {
            Error::SaleExists
        }
        failure => failure.into_error(),
    })?;
    db::close(connection).await;
    Ok(())
}
