//! `/`: what is on sale.

use askama::Template;
use concert_core::{ConcertStatus, Sale, SalePhase};

use super::visit::{Frame, Visit, show};
use super::when::{self, Shown};
use crate::http::Answer;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    sales: Vec<SaleCard>,
}

/// A sale with its concerts.
pub(super) struct SaleCard {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) phase: &'static str,
    pub(super) phase_text: String,
    pub(super) doors: Option<Shown>,
    pub(super) opens: Option<Shown>,
    pub(super) closes: Option<Shown>,
    /// What is counted down to: the doors, the opening.
    pub(super) next: Option<Shown>,
    /// Whether people can join now.
    pub(super) can_join: bool,
    pub(super) waiting: u64,
    pub(super) concerts: Vec<ConcertLine>,
}

pub(super) struct ConcertLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) date: String,
    pub(super) datetime: String,
    /// Empty: it is on sale.
    pub(super) status: String,
}

impl SaleCard {
    pub(super) fn of(frame: &Frame, sale: &Sale) -> Self {
        let zone = sale.concerts.first().map_or(frame.locale.zone, |concert| concert.time_zone);
        let shown = |at: Option<concert_core::Timestamp>| at.map(|at| Shown::of(frame, at, zone));
        let (doors, opens, closes) = (shown(sale.doors_at), shown(sale.opens_at), shown(sale.closes_at));
        let phase_text = match sale.phase {
            SalePhase::Before => frame.t.phase_before(),
            SalePhase::Doors => frame.t.phase_doors(),
            SalePhase::Open => frame.t.phase_open(),
            SalePhase::Closed => frame.t.phase_closed(),
        };
        let next = match sale.phase {
            SalePhase::Before => doors.clone().or_else(|| opens.clone()),
            SalePhase::Doors => opens.clone(),
            SalePhase::Open | SalePhase::Closed => None,
        };
        Self {
            id: sale.id.to_string(),
            name: sale.name.clone(),
            phase: sale.phase.as_str(),
            phase_text,
            doors,
            opens,
            closes,
            next,
            can_join: matches!(sale.phase, SalePhase::Doors | SalePhase::Open),
            waiting: sale.waiting,
            concerts: sale.upcoming().map(|concert| ConcertLine::of(frame, concert)).collect(),
        }
    }
}

impl ConcertLine {
    pub(super) fn of(frame: &Frame, concert: &concert_core::ConcertDate) -> Self {
        Self {
            id: concert.concert.to_string(),
            name: concert.name.clone(),
            date: when::performance(frame, concert),
            datetime: concert.date.to_string(),
            status: match concert.status {
                ConcertStatus::OnSale => String::new(),
                ConcertStatus::Cancelled => frame.t.concert_cancelled(),
                _ => frame.t.concert_closed(),
            },
        }
    }
}

pub(super) async fn home(visit: Visit) -> Answer {
    let mut visit = visit.with_script("buyer.js").await?;
    let sales = visit.sales().await?;
    let sales = sales.iter().map(|sale| SaleCard::of(&visit.frame, sale));
    // The default sale of a house that has others is empty, mostly.
    let sales = sales.filter(|sale| !sale.concerts.is_empty()).collect();
    visit.frame.title = visit.frame.t.home_title();
    show(&HomePage { sales, frame: visit.frame })
}
