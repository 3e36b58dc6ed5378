//! `/api/v1/sales`: sales as buyers see them. Open to everyone.

use std::sync::Arc;
use std::time::Duration;

use concert_core::{BoxOffice, Draw, Sale, SaleId};
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::body::{Moment, json};
use super::call::Call;
use super::catalog::DateBody;
use super::fresh::Fresh;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get};
use super::version::with_version;
use super::words;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get("/api/v1/sales", list), get("/api/v1/sales/{saleId}", look)]
}

/// The sales, read once for all who ask at the same moment: a crowd before the doors asks nothing else. Pages, which show
/// a moment anyway, also take a reading that is a little older.
pub(super) struct Sales(Fresh<Result<Arc<[Sale]>, Problem>>);

impl Default for Sales {
    fn default() -> Self {
        Self(Fresh::of_the_moment())
    }
}

impl Sales {
    /// All sales, as they are after this call.
    async fn all(&self, office: &BoxOffice) -> Result<Arc<[Sale]>, Problem> {
        self.up_to(Duration::ZERO, office).await
    }

    async fn up_to(&self, max_age: Duration, office: &BoxOffice) -> Result<Arc<[Sale]>, Problem> {
        self.0.get_up_to(max_age, async { Ok(office.sales().await?.into()) }).await
    }
}

impl Call {
    /// All sales, for pages: as old as seats may be.
    pub(crate) async fn recent_sales(&self) -> Result<Arc<[Sale]>, Problem> {
        self.app.sales.up_to(self.app.board.max_age(), self.box_office()).await
    }
}

/// A sale: concerts behind one queue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SaleBody {
    #[schema(value_type = uuid::Uuid)]
    sale_id: SaleId,
    name: String,
    /// BEFORE (the doors are shut), DOORS (people join and wait), OPEN (people are let in) or CLOSED.
    #[schema(value_type = words::SalePhase)]
    phase: &'static str,
    /// When joining begins; null: no bound.
    doors_at: Option<Moment>,
    /// When people are let in; null: no bound.
    opens_at: Option<Moment>,
    /// When it ends; null: no bound.
    closes_at: Option<Moment>,
    /// The server's time.
    now: Moment,
    /// Who comes first at the opening: arrival or draw.
    #[schema(value_type = words::EntryOrder)]
    order: &'static str,
    /// The draw, where the order is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    draw: Option<DrawBody>,
    /// How many seats one user may have, held and sold together; null: any number.
    max_seats_per_user: Option<u32>,
    /// How many wait.
    waiting: u64,
    /// How long who joins now will wait, in whole seconds, as far as it can be told.
    estimate: u64,
    /// Its concerts, by date.
    concerts: Vec<DateBody>,
}

/// A draw: what anyone needs to check it. docs/src/draw.md says how.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DrawBody {
    /// SHA-256 of the secret, in hexadecimal digits as all that follows.
    commitment: String,
    /// The secret; null before the opening.
    secret: Option<String>,
    /// The chain over the tokens of all who joined before the opening; null before that.
    chain: Option<String>,
    /// What was drawn in public since the doors have opened; null: nothing was named.
    public_value: Option<String>,
    /// How many tickets were drawn; null before the opening.
    count: Option<u64>,
}

impl From<Draw> for DrawBody {
    fn from(draw: Draw) -> Self {
        Self {
            commitment: draw.commitment.to_string(),
            secret: draw.secret.map(|secret| secret.to_string()),
            chain: draw.chain.map(|chain| chain.to_string()),
            public_value: draw.public_value.map(|value| value.to_string()),
            count: draw.count,
        }
    }
}

impl SaleBody {
    /// As buyers see it: without the concerts that are over.
    fn for_buyers(sale: &Sale) -> Self {
        let mut shown = sale.clone();
        shown.concerts = sale.upcoming().cloned().collect();
        shown.into()
    }
}

impl From<Sale> for SaleBody {
    fn from(sale: Sale) -> Self {
        Self {
            sale_id: sale.id,
            name: sale.name,
            phase: sale.phase.as_str(),
            doors_at: sale.doors_at.map(Moment),
            opens_at: sale.opens_at.map(Moment),
            closes_at: sale.closes_at.map(Moment),
            now: Moment(sale.now),
            order: sale.order.as_str(),
            draw: sale.draw.map(DrawBody::from),
            max_seats_per_user: sale.max_seats_per_user,
            waiting: sale.waiting,
            estimate: sale.estimate,
            concerts: sale.concerts.into_iter().map(DateBody::from).collect(),
        }
    }
}

#[utoipa::path(
    get, path = "/api/v1/sales", tag = "catalogue", operation_id = "sales",
    summary = "The sales, in the order in which they were made",
    description = "The first is the default one, which is meant wherever no sale is named. Concerts whose day is over at their \
        venue are left out, and so is a sale all of whose concerts are over.",
    responses((status = 200, body = [SaleBody], description = "The sales"))
)]
async fn list(call: Call) -> Answer {
    let sales = call.app.sales.all(call.box_office()).await?;
    let listed = sales.iter().filter(|sale| sale.id == SaleId::DEFAULT || !sale.is_over());
    json(StatusCode::OK, &listed.map(SaleBody::for_buyers).collect::<Vec<_>>())
}

#[utoipa::path(
    get, path = "/api/v1/sales/{saleId}", tag = "catalogue", operation_id = "sale",
    summary = "A sale: its phase, its instants, its draw, its concerts",
    description = "Concerts whose day is over at their venue are left out.",
    params(("saleId" = uuid::Uuid, Path)),
    responses(
        (status = 200, body = SaleBody, description = "The sale",
            headers(("ETag" = String, description = "The version of what operators have set"))),
        (status = 400, description = "Not a UUID"),
        (status = 404, description = "No such sale"),
    )
)]
async fn look(call: Call) -> Answer {
    let id: SaleId = call.id()?;
    // From the shared list, so that a crowd that reloads one sale costs no more than one that lists them all.
    let shared = call.app.sales.all(call.box_office()).await?;
    let found;
    let sale = match shared.iter().find(|sale| sale.id == id) {
        Some(sale) => sale,
        // On a node of a cluster that lags, or past the longest list.
        None => {
            found = call.box_office().sale(id).await?;
            &found
        }
    };
    with_version(json(StatusCode::OK, &SaleBody::for_buyers(sale)), sale.version)
}
