//! A Galera cluster of three nodes, with a server on each: `make test-cluster`.

#[path = "cluster/nodes.rs"]
mod nodes;
#[path = "cluster/servers.rs"]
mod servers;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::Days;
use concert_core::{BoxOffice, ConcertId, JwtKeys, Money, NewConcert, OpeningUser, Operator, Policy, Section, UserId};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::Row as _;

use self::nodes::Cluster;
use self::servers::{Server, Starting, ask};

const BUYERS: usize = 24;
const SEATS: u32 = 20_000;
const PRICE: u32 = 10;
/// How often a buyer asks again, in all.
const TRIES: usize = 200;

/// What a buyer was told, and what it met that it should not have met.
#[derive(Default)]
struct Told {
    payments: Vec<String>,
    surprises: Vec<String>,
}

struct Sale {
    client: Client,
    /// One for each node; a server that was killed has its old address.
    addresses: Vec<String>,
    hall: ConcertId,
    next_seat: AtomicUsize,
    is_over: AtomicBool,
}

impl Sale {
    /// Asks one server after the other, beginning with `first`, as long as there is no answer or one to try again.
    async fn insist(&self, first: usize, what: (&str, &str), auth: (Option<&str>, &str), body: &Value) -> (u16, Value) {
        let mut answer = (0, Value::Null);
        for attempt in 0..TRIES {
            let address = &self.addresses[(first + attempt) % self.addresses.len()];
            answer = ask(&self.client, address, what, (auth.0, Some(auth.1)), Some(body)).await;
            if !matches!(answer.0, 0 | 503 | 429) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        answer
    }

    /// Each act of a purchase goes through another node than the one before it.
    async fn buy(&self, nth: usize, user: UserId, told: &mut Told) {
        let joined = self.insist(nth, ("POST", "/api/v1/tokens"), (None, "join"), &json!({ "userId": user })).await;
        let Some(token) = joined.1["token"].as_str() else {
            return told.surprises.push(format!("joining: {joined:?}"));
        };
        for turn in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let seat = self.next_seat.fetch_add(1, Ordering::Relaxed) + 1;
            let first = nth + turn;
            let hold = json!({ "concertId": self.hall, "seatNumber": seat, "userId": user });
            let auth = |key: &str| (Some(token), format!("{key}-{seat}"));
            let (bearer, key) = auth("hold");
            let held = self.insist(first, ("POST", "/api/v1/reservations"), (bearer, &key), &hold).await;
            let Some(id) = held.1["reservationId"].as_str() else {
                told.surprises.push(format!("holding {seat}: {held:?}"));
                continue;
            };
            let pay = json!({ "reservationId": id, "amount": PRICE, "userId": user });
            let (bearer, key) = auth("pay");
            let paid = self.insist(first + 1, ("POST", "/api/v1/payments/process"), (bearer, &key), &pay).await;
            let Some(payment) = paid.1["paymentId"].as_str() else {
                told.surprises.push(format!("paying {seat}: {paid:?}"));
                continue;
            };
            told.payments.push(payment.to_owned());
            let look = format!("/api/v1/payments/{payment}");
            let address = &self.addresses[(first + 2) % self.addresses.len()];
            let seen = ask(&self.client, address, ("GET", &look), (Some(token), None), None).await;
            if !matches!(seen.0, 200 | 0 | 503) {
                told.surprises.push(format!("looking at the payment of {seat}: {seen:?}"));
            }
        }
    }
}

async fn office(cluster: &Cluster) -> BoxOffice {
    let keys = JwtKeys::new(&"s".repeat(32).into()).expect("long enough");
    BoxOffice::connect(&cluster.url(0, "concert"), Policy::new(keys)).await.expect("connects")
}

