//! The draw of a million people.

use concert_core::SaleId;
use concert_core::chrono::TimeDelta;

use super::{ROOM, UNTIL_OPENING, at_the_doors, draw_of};
use crate::support::{House, Shortcuts as _};

/// A figure: `cargo test -p concert-tests --test suite a_million -- --ignored --nocapture`, with `--release`.
#[tokio::test]
#[ignore = "a million rows: a minute and 2 GB"]
async fn a_million_are_drawn_by_one_write_and_the_first_is_in_within_a_second() {
    const PEOPLE: u64 = 1_000_000;
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    fill(&house, sale, PEOPLE).await;
    house.office.refresh_queue().await.expect("refreshes");
    house.office.rerank_queue().await.expect("reranks");
    house.advance(UNTIL_OPENING);
    let begun = std::time::Instant::now();
    let report = house.office.rerank_queue().await.expect("reranks");
    let took = begun.elapsed();
    assert_eq!(report.admitted, u64::from(ROOM));
    println!("{PEOPLE} at the doors: drawn, and the first {ROOM} let in, after {took:?}");
    let begun = std::time::Instant::now();
    let draw = draw_of(&house, sale).await;
    let let_in = "select ticket from tokens where status = 'ACTIVE'";
    let tickets: Vec<u64> = sqlx::query_scalar(let_in).fetch_all(house.office.pool()).await.expect("reads");
    let places = draw.places().expect("it is made");
    assert!(tickets.iter().all(|ticket| places.place_of(*ticket) <= u64::from(ROOM)), "{tickets:?}");
    println!("the places again, {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    assert!(house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies").agrees());
    println!("verified after {:?}", begun.elapsed());
    assert!(took.as_secs_f64() < 1.0, "{took:?}");
}

/// People at the doors, by rows as joins write them, and the gate as it then is: the first by joining.
async fn fill(house: &House, sale: SaleId, people: u64) {
    use sha2::{Digest as _, Sha256};
    let mut connection = house.office.pool().acquire().await.expect("connects");
    let now = house.office.now().format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let until = (house.office.now() + TimeDelta::hours(6)).format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let sale_hex = sale.as_uuid().simple().to_string();
    let mut chain = [0_u8; 32];
    for from in (1..=people).step_by(10_000) {
        let mut rows = Vec::new();
        for ticket in from..(from + 10_000).min(people + 1) {
            let id = u128::from(ticket) << 64 | 7;
            let hash = Sha256::new().chain_update(chain).chain_update(id.to_be_bytes());
            chain = hash.finalize().into();
            rows.push(format!(
                "(x'{id:032x}',x'{:032x}',x'{sale_hex}',{ticket},'WAITING','{now}','{until}','{now}',1)",
                id + 1
            ));
        }
        let insert = format!(
            "insert into tokens (id, user_id, sale_id, ticket, status, created_at, expires_at, last_updated_at, change_seq) \
             values {}",
            rows.join(",")
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&mut *connection).await.expect("inserts");
    }
    let gate = "update queue_gate set next_ticket = ?, waiting = ?, change_seq = 1, draw_chain = ? where sale_id = ?";
    let gate = sqlx::query(gate).bind(people + 1).bind(people).bind(chain.to_vec()).bind(sale.as_uuid());
    gate.execute(house.office.pool()).await.expect("moves the gate");
}
