//! `seed`: concerts with seats and users with money, to try things out with.

use chrono::{Datelike as _, Days, NaiveDate};
use clap::Args;
use concert_core::{BoxOffice, ConcertId, Error, Money, NewConcert, OpeningUser, Section, UserId, Username};
use serde::Serialize;
use uuid::Uuid;

use super::confirm::confirmed;
use crate::failure::Failure;
use crate::progress;
use crate::table::{Output, Show, day, note, print, table, word};
use crate::texts::money;

/// The UUIDv5 namespace of seeded ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x0c0f_fee5_eed5_4a6b_8a52_6b1f_7d0e_9c31);
/// The sections, and what a seat costs: the first 10 % of the hall, the next 30 %, the rest.
const SECTIONS: [(&str, u32); 3] = [("Front", 150), ("Middle", 120), ("Back", 80)];
/// As many as `status` lists.
const MOST_CONCERTS: u64 = 10_000;
/// Per concert. Their numbers are in memory while they are inserted.
const MOST_SEATS: i64 = 10_000_000;
/// They are in memory while they are inserted, in one transaction.
const MOST_USERS: u64 = 5_000_000;
/// How many times a database is seeded without a number: each looks for the names of those before.
const MOST_SEEDINGS: u64 = 10_000;
/// The last year that a `DATE` takes.
const LAST_YEAR: i32 = 9999;
/// A longer table would not be read.
const MOST_ROWS_SHOWN: usize = 100;

