//! Whether the draw was fair: its verification, and what it did with the order of arrival.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use concert_core::{DrawnToken, Operator, SaleId};
use serde::Serialize;
use sqlx::Row as _;

use crate::Failure;
use crate::program::Program;
use crate::stage::Stage;
use crate::stats::{CellTest, spearman};

/// The most points of the chart of arrival and place.
const MOST_POINTS: usize = 3_000;
/// A draw whose order is as unlikely as this is none. Of a fair one, one of so many rehearsals would say so.
const LEAST_P: f64 = 1e-6;

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DrawReport {
    /// How many were at the doors.
    pub drawn: u64,
    /// What `concert-cli queue verify-draw` says: commitment, tickets and chain agree.
    pub verified: bool,
    /// Of arrival and place: near 0. None where there is no order.
    pub spearman: Option<f64>,
    /// Of arrival and place, in cells.
    pub cells: Option<CellTest>,
    /// Of place and admission, of those without a code who were let in: near 1.
    pub admission_spearman: Option<f64>,
    /// How many were let in while somebody before them waited who was not seen, or had no code.
    pub passed_others: u64,
    /// From the opening to the first who was let in then, in milliseconds.
    pub first_admission_ms: Option<f64>,
    /// Arrival and place of some, evenly chosen.
    #[serde(skip)]
    pub points: Vec<(f64, f64)>,
}

impl DrawReport {
    /// What should not be.
    pub fn trouble(&self) -> Option<String> {
        if !self.verified {
            return Some("the draw does not agree with the tokens".to_owned());
        }
        let p = self.cells?.p;
        (p < LEAST_P).then(|| format!("the draw follows the arrival: p = {p}"))
    }
}

pub async fn check(stage: &Stage, program: &Program) -> Result<DrawReport, Failure> {
    let mut places = Vec::new();
    let each = |token: DrawnToken| places.push((token.ticket, token.place));
    let verification = stage.office.operator(Operator::application()).verify_draw(program.sale, each).await?;
    let drawn = places.len();
    let (arrivals, order): (Vec<_>, Vec<_>) =
        places.iter().map(|(ticket, place)| (*ticket as f64, *place as f64)).unzip();
    let by_ticket: HashMap<u64, u64> = places.iter().copied().collect();
    let let_in = admissions(stage, program.sale).await?;
    let opening = program.opens_at;
    let first = let_in.iter().map(|(_, at)| *at).filter(|at| *at >= opening).min();
    let in_order: Vec<_> =
        let_in.iter().filter_map(|(ticket, at)| Some((*by_ticket.get(ticket)? as f64, micros(*at)))).collect();
    let (drawn_places, admitted): (Vec<_>, Vec<_>) = in_order.into_iter().unzip();
    Ok(DrawReport {
        drawn: drawn as u64,
        verified: verification.agrees(),
        spearman: spearman(&arrivals, &order),
        cells: CellTest::of_permutation(&places),
        admission_spearman: spearman(&drawn_places, &admitted),
        passed_others: verification.passed_others,
        first_admission_ms: first.map(|at| (at - opening).num_microseconds().unwrap_or_default() as f64 / 1e3),
        points: arrivals.into_iter().zip(order).step_by(drawn.div_ceil(MOST_POINTS).max(1)).collect(),
    })
}

fn micros(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64
}

/// Who was let in and when, without those who came by a code.
async fn admissions(stage: &Stage, sale: SaleId) -> Result<Vec<(u64, DateTime<Utc>)>, Failure> {
    let admitted = "select ticket, admitted_at from tokens where sale_id = ? and admitted_at is not null \
                    and id not in (select token_id from code_redemptions where sale_id = ?)";
    let rows = sqlx::query(admitted).bind(sale).bind(sale).fetch_all(stage.office.pool()).await?;
    rows.iter().map(|row| Ok((row.try_get("ticket")?, row.try_get("admitted_at")?))).collect()
}
