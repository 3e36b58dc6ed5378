//! The JSON document of a plan: rows as runs of seats that go on alike, so that 50 000 seats are a few kilobytes.

use std::collections::HashMap;
use std::sync::Arc;

use concert_core::{BoxOffice, ConcertId, Error, HallPlan, Mark, Money, PlanRow, PlanSeat, PlanSection};
use flate2::Compression;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::problem::Problem;
use crate::http::representation::Representation;

/// A row with so many seats to a run, or fewer, names the points of its seats.
const SHORTEST_RUNS: usize = 4;

/// A plan, as it is sent.
pub(in crate::http) struct PlanPage {
    pub(in crate::http) version: u32,
    pub(in crate::http) body: Arc<Representation>,
    /// What the body says.
    pub(super) plan: Arc<HallPlan>,
    /// Of each seat by number, which it is in the order of the plan.
    pub(super) order: Box<[u32]>,
}

impl PlanPage {
    /// Reads a plan, and writes and compresses it, which takes tens of milliseconds for a large hall; `None`: no such concert.
    pub(super) async fn read(office: &BoxOffice, concert: ConcertId) -> Result<Option<Arc<Self>>, Problem> {
        let plan = match office.hall_plan(concert).await {
            Ok(plan) => plan,
            Err(Error::ConcertNotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        metrics::counter!("concert_plan_readings_total").increment(1);
        let writing = tokio::task::spawn_blocking(move || Arc::new(Self::of(plan)));
        writing.await.map(Some).map_err(Problem::internal)
    }

    fn of(plan: HallPlan) -> Self {
        let json = serde_json::to_vec(&PlanBody::of(&plan)).unwrap_or_default();
        // The slow, small form: a plan is written once for each version and fetched by every phone.
        let body = Representation::new("application/json", &json, Compression::best(), None);
        // States come from the database by number, and are sent in the order of the plan.
        let mut by_number: Vec<_> = (0_u32..).zip(plan.seats()).map(|(nth, seat)| (seat.number, nth)).collect();
        by_number.sort_unstable();
        let order = by_number.into_iter().map(|(_, nth)| nth).collect();
        Self { version: plan.version, body, plan: Arc::new(plan), order }
    }

    pub(in crate::http) fn bytes(&self) -> usize {
        self.body.bytes() + size_of_val(&*self.order) + self.order.len() * size_of::<PlanSeat>()
    }
}

/// A drawing of a hall.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Plan)]
pub(super) struct PlanBody<'p> {
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    /// Rises when seats are added or prices change.
    #[schema(minimum = 1)]
    version: u32,
    /// How many seats it has.
    #[schema(minimum = 1)]
    seats: usize,
    /// The least and the greatest `x` and `y` of all seats. Front is where `y` is small.
    bounds: BoundsBody,
    /// What seats cost: the price classes, which runs name by their index, from 0 on.
    #[schema(value_type = Vec<f64>, example = json!([120, 90.5]))]
    prices: Vec<Money>,
    /// What is special about seats: lists of marks, which runs name by their index, from 0 on.
    #[schema(value_type = Vec<Vec<String>>, example = json!([["ACCESSIBLE"]]))]
    marks: Vec<&'p [Mark]>,
    /// Front to back.
    sections: Vec<SectionBody<'p>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlanBounds)]
struct BoundsBody {
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    left: i32,
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    top: i32,
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    right: i32,
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    bottom: i32,
}

/// A part of the hall.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanSection)]
struct SectionBody<'p> {
    /// Not there: it has no name.
    #[schema(nullable = false, max_length = 32, example = "Front")]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'p str>,
    rows: Vec<RowBody<'p>>,
}

/// A row, from one end to the other.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanRow)]
struct RowBody<'p> {
    /// Not there: the seats are in no row.
    #[schema(nullable = false, max_length = 16, example = "12")]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'p str>,
    runs: Vec<RunBody>,
}

