//! What is on sale, and from when: made as an operator makes it, over REST.

use std::time::{Duration, Instant};

use chrono::{DateTime, Days, SecondsFormat, TimeDelta, Utc};
use concert_core::{AccessCodeId, ConcertId, SaleId};
use serde_json::{Value, json};
use tokio::time::sleep_until;

use crate::Failure;
use crate::opts::{Opts, People};
use crate::stage::Stage;

/// Front to back: what part of the hall, in percent, and what a seat costs there.
const SECTIONS: [(&str, u32, u32); 3] = [("VIP", 10, 150), ("R", 30, 120), ("S", 60, 80)];
/// A block of the hall has so many rows of so many seats.
const BLOCK_ROWS: u32 = 25;
const ROW: u32 = 20;
/// From the first who come too early to the doors.
const LEAD: Duration = Duration::from_millis(500);
/// How many codes are made in a call.
const CODES_AT_ONCE: u32 = 10_000;
/// How often a code can be redeemed that has got into the wrong hands.
const LEAKED_USES: u32 = 10;

/// One of the concerts.
#[derive(Debug, Clone, Copy)]
pub struct Concert {
    pub id: ConcertId,
}

pub struct Program {
    pub sale: SaleId,
    /// The second one is called off at the end.
    pub concerts: [Concert; 2],
    /// The seats of each in the order of its plan.
    pub plans: [Vec<i32>; 2],
    /// When the doors open, and when people are let in.
    pub doors: Instant,
    pub opening: Instant,
    pub opens_at: DateTime<Utc>,
    /// One for each who has one.
    pub presale: Vec<String>,
    pub front: Vec<String>,
    /// A code that robots have got hold of.
    pub leaked: Leaked,
}

pub struct Leaked {
    pub code: String,
    pub id: AccessCodeId,
    pub uses: u32,
}

/// Puts everything on sale.
pub async fn announce(opts: &Opts, stage: &Stage) -> Result<Program, Failure> {
    let (people, desk) = (&opts.people, &stage.desk);
    let now = stage.office.now();
    let name = format!("Rehearsal of {}", now.format("%F %T%.3f"));
    // The instants follow when all is ready: the doors stay shut until then.
    let shut = instant(now + TimeDelta::days(1));
    let body = json!({
        "name": name, "order": "draw", "doorsAt": shut, "opensAt": shut,
        "maxActive": opts.rules.max_active, "maxSeatsPerUser": people.seats_per_buyer,
    });
    let made = desk.post("/api/v1/admin/sales", &body, 201).await?;
    let (sale, etag): (SaleId, _) = (made.id("saleId")?, made.etag.ok_or("a sale without an ETag")?);
    let (mut concerts, mut plans) = (Vec::new(), Vec::new());
    for (seats, days) in [(people.seats, 1), (people.called_off_seats, 2)] {
        let date = now.date_naive().checked_add_days(Days::new(days)).ok_or("the end of time")?;
        let body = json!({
            "saleId": sale, "name": format!("{name}, day {days}"), "date": date, "startsAt": "20:00",
            "timeZone": "Asia/Seoul", "maxSeatsPerUser": people.seats_per_buyer, "sections": sections(seats),
        });
        let id = desk.post("/api/v1/admin/concerts", &body, 201).await?.id("concertId")?;
        concerts.push(Concert { id });
        plans.push(stage.office.hall_plan(id).await?.seats().map(|seat| seat.number.get()).collect());
    }
    let concerts = concerts.try_into().map_err(|_| "two concerts")?;
    let plans = plans.try_into().map_err(|_| "two plans")?;
    let count = (f64::from(people.buyers) * people.codes.0).ceil() as u32;
    let (presale, front) = (codes(stage, sale, "PRESALE", count).await?, codes(stage, sale, "FRONT", count).await?);
    let body = json!({"kind": "FRONT", "count": 1, "uses": LEAKED_USES});
    let made = desk.post(&format!("/api/v1/admin/sales/{sale}/codes"), &body, 201).await?;
    let leaked = Leaked {
        code: made.body["codes"][0].as_str().ok_or("no code")?.to_owned(),
        id: made.body["codeIds"][0].as_str().ok_or("no id of a code")?.parse()?,
        uses: LEAKED_USES,
    };
    let (begun, now) = (Instant::now(), stage.office.now());
    let doors_at = now + TimeDelta::from_std(LEAD)?;
    let opens_at = doors_at + TimeDelta::from_std(people.doors_for)?;
    let path = format!("/api/v1/admin/sales/{sale}");
    let body = json!({"doorsAt": instant(doors_at), "opensAt": instant(opens_at)});
    desk.patch(&path, &body, Some(&etag)).await?.expect(200)?;
    // Whoever has not seen that change is told so.
    desk.patch(&path, &json!({"maxActive": 1}), Some(&etag)).await?.expect(412)?;
    let doors = begun + LEAD;
    Ok(Program { sale, concerts, plans, doors, opening: doors + people.doors_for, opens_at, presale, front, leaked })
}

/// Names what was drawn in public, once the doors have opened.
pub async fn name_public_value(stage: &Stage, program: &Program) -> Result<(), Failure> {
    sleep_until((program.doors + LEAD).into()).await;
    let numbers: [u8; 6] = std::array::from_fn(|_| rand::random_range(1..=45));
    let body = json!({"publicValue": format!("lottery of the day: {numbers:?}")});
    let path = format!("/api/v1/admin/sales/{}/draw", program.sale);
    stage.desk.post(&path, &body, 200).await?;
    Ok(())
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

async fn codes(stage: &Stage, sale: SaleId, kind: &str, count: u32) -> Result<Vec<String>, Failure> {
    let mut codes = Vec::new();
    while codes.len() < count as usize {
        let some = (count - codes.len() as u32).min(CODES_AT_ONCE);
        let body = json!({"kind": kind, "count": some, "uses": 1});
        let made = stage.desk.post(&format!("/api/v1/admin/sales/{sale}/codes"), &body, 201).await?;
        let some = made.body["codes"].as_array().ok_or("no codes")?;
        codes.extend(some.iter().filter_map(|code| Some(code.as_str()?.to_owned())));
    }
    Ok(codes)
}

/// Blocks of rows, front to back; what does not make a row is a section of its own.
fn sections(seats: u32) -> Vec<Value> {
    let (mut sections, mut percent, mut before) = (Vec::new(), 0, 0);
    for (name, part, price) in SECTIONS {
        percent += part;
        let up_to = (u64::from(seats) * u64::from(percent) / 100) as u32;
        let (mut left, mut nth) = (up_to - before, 1);
        before = up_to;
        while left > 0 {
            let rows = (left / ROW).clamp(1, BLOCK_ROWS);
            let length = left.min(ROW);
            sections.push(json!({"name": format!("{name} {nth}"), "price": price, "rows": rows, "seats": length}));
            left -= rows * length;
            nth += 1;
        }
    }
    sections
}

/// How likely somebody wants the concert that is not called off.
pub fn share_of_first(people: &People) -> f64 {
    f64::from(people.seats) / people.all_seats() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_add_up_to_the_hall() {
        for seats in [1, 2, 3, 9, 10, 11, 200, 1_019, 10_000, 65_000] {
            let number = |section: &Value, field: &str| section[field].as_u64().expect("a number");
            let sections = sections(seats);
            let all = sections.iter().map(|section| number(section, "rows") * number(section, "seats")).sum::<u64>();
            assert_eq!(all, u64::from(seats));
            // What a body may have.
            assert!(json!(sections).to_string().len() < 15_000);
        }
    }
}
