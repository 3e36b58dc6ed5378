//! `/concerts/{concertId}`: a concert and its seats.

use askama::Template;
use concert_core::{ConcertDate, ConcertId, ConcertStatus, Error, Page, SeatNumber, Wanted};
use warp::http::StatusCode;

use super::form::Form;
use super::home::ConcertLine;
use super::keys;
use super::place;
use super::refusal;
use super::shelf::{Part, Row, Section};
use super::visit::{Frame, Trouble, Visit, go_to, show_with};
use crate::http::{Answer, Problem};

/// The most seats that one page lists, where a hall has no rows.
const MOST_LISTED: usize = 500;

/// How many of the best seats the form offers first.
const USUAL_COUNT: u32 = 2;

#[derive(Template)]
#[template(path = "concert.html")]
struct ConcertPage {
    frame: Frame,
    concert: ConcertLine,
    sale: String,
    sale_name: String,
    is_turn: bool,
    /// Whether seats can be held: it is the user's turn, and the concert is on sale.
    can_hold: bool,
    /// How many more seats the user can hold.
    most: u32,
    key: String,
    free: usize,
    /// Why nothing can be chosen here, whoever looks; empty: something can.
    closed: String,
    has_sections: bool,
    sections: Vec<PartLine>,
    chosen: Option<Chosen>,
    asked: Asked,
}

/// What a form asked for that was refused: the page has it filled in.
struct Asked {
    seats: Vec<SeatNumber>,
    count: u32,
    section: String,
    together: bool,
}

impl Default for Asked {
    fn default() -> Self {
        Self { seats: Vec::new(), count: USUAL_COUNT, section: String::new(), together: false }
    }
}

impl Asked {
    fn of(form: &Form) -> Self {
        Self {
            seats: form.all("seat").filter_map(|seat| SeatNumber::new(seat.parse().ok()?).ok()).collect(),
            count: form.get("count").parse().unwrap_or(USUAL_COUNT),
            section: form.get("section").to_owned(),
            together: !form.get("together").is_empty(),
        }
    }
}

/// A section or a row as a line of a table.
struct PartLine {
    name: String,
    free: usize,
    price: String,
    address: String,
}

impl PartLine {
    /// The name, also of a hall without sections.
    fn shown(&self, frame: &Frame) -> String {
        if self.name.is_empty() { frame.t.hall() } else { self.name.clone() }
    }
}

/// A section that was looked into: its rows, or its seats, or the seats of a row.
struct Chosen {
    section: String,
    row: Option<String>,
    up: String,
    rows: Vec<PartLine>,
    seats: Vec<SeatBox>,
}

struct SeatBox {
    number: SeatNumber,
    price: String,
}

pub(super) async fn page(visit: Visit) -> Answer {
    let id = visit.id()?;
    let concert = visit.concert(id).await?;
    answer(visit, &concert, StatusCode::OK, Asked::default()).await
}

async fn answer(visit: Visit, concert: &ConcertDate, status: StatusCode, asked: Asked) -> Answer {
    let sale = visit.sale(concert.sale).await?;
    let hall = visit.hall(concert.concert).await?;
    let is_turn = match &visit.session {
        Some(session) => place::find(&visit, session.ticket.user, concert.sale).await?.is_turn(),
        None => false,
    };
    let can_hold = is_turn && concert.status == ConcertStatus::OnSale;
    let (most, key) = if can_hold { holding(&visit, concert.concert).await? } else { (0, String::new()) };
    let mut visit = visit.with_script("hall.js").await?;
    let (section, row) = (visit.asked("section"), visit.asked("row"));
    let frame = &mut visit.frame;
    frame.title = concert.name.clone();
    let sections = &hall.sections;
    let has_sections = sections.len() > 1 || sections.iter().any(|section| !section.part.name.is_empty());
    // A hall without sections has one without a name, whose address says `section=` alone.
    let is_chosen = frame.query.iter().any(|(name, _)| name == "section");
    let wanted = sections.iter().find(|found| is_chosen && found.part.name == section);
    let page = ConcertPage {
        concert: ConcertLine::of(frame, concert),
        sale: sale.id.to_string(),
        sale_name: sale.name,
        is_turn,
        can_hold,
        most,
        key,
        free: hall.free(),
        closed: match concert.status {
            ConcertStatus::OnSale if hall.free() == 0 => frame.t.concert_sold_out(),
            ConcertStatus::OnSale => String::new(),
            ConcertStatus::Cancelled => frame.t.trouble_cancelled(),
            _ => frame.t.trouble_closed(),
        },
        has_sections,
        sections: sections.iter().map(|section| line(frame, &section.part, &section.part.name, None)).collect(),
        chosen: wanted.map(|section| chosen(frame, section, &row, has_sections)),
        asked: Asked { count: asked.count.clamp(1, most.max(1)), ..asked },
        frame: visit.frame,
    };
    show_with(status, &page)
}

