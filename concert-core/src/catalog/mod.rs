//! The catalogue: concerts, their dates, their seats; putting them on sale and changing them.

mod change;
mod concert;
mod details;
mod generate;
mod hall;
mod insert;
mod list;
mod numbering;

use std::sync::Arc;

pub use change::{ConcertChange, ConcertChanged};
pub(crate) use change::{change_concert, preview_change};
pub(crate) use concert::Bookable;
pub use concert::NewConcert;
pub use details::{ConcertDetails, ConcertSections, SectionView};
pub(crate) use details::{concert_sections, concerts};
pub use generate::{HallPart, generate_hall, generate_stadium};
pub use hall::{Mark, Marking, RowSeats, SeatRow, Section, SectionRows};
pub(crate) use insert::{add_concert, check_new, was_added_by};
pub use list::{ConcertDate, SeatView};
pub(crate) use list::{bookable, concert_dates, concert_exists, concerts_named, read_date, read_zone, sale_of, seats};
pub(crate) use numbering::{LONGEST_MARKS, marks_fit};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] =
    &[insert::STATEMENTS, list::STATEMENTS, details::STATEMENTS, change::STATEMENTS];

/// A section's or row's name, shared with the previous seat if it is the same: a hall has few names.
pub(crate) fn shared(before: &mut Option<Arc<str>>, text: Option<&str>) -> Option<Arc<str>> {
    if before.as_deref() != text {
        *before = text.map(Arc::from);
    }
    before.clone()
}
