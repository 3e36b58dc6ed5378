//! Where seats stand in a drawing, for those of which nobody has said so. Plain geometry.

use super::SPACING;

/// Between two sections that are drawn from their rows.
const BETWEEN_SECTIONS: i64 = 3 * SPACING as i64;
/// A drawing from rows is about so much wider than high, as screens are.
const ASPECT: f64 = 1.5;

type Point = (i32, i32);

/// The seats of a row: their places, and their points as far as they are given.
#[derive(Debug, Default)]
pub(super) struct RowOfPoints {
    /// Whether it has a name. What has none is a stretch of seats, drawn in lines.
    pub(super) is_named: bool,
    /// Whether the places were given. If not, they are the seats' numbers, and each row begins at its own.
    pub(super) has_places: bool,
    pub(super) places: Vec<i32>,
    pub(super) points: Vec<Option<Point>>,
}

/// The points of all seats of all rows of all sections.
pub(super) fn drawn(mut sections: Vec<Vec<RowOfPoints>>) -> Vec<Vec<Vec<Point>>> {
    for section in &mut sections {
        section.iter_mut().for_each(complete_row);
        if section.iter().any(RowOfPoints::is_drawn) {
            add_rows(section);
        }
    }
    draw_blocks(&mut sections);
    let points = |row: RowOfPoints| row.points.into_iter().map(Option::unwrap_or_default).collect();
    sections.into_iter().map(|rows| rows.into_iter().map(points).collect()).collect()
}

impl RowOfPoints {
    fn is_drawn(&self) -> bool {
        self.points.iter().any(Option::is_some)
    }

    /// Its points if it is drawn from its places, and begins at `left`: relative to where its section begins.
    fn drawn_by_place(&self, left: i32, line: i64) -> Vec<(i64, i64)> {
        let left = if self.has_places { left } else { self.places.iter().copied().min().unwrap_or_default() };
        let spacing = i64::from(SPACING);
        let at = |place: &i32| ((i64::from(*place) - i64::from(left)) * spacing, line * spacing);
        self.places.iter().map(at).collect()
    }
}

/// Draws the seats of a row that has some points where the others lead to.
fn complete_row(row: &mut RowOfPoints) {
    let given: Vec<(i32, Point)> =
        row.places.iter().zip(&row.points).filter_map(|(place, point)| Some((*place, (*point)?))).collect();
    let (Some(first), Some(last)) = (given.first(), given.last()) else { return };
    let places = f64::from(last.0) - f64::from(first.0);
    let step = |from: i32, to: i32| (f64::from(to) - f64::from(from)) / places;
    let (dx, dy) = match places {
        // One point leads nowhere, so the row goes to the right.
        0.0 => (f64::from(SPACING), 0.0),
        _ => (step(first.1.0, last.1.0), step(first.1.1, last.1.1)),
    };
    for (place, point) in row.places.iter().zip(&mut row.points).filter(|(_, point)| point.is_none()) {
        let distance = |known: &&(i32, Point)| i64::from(known.0).abs_diff(i64::from(*place));
        let Some((from, (x, y))) = given.iter().min_by_key(distance) else { continue };
        let by = f64::from(*place) - f64::from(*from);
        // A cast of a float stops at the ends of the range.
        *point = Some(((f64::from(*x) + by * dx).round() as i32, (f64::from(*y) + by * dy).round() as i32));
    }
}

/// Draws the rows without points of a section that has some: one after the other behind it.
fn add_rows(section: &mut [RowOfPoints]) {
    let Some(bounds) = Bounds::of(&*section) else { return };
    let left = least_place(section);
    let undrawn = section.iter_mut().filter(|row| !row.is_drawn());
    for (line, row) in (1..).zip(undrawn) {
        let points = row.drawn_by_place(left, line);
        row.points = points.into_iter().map(|(x, y)| Some(point(bounds.left + x, bounds.bottom + y))).collect();
    }
}

