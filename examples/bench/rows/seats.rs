//! The list of a large hall's seats over HTTP, while seats are being held.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use concert_core::ConcertId;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use warp::Filter as _;

use super::TURNS;
use crate::baseline::Baseline;
use crate::http::{Client, get_with, start, start_bare};
use crate::load::{Run, Turn, Until, closed_loop};
use crate::report::Row;
use crate::world::{World, seat};
use crate::{Failure, Opts};

const HALL: u32 = 50_000;
const VIEWERS: usize = 64;
/// How often a seat is held meanwhile.
const HOLD_EVERY: Duration = Duration::from_millis(200);

/// Somebody who looks at the hall again and again, as a browser does: with the tag of the last answer.
struct Viewer {
    client: Client,
    etag: Option<String>,
}

/// How many answers there were, and how many said that nothing had changed.
#[derive(Default)]
struct Answers {
    all: AtomicUsize,
    unchanged: AtomicUsize,
}

pub async fn seats(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let sale = world.sale().await?;
    let hall = sale.pair.concert(HALL).await?;
    let (address, stop) = start(&sale.pair.office).await?;
    let bare = start_naive(sale.pair.baseline.clone()).await?;
    let time = Duration::from_secs_f64(opts.seconds / TURNS as f64);
    let (mut ours, mut theirs) = (Run::default(), Run::default());
    let answers = Arc::new(Answers::default());
    let mut held = 0;
    for _ in 0..TURNS {
        let (office, baseline, user) = (&sale.pair.office, &sale.pair.baseline, sale.buyers[0]);
        let hold = async |nth| Ok(office.hold(user, hall, seat(nth)?).await.map(drop)?);
        let (run, now_held) = beside(viewing(address, hall, time, &answers), hold, held).await?;
        ours.add(run);
        let hold = async |nth| baseline.reserve(user, hall, seat(nth)?).await.map(drop);
        let (run, their_held) = beside(viewing(bare, hall, time, &Arc::default()), hold, held).await?;
        theirs.add(run);
        held = now_held.max(their_held);
    }
    stop.cancel();
    let unchanged = answers.unchanged.load(Ordering::Relaxed) as f64 / answers.all.load(Ordering::Relaxed) as f64;
    let row = Row::throughput(format!("seats of a hall of {HALL} over HTTP"), &ours, &theirs, 20.0);
    Ok(vec![row.note(format!(
        "{VIEWERS} viewers with gzip and ETag, {:.1} % of the answers are 304; a seat is held every {} ms on both sides",
        unchanged * 1e2,
        HOLD_EVERY.as_millis()
    ))])
}

/// What people write first: the query and the JSON for every request.
async fn start_naive(baseline: Baseline) -> Result<SocketAddr, Failure> {
    let route = warp::path!("api" / "v1" / "reservations" / Uuid / "seats").and(warp::get()).then(move |hall| {
        let baseline = baseline.clone();
        async move {
            match baseline.seats(ConcertId::from_uuid(hall)).await {
                Ok(json) => warp::http::Response::builder().header("content-type", "application/json").body(json),
                Err(_) => warp::http::Response::builder().status(500).body(Vec::new()),
            }
        }
    });
    start_bare(route).await
}

async fn viewing(address: SocketAddr, hall: ConcertId, time: Duration, answers: &Arc<Answers>) -> Result<Run, Failure> {
    let clients = Client::connect_some(address, VIEWERS).await?;
    let viewers = clients.into_iter().map(|client| Viewer { client, etag: None }).collect();
    let (path, answers) = (Arc::new(format!("/api/v1/reservations/{hall}/seats")), Arc::clone(answers));
    closed_loop(viewers, usize::MAX, Until::After(time), move |viewer: Viewer, _: Turn| {
        let (path, answers) = (Arc::clone(&path), Arc::clone(&answers));
        async move {
            let Viewer { mut client, etag } = viewer;
            let mut headers = vec![("accept-encoding", "gzip")];
            headers.extend(etag.as_deref().map(|etag| ("if-none-match", etag)));
            let answer = client.ask(&get_with(&path, &headers)).await?;
            answers.all.fetch_add(1, Ordering::Relaxed);
            if answer.status == 304 {
                answers.unchanged.fetch_add(1, Ordering::Relaxed);
                return Ok(Viewer { client, etag });
            }
            let answer = answer.expect(200)?;
            if answer.body.is_empty() {
                return Err("a hall without seats".into());
            }
            Ok(Viewer { client, etag: answer.header("etag").map(str::to_owned) })
        }
    })
    .await
}

/// Runs `load`, and meanwhile `act(from)`, `act(from + 1)`, .. at a steady pace; and says which act would be next.
async fn beside(
    load: impl Future<Output = Result<Run, Failure>>,
    act: impl AsyncFn(usize) -> Result<(), Failure>,
    from: usize,
) -> Result<(Run, usize), Failure> {
    let over = CancellationToken::new();
    let acts = async {
        let mut ticks = interval(HOLD_EVERY);
        let mut next = from;
        while over.run_until_cancelled(ticks.tick()).await.is_some() {
            act(next).await?;
            next += 1;
        }
        Ok::<_, Failure>(next)
    };
    let load = async {
        let run = load.await;
        over.cancel();
        run
    };
    tokio::try_join!(load, acts)
}