/// Fill the database with concerts, seats and users to try things out with
///
/// Brings the schema up to date first. The ids are random, since whoever knows the id of a user without a password may
/// join in that name; with --seed they are the same for the same number, on all databases, so that anybody can work them
/// out. A database takes each --seed once. One with queue tokens or payments may be a live sale, so it asks first. Of each
/// hall the first 10 % of the seats are the section Front and cost 150, the next 30 % Middle, 120, the rest Back, 80;
/// with --rows these are parts of the rows. A hall that is too small for two sections is one without a name. The users
/// have no password: they join the queue by id alone, where the server allows it (--bare-join). A table shows the first 100 concerts and users; --output json has
/// them all. Interrupted, it leaves the concerts that were complete, and no users.
#[derive(Debug, Args)]
pub struct Opts {
    /// How many concerts, on consecutive dates
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=MOST_CONCERTS))]
    concerts: u64,
    /// How many seats each concert has
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=MOST_SEATS))]
    seats: u32,
    /// How many rows of equal length the seats of a concert are in, through all sections [default: no rows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_SEATS))]
    rows: Option<u32>,
    /// How many users
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=MOST_USERS))]
    users: u64,
    /// The balance of each user
    #[arg(long, value_name = "AMOUNT", default_value = "1000")]
    balance: Money,
    /// The date of the first concert, YYYY-MM-DD [default: tomorrow, UTC]
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    starting: Option<NaiveDate>,
    /// What all ids and names derive from [default: the ids are random, the names have the next free number]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Seed a database with queue tokens or payments without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Seeded {
    concerts: Vec<SeededConcert>,
    users: Vec<SeededUser>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeededConcert {
    concert_id: ConcertId,
    concert_name: String,
    date: NaiveDate,
    seats: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeededUser {
    user_id: UserId,
    username: String,
    balance: Money,
}

impl Show for Seeded {
    fn text(&self) -> String {
        let concerts: Vec<_> = self
            .concerts
            .iter()
            .take(MOST_ROWS_SHOWN)
            .map(|c| [c.concert_id.to_string(), c.concert_name.clone(), day(c.date), c.seats.to_string()])
            .collect();
        let users: Vec<_> = self
            .users
            .iter()
            .take(MOST_ROWS_SHOWN)
            .map(|user| [user.user_id.to_string(), user.username.clone(), money(user.balance)])
            .collect();
        let concerts = table(["Concert id", "Concert", "Date", "Seats"], &concerts);
        let users = table(["User id", "User", "Balance"], &users);
        format!("{concerts}\n{users}")
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    // Checked before anybody is asked.
    sections(opts.seats, opts.rows)?;
    if !opts.yes && box_office.operator(super::operator::process()?).is_in_use().await? {
        let question = format!(
            "This database has queue tokens or payments, so it may be a live sale. Seeding adds to it: concerts {}, users \
             without passwords {}.",
            opts.concerts, opts.users
        );
        confirmed(&question, "add --yes to do it").await?;
    }
    let number = match opts.seed {
        Some(seed) => seed,
        None => free_number(box_office).await?,
    };
    let concerts = plan_concerts(opts, number, box_office)?;
    let users = plan_users(opts, number)?;
    insert(opts, box_office, &concerts, &users).await?;

    let seeded = Seeded {
        concerts: concerts
            .into_iter()
            .map(|NewConcert { id, name, date, .. }| SeededConcert {
                concert_id: id,
                concert_name: name,
                date,
                seats: opts.seats,
            })
            .collect(),
        users: users
            .into_iter()
            .map(|OpeningUser { id, username, balance, .. }| SeededUser {
                user_id: id,
                username: username.to_string(),
                balance,
            })
            .collect(),
    };
    let most = seeded.concerts.len().max(seeded.users.len());
    print(output, &seeded)?;
    if output == Output::Table && most > MOST_ROWS_SHOWN {
        note(&format!("only the first {MOST_ROWS_SHOWN} are shown; --output json has them all"));
    }
    Ok(())
}

/// Inserts everything. Each concert is inserted as a whole or not at all, and so are all users together.
async fn insert(
    opts: &Opts,
    box_office: &BoxOffice,
    concerts: &[NewConcert],
    users: &[OpeningUser],
) -> Result<(), Failure> {
    // With a number that was chosen, the ids are taken as well: trying again cannot help, another number does.
    let taken = |error| match (error, opts.seed) {
        (error @ (Error::ConcertExists | Error::UsernameTaken), Some(seed)) => {
            Failure::SeedTaken { seed, refusal: error }
        }
        (error, _) => Failure::BoxOffice(error),
    };
    // Concerts refuse a seed that is taken before anything is inserted. Names are looked for, since the ids of a seeding
    // without a number are not known.
    if let Some(user) = users.first() {
        match box_office.user_named(&user.username).await {
            Ok(_) => return Err(taken(Error::UsernameTaken)),
            Err(Error::UserNotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut done = 0;
    let bar = progress::bar(concerts.len() as u64 * u64::from(opts.seats) + users.len() as u64);
    bar.set_message(word("seats"));
    let back_office = box_office.operator(super::operator::process()?);
    for concert in concerts {
        let progress = |seats| bar.set_position(done + u64::from(seats));
        back_office.add_concert_with_progress(concert, progress).await.map_err(taken)?;
        done += u64::from(opts.seats);
    }
    // Users come last: interrupted before, a database has halls but nobody who could join.
    bar.set_message(word("users"));
    let progress = |users| bar.set_position(done + users as u64);
    back_office.add_users_with_progress(users, progress).await.map_err(taken)
}

/// The first number whose names nobody has.
async fn free_number(box_office: &BoxOffice) -> Result<u64, Failure> {
    for number in 1..=MOST_SEEDINGS {
        match box_office.user_named(&username(number, 0)?).await {
            Ok(_) => {}
            Err(Error::UserNotFound) => return Ok(number),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Usage(format!("this database was seeded {MOST_SEEDINGS} times: choose a --seed")))
}

fn username(number: u64, index: u64) -> Result<Username, Error> {
    format!("user-{number}-{}", index + 1).parse()
}

fn plan_concerts(opts: &Opts, number: u64, box_office: &BoxOffice) -> Result<Vec<NewConcert>, Failure> {
    let today = box_office.now().date_naive();
    let (base, first) = opts.starting.map_or((today, 1), |starting| (starting, 0));
    let sections = sections(opts.seats, opts.rows)?;
    (0..opts.concerts)
        .map(|index| {
            let date = base.checked_add_days(Days::new(first + index)).filter(|date| date.year() <= LAST_YEAR);
            let date = date.ok_or_else(|| Failure::Usage(format!("a concert would be after the year {LAST_YEAR}")))?;
            let name = format!("Concert {number}-{}", index + 1);
            let id = opts.seed.map_or_else(Uuid::new_v4, |seed| derive_id(seed, "concert", index));
            let id = ConcertId::from_uuid(id);
            Ok(NewConcert::new(name, date, sections.clone()).with_id(id))
        })
        .collect()
}

fn plan_users(opts: &Opts, number: u64) -> Result<Vec<OpeningUser>, Failure> {
    let mut ids: Vec<_> = (0..opts.users)
        .map(|index| opts.seed.map_or_else(Uuid::new_v4, |seed| derive_id(seed, "user", index)))
        .collect();
    if opts.seed.is_none() {
        // In the order of the key, in which they are inserted fastest.
        ids.sort_unstable();
    }
    let user = |(index, id)| {
        let user = OpeningUser::new(username(number, index)?).with_id(UserId::from_uuid(id));
        Ok(user.with_balance(opts.balance))
    };
    (0..).zip(ids).map(user).collect()
}

/// Front to back. Remainders go to the sections nearer to the front.
fn sections(seats: u32, rows: Option<u32>) -> Result<Vec<Section>, Failure> {
    if let Some(rows) = rows.filter(|rows| !seats.is_multiple_of(*rows)) {
        return Err(Failure::Usage(format!("{seats} seats do not make {rows} rows of equal length")));
    }
    // A section consists of whole rows.
    let all = rows.unwrap_or(seats);
    let front = all.div_ceil(10);
    let middle = (u64::from(all) * 3).div_ceil(10).min(u64::from(all - front)) as u32;
    let shares = [front, middle, all - front - middle];
    // One section with a name would look like a part of a hall that has no other.
    let named = shares[1] > 0;
    shares
        .into_iter()
        .zip(SECTIONS)
        .filter(|(share, _)| *share > 0)
        .map(|(share, (name, price))| {
            let (rows, seats_per_row) = rows.map_or((0, share), |rows| (share, seats / rows));
            let section = Section::in_rows(rows, seats_per_row, Money::whole(price)?);
            Ok(if named { section.with_name(name) } else { section })
        })
        .collect()
}

fn derive_id(seed: u64, kind: &str, index: u64) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{seed}|{kind}|{index}").as_bytes())
}

fn parse_date(text: &str) -> Result<NaiveDate, String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let date = date.filter(|date| (1000..=LAST_YEAR).contains(&date.year()));
    date.ok_or_else(|| format!("a date is YYYY-MM-DD, up to the year {LAST_YEAR}"))
}

#[cfg(test)]
mod tests {
    use concert_core::SectionRows;

    use super::*;

    /// How many rows, and how many seats each.
    fn length(section: &Section) -> (u32, u32) {
        match section.rows {
            SectionRows::None(seats) => (0, seats),
            SectionRows::Equal { rows, seats } => (rows, seats),
            _ => panic!("a seeded hall has no other rows: {section:?}"),
        }
    }

    #[test]
    fn the_sections_add_up_to_the_hall() {
        for seats in [1, 2, 3, 9, 10, 11, 50, 999, 10_000_000, u32::MAX] {
            for rows in [None, Some(1), Some(seats)] {
                let sections = sections(seats, rows).expect("prices are amounts");
                assert_eq!(sections.iter().map(Section::seats).sum::<u64>(), u64::from(seats));
                assert_eq!(sections.iter().map(|section| length(section).0).sum::<u32>(), rows.unwrap_or(0));
            }
        }
        let fifty: Vec<_> = sections(50, None).expect("prices are amounts").iter().map(Section::seats).collect();
        assert_eq!(fifty, [5, 15, 30]);
    }

    #[test]
    fn sections_are_whole_rows_of_equal_length_and_only_a_lone_one_has_no_name() {
        let shape = |seats, rows| -> Vec<(Option<String>, u32, u32)> {
            let sections = sections(seats, rows).expect("prices are amounts");
            sections
                .into_iter()
                .map(|section| {
                    let (rows, seats) = length(&section);
                    (section.name, rows, seats)
                })
                .collect()
        };
        let named = |name: &str, rows, seats_per_row| (Some(name.to_owned()), rows, seats_per_row);
        assert_eq!(shape(50, Some(5)), [named("Front", 1, 10), named("Middle", 2, 10), named("Back", 2, 10)]);
        assert_eq!(shape(20, Some(2)), [named("Front", 1, 10), named("Middle", 1, 10)]);
        assert_eq!(shape(20, Some(1)), [(None, 1, 20)]);
        assert_eq!(shape(20, None), [named("Front", 0, 2), named("Middle", 0, 6), named("Back", 0, 12)]);
        assert!(matches!(sections(50, Some(7)), Err(Failure::Usage(_))));
    }

    #[test]
    fn ids_differ_by_seed_kind_and_index() {
        let ids =
            [derive_id(1, "user", 0), derive_id(1, "user", 1), derive_id(1, "concert", 0), derive_id(11, "user", 0)];
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "2030-02-30", "+12030-01-01", "0999-01-01", "2030/01/01", "tomorrow"] {
            assert!(parse_date(text).is_err(), "{text} was taken");
        }
        assert!(parse_date("2030-01-31").is_ok());
    }
}