async fn open_sale(cluster: &Cluster, servers: &[Server]) -> (Sale, Vec<UserId>) {
    let office = office(cluster).await;
    let date = office.now().date_naive() + Days::new(30);
    let office = office.operator(Operator::application());
    let section = Section::in_rows(0, SEATS, Money::whole(PRICE).expect("a price"));
    let concert = NewConcert::new("Cluster".to_owned(), date, vec![section]);
    office.add_concert(&concert).await.expect("added");
    let user = |nth| {
        OpeningUser::new(format!("buyer-{nth}").parse().expect("a name"))
            .with_balance(Money::whole(1_000_000).expect("money"))
    };
    let users: Vec<_> = (0..BUYERS).map(user).collect();
    office.add_users(&users).await.expect("added");
    let sale = Sale {
        client: Client::builder().timeout(Duration::from_secs(20)).build().expect("a client"),
        addresses: servers.iter().map(|server| server.address.clone()).collect(),
        hall: concert.id,
        next_seat: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    };
    (sale, users.iter().map(|user| user.id).collect())
}

/// Every node has the schema, and nobody is recorded as migrating it.
async fn assert_migrated(cluster: &Cluster) {
    for node in 0..3 {
        let mut connection = cluster.connect(node, "concert").await;
        let rows = sqlx::query("select version, applied_at < '2000-01-01' as free from _concert_migrations")
            .fetch_all(&mut connection)
            .await
            .expect("reads");
        let lock = rows.iter().find(|row| row.get::<i64, _>("version") == 0).expect("the lock");
        assert!(lock.get::<bool, _>("free"), "the lock is released on node {node}");
        assert!(rows.len() > 1, "migrated on node {node}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "three database servers for a minute: make test-cluster"]
async fn b14_a_cluster_loses_nothing_and_says_of_nothing_that_it_is_not_there() {
    let mut cluster = Cluster::start().await;
    sqlx::raw_sql("create database concert").execute(&mut cluster.connect(0, "mysql").await).await.expect("made");

    // At once, each on a node of its own.
    let starting = [0, 1, 2].map(|node| Starting::new(&cluster.url(node, "concert")));
    let mut servers: Vec<_> = starting.into_iter().map(Starting::listening).collect();
    assert_migrated(&cluster).await;

    let (sale, users) = open_sale(&cluster, &servers).await;
    let sale = Arc::new(sale);
    let buyers: Vec<_> = users
        .into_iter()
        .enumerate()
        .map(|(nth, user)| {
            let sale = Arc::clone(&sale);
            tokio::spawn(async move {
                let mut told = Told::default();
                sale.buy(nth, user, &mut told).await;
                told
            })
        })
        .collect();

    // Longer than the nodes need to find out that one of them has gone.
    let phase = || tokio::time::sleep(Duration::from_secs(8));
    phase().await;
    cluster.kill(2);
    phase().await;
    servers[1].kill();
    phase().await;
    cluster.restart(2).await;
    phase().await;
    sale.is_over.store(true, Ordering::Relaxed);

    let (mut payments, mut surprises) = (Vec::new(), Vec::new());
    for buyer in buyers {
        let told = buyer.await.expect("a buyer");
        payments.extend(told.payments);
        surprises.extend(told.surprises);
    }
    assert!(surprises.is_empty(), "{} surprises: {:#?}", surprises.len(), &surprises[..surprises.len().min(10)]);
    assert!(payments.len() > BUYERS, "{} payments", payments.len());
    let acknowledged: HashSet<_> = payments.iter().map(|id| id.replace('-', "").to_uppercase()).collect();
    assert_eq!(acknowledged.len(), payments.len(), "no payment was acknowledged to two");
    for node in 0..3 {
        let mut connection = cluster.connect(node, "concert").await;
        sqlx::raw_sql("set session wsrep_sync_wait = 1").execute(&mut connection).await.expect("set");
        let rows = sqlx::query("select hex(id) from payments").fetch_all(&mut connection).await.expect("reads");
        let there: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "lost on node {node}: {lost:?}");
    }
    let violations = office(&cluster).await.operator(Operator::application()).audit().await.expect("audits");
    assert!(violations.is_empty(), "{violations:#?}");
    println!("{} payments acknowledged, none lost", payments.len());
}
