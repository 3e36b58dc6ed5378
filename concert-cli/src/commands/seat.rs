//! `seat`: changes a hall while its seats sell.

use clap::{Args, Subcommand};
use concert_core::{
    BoxOffice, ConcertId, Error, Mark, Money, NewSeats, Reason, SeatNumber, SeatRanges, SeatsChanged, SeatsSwapped,
};

use super::names::ConcertRef;
use super::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, print, table, word};

/// Take seats off sale and put them on sale again, set prices, add seats, and let seats change places
///
/// Seats are numbers and ranges of numbers: `1-20,25`. Held and sold seats are never lost: those that cannot be changed
/// are listed with the reason, all others are changed. Exits 1 if any is refused. A running server shows it within its --seats-max-age.
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take seats off sale that nobody has, for a camera or for guests
    Block {
        /// Its name or id
        concert: ConcertRef,
        #[command(flatten)]
        which: Which,
        /// The reason, for the record
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
        /// Say what would be changed, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        by: By,
    },
    /// Put seats on sale again that were blocked, or refunded and kept off sale
    Unblock {
        /// Its name or id
        concert: ConcertRef,
        #[command(flatten)]
        which: Which,
        /// The reason, for the record
        #[arg(long, value_name = "TEXT")]
        reason: Option<Reason>,
        /// Say what would be changed, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        by: By,
    },
    /// Set what seats cost whoever holds them next; what is held or sold keeps its price
    Price {
        /// Its name or id
        concert: ConcertRef,
        #[command(flatten)]
        which: Which,
        /// The price of each: 0 or more
        #[arg(long, value_name = "AMOUNT")]
        price: Money,
        /// Say what would be changed, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        by: By,
    },
    /// Add seats to a hall: a row, or a part of one
    Add {
        /// Its name or id
        concert: ConcertRef,
        /// Their numbers, which no other seat of the concert has
        #[arg(value_name = "SEATS", required_unless_present = "numbers", conflicts_with = "numbers")]
        seats: Option<SeatRanges>,
        /// The same
        #[arg(long = "seats", value_name = "SEATS", hide = true)]
        numbers: Option<SeatRanges>,
        /// The price of each: 0 or more
        #[arg(long, value_name = "AMOUNT")]
        price: Money,
        /// What their part of the hall is called
        #[arg(long, value_name = "NAME")]
        section: Option<String>,
        /// What their row is called
        #[arg(long, value_name = "NAME")]
        row: Option<String>,
        /// The place of the first of them in the row, the others beside it; otherwise the places are the numbers
        #[arg(long, value_name = "PLACE", value_parser = clap::value_parser!(i32).range(1..))]
        first_place: Option<i32>,
        /// What is special about them: accessible, "restricted view" (which is RESTRICTED_VIEW) or whatever the house says;
        /// can be repeated
        #[arg(long = "mark", value_name = "MARK", value_delimiter = ',')]
        marks: Vec<Mark>,
        /// Say what would be changed, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        by: By,
    },
    /// Let two seats change places: whoever has one of them, held or sold, has the other from then on
    ///
    /// If nobody has one of them, the other's holder moves there. Prices, deadlines, orders and owners stay as they are.
    Swap {
        /// Its name or id
        concert: ConcertRef,
        #[arg(value_parser = seat_number)]
        seat: SeatNumber,
        #[arg(value_parser = seat_number)]
        other: SeatNumber,
        /// The reason, for the record
        #[arg(long, value_name = "TEXT")]
        reason: Option<Reason>,
        /// Say what would be changed, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        by: By,
    },
}

/// Which seats.
#[derive(Debug, Args)]
struct Which {
    /// These seats: `1-20,25`
    #[arg(value_name = "SEATS", required_unless_present_any = ["numbers", "section", "row"],
        conflicts_with_all = ["numbers", "section", "row"])]
    seats: Option<SeatRanges>,
    /// The same
    #[arg(long = "seats", value_name = "SEATS", hide = true, conflicts_with_all = ["section", "row"])]
    numbers: Option<SeatRanges>,
    /// All seats of this section
    #[arg(long, value_name = "NAME")]
    section: Option<String>,
    /// All seats of this row; with --section, of the row in that section
    #[arg(long, value_name = "NAME")]
    row: Option<String>,
}