/// How many more seats the user can hold, and the key of the form that holds them: two tabs hold once.
async fn holding(visit: &Visit, concert: ConcertId) -> Result<(u32, String), Problem> {
    let caller = visit.caller()?;
    let has = visit.office().user_seats(caller.clone(), concert).await?;
    let unpaid_left = has.max_holds_per_user.saturating_sub(has.unpaid);
    let newest = visit.office().orders_of(caller, Page::new(Some(1), None)?).await?.data.pop();
    let newest = newest.map(|order| order.id.to_string()).unwrap_or_default();
    // The newest order is part of it: once something was held, the form is another one.
    let key = keys::of_state("hold", &[&has.user, &concert, &newest]);
    Ok((has.left.map_or(unpaid_left, |left| left.min(unpaid_left)), key))
}

fn line(frame: &Frame, part: &Part, section: &str, row: Option<&str>) -> PartLine {
    let query = match row {
        Some(row) => serde_urlencoded::to_string([("section", section), ("row", row)]),
        None => serde_urlencoded::to_string([("section", section)]),
    };
    let price = if part.cheapest == part.dearest {
        frame.money(part.cheapest)
    } else {
        frame.t.price_from_to(frame.money(part.cheapest), frame.money(part.dearest))
    };
    let address = format!("{}?{}#choose", frame.path, query.unwrap_or_default());
    PartLine { name: part.name.clone(), free: part.free, price, address }
}

fn chosen(frame: &Frame, section: &Section, row: &str, has_sections: bool) -> Chosen {
    let (name, rows) = (&section.part.name, &section.rows);
    let has_rows = rows.iter().any(|row| !row.part.name.is_empty());
    let row = rows.iter().find(|found| has_rows && found.part.name == row);
    let shown: &[Row] = match row {
        Some(row) => std::slice::from_ref(row),
        None if has_rows => &[],
        None => rows,
    };
    let seats = shown.iter().flat_map(|row| &row.seats).filter(|seat| seat.is_free).take(MOST_LISTED);
    let seats = seats.map(|seat| SeatBox { number: seat.number, price: frame.money(seat.price) }).collect();
    let up = match (row, has_sections) {
        (Some(_), true) => serde_urlencoded::to_string([("section", name)]),
        _ => Ok(String::new()),
    };
    let listed: &[Row] = if has_rows && row.is_none() { rows } else { &[] };
    Chosen {
        section: name.clone(),
        up: format!("{}?{}#choose", frame.path, up.unwrap_or_default()),
        rows: listed.iter().map(|row| line(frame, &row.part, name, Some(&row.part.name))).collect(),
        seats,
        row: row.map(|row| row.part.name.clone()),
    }
}

pub(super) async fn hold(mut visit: Visit) -> Answer {
    let form = visit.form().await?;
    let (concert, caller): (ConcertId, _) = (visit.id()?, visit.caller()?);
    visit.call.brake_hold(caller.user())?;
    let held = match wanted(&form) {
        Some(wanted) => visit.office().hold(caller.with_key(form.key()), concert, wanted).await,
        None => Err(Error::InvalidInput(visit.frame.t.trouble_choose())),
    };
    let error = match held {
        Ok(order) => return go_to(&format!("/orders/{}", order.id)),
        Err(error) => error,
    };
    let problem = Problem::from(error.clone());
    // Without a concert there is no page to show the trouble on; a failure has a page of its own.
    if !problem.status().is_client_error() || matches!(error, Error::ConcertNotFound) {
        return Err(problem);
    }
    let found = visit.concert(concert).await?;
    visit.frame.path = format!("/concerts/{concert}");
    // The page shows the list that the seats were chosen from.
    let part = |name: &str| (name.to_owned(), form.get(name).to_owned());
    visit.frame.query = if form.get("count").is_empty() { vec![part("section"), part("row")] } else { Vec::new() };
    visit.frame.trouble = Some(match error {
        Error::InvalidInput(text) => Trouble { code: "INVALID_REQUEST", text, way: None },
        error => refusal::trouble(&visit.frame, &error, Some(found.sale)),
    });
    answer(visit, &found, problem.status(), Asked::of(&form)).await
}

/// The seats that are ticked, or how many of the best ones.
fn wanted(form: &Form) -> Option<Wanted> {
    if let Ok(count) = form.get("count").parse::<usize>() {
        let section = Some(form.get("section").to_owned()).filter(|section| !section.is_empty());
        return Some(match form.get("together") {
            "" => Wanted::BestAvailable { count, section },
            _ => Wanted::BestTogether { count, section },
        });
    }
    let seats = form.all("seat").map(|number| SeatNumber::new(number.parse().ok()?).ok());
    let seats: Vec<_> = seats.collect::<Option<_>>()?;
    (!seats.is_empty()).then(|| seats.into())
}