fn least_place(section: &[RowOfPoints]) -> i32 {
    section.iter().filter(|row| row.has_places).flat_map(|row| &row.places).copied().min().unwrap_or(1)
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Bounds {
    fn of<'r>(rows: impl IntoIterator<Item = &'r RowOfPoints>) -> Option<Self> {
        let points = rows.into_iter().flat_map(|row| row.points.iter().flatten());
        Self::of_points(points.map(|(x, y)| (i64::from(*x), i64::from(*y))))
    }

    fn of_points(points: impl Iterator<Item = (i64, i64)>) -> Option<Self> {
        points.fold(None, |bounds, (x, y)| {
            let Self { left, top, right, bottom } = bounds.unwrap_or(Self { left: x, top: y, right: x, bottom: y });
            Some(Self { left: left.min(x), top: top.min(y), right: right.max(x), bottom: bottom.max(y) })
        })
    }
}

/// A section without points: where its seats stand, from its own corner on.
struct Block {
    section: usize,
    rows: Vec<Vec<(i64, i64)>>,
    size: (i64, i64),
}

/// Draws the sections without any points as blocks, side by side and behind each other.
fn draw_blocks(sections: &mut [Vec<RowOfPoints>]) {
    let given = Bounds::of(sections.iter().flatten());
    let blocks: Vec<_> = sections
        .iter()
        .enumerate()
        .filter(|(_, section)| !section.iter().any(RowOfPoints::is_drawn))
        .map(|(nth, section)| block(nth, section))
        .collect();
    let (middle, top) = given.map_or((0, 0), |given| ((given.left + given.right) / 2, given.bottom + BETWEEN_SECTIONS));
    for (block, (x, y)) in blocks.iter().zip(shelved(&blocks)) {
        for (row, points) in sections[block.section].iter_mut().zip(&block.rows) {
            row.points = points.iter().map(|(dx, dy)| Some(point(middle + x + dx, top + y + dy))).collect();
        }
    }
}

fn block(section: usize, rows: &[RowOfPoints]) -> Block {
    let left = least_place(rows);
    let mut line = 0;
    let mut drawn = Vec::with_capacity(rows.len());
    for row in rows {
        let points = if row.is_named { row.drawn_by_place(left, line) } else { lines(row.places.len(), line) };
        line = points.iter().map(|(_, y)| y / i64::from(SPACING) + 1).max().unwrap_or(line);
        drawn.push(points);
    }
    let size =
        Bounds::of_points(drawn.iter().flatten().copied()).map_or((0, 0), |bounds| (bounds.right, bounds.bottom));
    Block { section, rows: drawn, size }
}

/// Seats that are in no row, in lines of equal length.
fn lines(seats: usize, from: i64) -> Vec<(i64, i64)> {
    // A few seats stand in one line.
    let length = ((seats as f64 * ASPECT).sqrt().ceil() as i64).max(10);
    let spacing = i64::from(SPACING);
    (0..seats as i64).map(|nth| (nth % length * spacing, (from + nth / length) * spacing)).collect()
}

/// The corners of blocks, on shelves of equally many each: as many as make the whole look like a screen. A shelf is centred
/// around 0.
fn shelved(blocks: &[Block]) -> Vec<(i64, i64)> {
    let strangeness = |on_one: &usize| {
        let (width, height) = extent(blocks, *on_one);
        // The logarithm makes twice as wide as bad as half as wide.
        ((width + 1) as f64 / (height + 1) as f64 / ASPECT).ln().abs()
    };
    let on_one = (1..=blocks.len()).min_by(|a, b| strangeness(a).total_cmp(&strangeness(b))).unwrap_or(1);
    let mut corners = Vec::with_capacity(blocks.len());
    let mut y = 0;
    for shelf in blocks.chunks(on_one) {
        // Halves of the spacing keep rows of even and odd lengths in line.
        let mut x = -shelf_width(shelf) / i64::from(SPACING) * i64::from(SPACING) / 2;
        for block in shelf {
            corners.push((x, y));
            x += block.size.0 + BETWEEN_SECTIONS;
        }
        y += shelf_height(shelf) + BETWEEN_SECTIONS;
    }
    corners
}