/// Neighbours of one price and the same marks, whose numbers and points go on in equal steps.
#[derive(Debug, Serialize, ToSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanRun)]
struct RunBody {
    /// The number of the first seat. It is also the label of a seat.
    #[schema(minimum = 1)]
    number: i32,
    /// How many seats.
    #[schema(minimum = 1)]
    count: usize,
    /// From one number to the next. Not there: 1.
    #[schema(default = 1, minimum = -2147483648, maximum = 2147483647)]
    #[serde(skip_serializing_if = "is_one")]
    step: i32,
    /// The place of the first seat in the row; the others have the next ones, without a gap. Not there: its number.
    #[schema(nullable = false, minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<i32>,
    /// Where the first seat stands.
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    x: i32,
    /// See `x`.
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    y: i32,
    /// From one seat to the next. Not there: 10.
    #[schema(default = 10, minimum = -2147483648, maximum = 2147483647)]
    #[serde(skip_serializing_if = "is_ten")]
    dx: i32,
    /// From one seat to the next. Not there: 0.
    #[schema(default = 0, minimum = -2147483648, maximum = 2147483647)]
    #[serde(skip_serializing_if = "is_zero")]
    dy: i32,
    /// Instead of `dx` and `dy` where steps differ: those from each seat to the next, first in x, then in y.
    #[schema(nullable = false, example = json!([9, 3, 9, 2]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<i32>>,
    /// The index of what each costs. Not there: 0.
    #[schema(default = 0)]
    #[serde(skip_serializing_if = "is_none_of_them")]
    price: usize,
    /// The index of their marks. Not there: they have none.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    marks: Option<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_one(value: &i32) -> bool {
    *value == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_ten(value: &i32) -> bool {
    *value == 10
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(value: &i32) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none_of_them(index: &usize) -> bool {
    *index == 0
}

impl<'p> PlanBody<'p> {
    fn of(plan: &'p HallPlan) -> Self {
        let mut classes = Classes::default();
        let sections = plan.sections.iter().map(|section| classes.section(section)).collect();
        Self {
            concert_id: plan.concert,
            version: plan.version,
            seats: plan.seats().count(),
            bounds: BoundsBody::of(plan),
            prices: classes.prices,
            marks: classes.marks,
            sections,
        }
    }
}

impl BoundsBody {
    fn of(plan: &HallPlan) -> Self {
        let range = |of: fn(&PlanSeat) -> i32| {
            let values = || plan.seats().map(of);
            (values().min().unwrap_or_default(), values().max().unwrap_or_default())
        };
        let ((left, right), (top, bottom)) = (range(|seat| seat.x), range(|seat| seat.y));
        Self { left, top, right, bottom }
    }
}

/// What seats cost and what is special about them, as far as they have been seen.
#[derive(Default)]
struct Classes<'p> {
    prices: Vec<Money>,
    marks: Vec<&'p [Mark]>,
    prices_by_amount: HashMap<Money, usize>,
    marks_by_list: HashMap<&'p [Mark], usize>,
}

impl<'p> Classes<'p> {
    fn section(&mut self, section: &'p PlanSection) -> SectionBody<'p> {
        let rows = section.rows.iter().map(|row| self.row(row)).collect();
        SectionBody { name: section.name.as_deref(), rows }
    }

    fn row(&mut self, row: &'p PlanRow) -> RowBody<'p> {
        let mut runs = Vec::new();
        let mut rest = &row.seats[..];
        while !rest.is_empty() {
            let (alike, others) = rest.split_at(alike(rest));
            let lines = lines(alike);
            // A curved row has another step at almost every seat: a run for each is longer than one list of steps.
            if lines.len() * SHORTEST_RUNS <= alike.len() || lines.len() == 1 {
                runs.extend(lines.into_iter().map(|line| self.run(line)));
            } else {
                runs.push(RunBody { steps: Some(steps(alike)), dx: 10, dy: 0, ..self.run(alike) });
            }
            rest = others;
        }
        RowBody { name: row.name.as_deref(), runs }
    }

    /// A run of seats that stand on a line, if there are any.
    fn run(&mut self, seats: &'p [PlanSeat]) -> RunBody {
        let (first, next) = (&seats[0], seats.get(1));
        let number = first.number.get();
        let (dx, dy) = next.map_or((10, 0), |next| step(first, next));
        RunBody {
            number,
            count: seats.len(),
            step: next.map_or(1, |next| next.number.get() - number),
            place: (first.place != number).then_some(first.place),
            x: first.x,
            y: first.y,
            dx,
            dy,
            steps: None,
            price: self.price(first.price),
            marks: (!first.marks.is_empty()).then(|| self.marks(&first.marks)),
        }
    }

    fn price(&mut self, price: Money) -> usize {
        *self.prices_by_amount.entry(price).or_insert_with(|| {
            self.prices.push(price);
            self.prices.len() - 1
        })
    }

    fn marks(&mut self, marks: &'p [Mark]) -> usize {
        *self.marks_by_list.entry(marks).or_insert_with(|| {
            self.marks.push(marks);
            self.marks.len() - 1
        })
    }
}

/// How many of the first seats cost the same, have the same marks, and numbers and places that go on in equal steps.
fn alike(seats: &[PlanSeat]) -> usize {
    let first = &seats[0];
    let number_step = seats.get(1).map_or(1, |next| i64::from(next.number.get()) - i64::from(first.number.get()));
    let goes_on = |pair: &[PlanSeat]| {
        let [one, next] = pair else { return false };
        let steps =
            [i64::from(next.number.get()) - i64::from(one.number.get()), i64::from(next.place) - i64::from(one.place)];
        (next.price, &next.marks) == (first.price, &first.marks) && steps == [number_step, 1]
    };
    1 + seats.windows(2).take_while(|pair| goes_on(pair)).count()
}

/// The seats in stretches that stand on a line, with equal steps.
fn lines(seats: &[PlanSeat]) -> Vec<&[PlanSeat]> {
    let mut lines = Vec::new();
    let mut rest = seats;
    while let [first, ..] = rest {
        let wanted = rest.get(1).map(|next| step(first, next));
        let steps = rest.windows(2).take_while(|pair| Some(step(&pair[0], &pair[1])) == wanted).count();
        let (line, others) = rest.split_at(1 + steps);
        lines.push(line);
        rest = others;
    }
    lines
}

fn steps(seats: &[PlanSeat]) -> Vec<i32> {
    seats.windows(2).map(|pair| step(&pair[0], &pair[1])).flat_map(|(dx, dy)| [dx, dy]).collect()
}

fn step(from: &PlanSeat, to: &PlanSeat) -> (i32, i32) {
    // Points of one drawing; a difference beyond the range is nobody's hall.
    (to.x.wrapping_sub(from.x), to.y.wrapping_sub(from.y))
}