impl Which {
    async fn numbers(&self, box_office: &BoxOffice, concert: ConcertId) -> Result<Vec<SeatNumber>, Failure> {
        if let Some(seats) = self.seats.as_ref().or(self.numbers.as_ref()) {
            return Ok(seats.numbers().collect());
        }
        // What is not named lets all pass: a row alone is that row of every section.
        let is_named = |name: &Option<String>, of: Option<&str>| name.is_none() || name.as_deref() == of;
        let all = box_office.seats(concert).await?.into_iter();
        let named = all.filter(|seat| {
            is_named(&self.section, seat.section.as_deref()) && is_named(&self.row, seat.row.as_deref())
        });
        // An empty answer is most likely a typing mistake, so it is refused rather than done to nothing.
        let named: Vec<_> = named.map(|seat| seat.number).collect();
        match (named.is_empty(), &self.section, &self.row) {
            (false, ..) => Ok(named),
            (true, Some(section), None) => Err(Error::SectionNotFound { section: section.clone() }.into()),
            (true, _, row) => {
                Err(Failure::Usage(format!("this concert has no such row {:?}", row.as_deref().unwrap_or_default())))
            }
        }
    }
}

fn seat_number(text: &str) -> Result<SeatNumber, String> {
    let number = text.trim().parse().map_err(|_| "a seat number is a whole number".to_owned())?;
    SeatNumber::new(number).map_err(|error| error.to_string())
}

impl Show for SeatsChanged {
    fn text(&self) -> String {
        let listed = |seats: &[SeatNumber]| match seats {
            [] => "-".to_owned(),
            seats => seats.iter().copied().collect::<SeatRanges>().to_string(),
        };
        // A dry run must not read like a change that was made.
        let changed = if self.dry_run { "would change" } else { "changed" };
        let mut rows = vec![(changed, self.changed.to_string()), ("seats", listed(&self.seats))];
        if !self.reserved.is_empty() {
            rows.push(("of them reserved", listed(&self.reserved)));
        }
        rows.push(("version", self.version.to_string()));
        if self.refused.is_empty() {
            return facts(rows);
        }
        let refused: Vec<_> = self.refused.iter().map(|one| [one.seat.to_string(), one.code.to_owned()]).collect();
        format!("{}\n{}", facts(rows), table(["Refused", "Why"], &refused))
    }
}

impl Show for SeatsSwapped {
    fn text(&self) -> String {
        let moved: Vec<_> = self
            .moved
            .iter()
            .map(|one| [one.from.to_string(), one.to.to_string(), one.reservation.to_string()])
            .collect();
        let moved = table(["From", "To", "Reservation id"], &moved);
        if self.dry_run { format!("{}\n{moved}", word("nothing is moved yet: this is a dry run")) } else { moved }
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let hall = |by: &By, concert: ConcertId, dry_run: bool| {
        Ok::<_, Failure>(box_office.operator(by.operator()?).hall(concert).dry_run(dry_run))
    };
    let done = match &opts.action {
        Action::Block { concert, which, reason, dry_run, by } => {
            let concert = concert.find(box_office).await?;
            let seats = which.numbers(box_office, concert).await?;
            hall(by, concert, *dry_run)?.block(seats, reason.clone()).await?
        }
        Action::Unblock { concert, which, reason, dry_run, by } => {
            let concert = concert.find(box_office).await?;
            let seats = which.numbers(box_office, concert).await?;
            hall(by, concert, *dry_run)?.unblock(seats, reason.clone()).await?
        }
        Action::Price { concert, which, price, dry_run, by } => {
            let concert = concert.find(box_office).await?;
            let seats = which.numbers(box_office, concert).await?;
            hall(by, concert, *dry_run)?.price(seats, *price).await?
        }
        Action::Add { concert, seats, numbers, price, section, row, first_place, marks, dry_run, by } => {
            let numbers = seats.iter().chain(numbers).flat_map(SeatRanges::numbers);
            let mut new = NewSeats::new(*price, numbers);
            (new.section, new.row, new.marks) = (section.clone(), row.clone(), marks.clone());
            if let Some(first) = first_place {
                let places: Vec<_> = (*first..).take(new.seats.len()).collect();
                new = new.at_places(&places)?;
            }
            hall(by, concert.find(box_office).await?, *dry_run)?.add(new).await?
        }
        Action::Swap { concert, seat, other, reason, dry_run, by } => {
            let concert = concert.find(box_office).await?;
            let swapped = hall(by, concert, *dry_run)?.swap([*seat, *other], reason.clone()).await?;
            return print(output, &swapped);
        }
    };
    // The result first: whatever is refused, the other seats are changed.
    print(output, &done)?;
    match done.refused.len() {
        0 => Ok(()),
        refused => Err(Failure::SeatsRefused(refused)),
    }
}