fn extent(blocks: &[Block], on_one: usize) -> (i64, i64) {
    let shelves = || blocks.chunks(on_one);
    let height: i64 = shelves().map(|shelf| shelf_height(shelf) + BETWEEN_SECTIONS).sum();
    (shelves().map(shelf_width).max().unwrap_or_default(), height - BETWEEN_SECTIONS)
}

fn shelf_width(shelf: &[Block]) -> i64 {
    shelf.iter().map(|block| block.size.0 + BETWEEN_SECTIONS).sum::<i64>() - BETWEEN_SECTIONS
}

fn shelf_height(shelf: &[Block]) -> i64 {
    shelf.iter().map(|block| block.size.1).max().unwrap_or_default()
}

fn point(x: i64, y: i64) -> Point {
    let within = |value: i64| value.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    (within(x), within(y))
}

#[cfg(test)]
mod tests {
    use hashbrown::HashSet;

    use super::*;

    fn row(places: impl IntoIterator<Item = i32>) -> RowOfPoints {
        let places: Vec<_> = places.into_iter().collect();
        RowOfPoints { is_named: true, has_places: true, points: vec![None; places.len()], places }
    }

    #[test]
    fn rows_stand_behind_each_other_and_an_aisle_is_a_gap() {
        let points = drawn(vec![vec![row([1, 2, 4]), row([2, 3, 4])]]);
        let (first, second) = (&points[0][0], &points[0][1]);
        assert_eq!((first[1].0 - first[0].0, first[2].0 - first[1].0), (10, 20));
        assert_eq!((second[0].0, second[0].1 - first[0].1), (first[1].0, 10), "place 2 is behind place 2");
    }

    #[test]
    fn places_that_are_numbers_begin_with_each_row() {
        let numbered = |first: i32| RowOfPoints { has_places: false, ..row(first..first + 20) };
        let points = drawn(vec![vec![numbered(1), numbered(21)]]);
        assert_eq!(points[0][0][0].0, points[0][1][0].0);
    }

    #[test]
    fn seats_in_no_row_stand_in_lines_and_no_two_at_one_point() {
        let stretch = || vec![RowOfPoints { is_named: false, ..row(1..=1_000) }];
        let points = drawn(vec![stretch(), stretch(), vec![row(1..=40), row(1..=40)]]);
        let all: HashSet<_> = points.iter().flatten().flatten().collect();
        assert_eq!(all.len(), 2_080);
        let (width, height) = all.iter().fold((0, 0), |(x, y), point| (x.max(point.0.abs()), y.max(point.1)));
        assert!(width * 2 < height * 4 && height < width * 4, "it looks like a screen: {width} {height}");
    }

    #[test]
    fn a_seat_that_was_added_stands_where_its_row_leads_and_a_row_behind_the_others() {
        let mut first = row([1, 2, 3, 5]);
        first.points = vec![Some((100, 0)), Some((112, 4)), Some((124, 8)), None];
        let points = drawn(vec![vec![first, row([1, 2])], vec![row([1])]]);
        assert_eq!(points[0][0], [(100, 0), (112, 4), (124, 8), (148, 16)]);
        assert_eq!(points[0][1], [(100, 26), (110, 26)]);
        assert_eq!(points[1][0], [(124, 56)], "a section behind all that is given, in its middle");
    }

    #[test]
    fn points_at_the_ends_of_the_range_do_no_harm() {
        let mut far = row([i32::MAX, 1]);
        far.points = vec![Some((i32::MAX, i32::MIN)), None];
        assert_eq!(drawn(vec![vec![far, row([1, i32::MAX])], vec![]]).len(), 2);
    }
}
