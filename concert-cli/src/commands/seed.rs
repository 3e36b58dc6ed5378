//! `seed`: concerts with seats and users with money, to try things out with.

use chrono::{Datelike as _, Days, NaiveDate};
use clap::Args;
use concert_core::{BoxOffice, ConcertId, Error, Money, NewConcert, OpeningUser, Section, UserId};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use uuid::Uuid;

use crate::failure::Failure;
use crate::table::{Output, Show, note, print, table};

/// The UUIDv5 namespace of seeded ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x0c0f_fee5_eed5_4a6b_8a52_6b1f_7d0e_9c31);
/// What a seat costs: of the first 10 %, of the next 30 %, of the rest.
const PRICES: [u32; 3] = [150, 120, 80];
/// As many as `status` lists.
const MOST_CONCERTS: u64 = 10_000;
/// Per concert; their numbers are in memory while they go in.
const MOST_SEATS: i64 = 10_000_000;
/// They are in memory while they go in, in one transaction.
const MOST_USERS: u64 = 5_000_000;
/// The last year that a `DATE` takes.
const LAST_YEAR: i32 = 9999;
/// A table of more rows would help nobody.
const MOST_ROWS_SHOWN: usize = 100;

/// Fill the database with concerts, seats and users to try things out with
///
/// Brings the schema up to date first. The same --seed makes the same ids; a database takes each --seed once. Of each
/// hall the first 10 % of the seats cost 150, the next 30 % 120, the rest 80. The users have no password: they join the
/// queue by id alone. A table shows the first 100 concerts and users; --output json has them all. Interrupted, it leaves
/// the concerts that were complete, and no users.
#[derive(Debug, Args)]
pub struct Opts {
    /// How many concerts, on consecutive dates
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=MOST_CONCERTS))]
    concerts: u64,
    /// How many seats each concert has
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=MOST_SEATS))]
    seats: u32,
    /// How many users
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=MOST_USERS))]
    users: u64,
    /// The balance of each user
    #[arg(long, value_name = "AMOUNT", default_value = "1000")]
    balance: Money,
    /// The date of the first concert, YYYY-MM-DD [default: tomorrow, UTC]
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    starting: Option<NaiveDate>,
    /// What all ids derive from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
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
            .map(|c| [c.concert_id.to_string(), c.concert_name.clone(), c.date.to_string(), c.seats.to_string()])
            .collect();
        let users: Vec<_> = self
            .users
            .iter()
            .take(MOST_ROWS_SHOWN)
            .map(|user| [user.user_id.to_string(), user.username.clone(), user.balance.to_string()])
            .collect();
        let concerts = table(["Concert id", "Concert", "Date", "Seats"], &concerts);
        let users = table(["User id", "User", "Balance"], &users);
        format!("{concerts}\n{users}")
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let concerts = plan_concerts(opts, box_office)?;
    let users = plan_users(opts)?;
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
            .map(|OpeningUser { id, username, balance }| SeededUser {
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

/// Puts all in. Each concert is there as a whole or not at all, and so are the users together.
async fn insert(
    opts: &Opts,
    box_office: &BoxOffice,
    concerts: &[NewConcert],
    users: &[OpeningUser],
) -> Result<(), Failure> {
    let taken = |error| match error {
        Error::ConcertExists | Error::UsernameTaken => Failure::SeedTaken { seed: opts.seed, refusal: error },
        error => Failure::BoxOffice(error),
    };
    // Concerts refuse a seed number that is taken before anything goes in; users alone would do so only at their turn.
    if let Some(user) = users.first() {
        match box_office.user(user.id).await {
            Ok(_) => return Err(taken(Error::UsernameTaken)),
            Err(Error::UserNotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut done = 0;
    let bar = progress_bar(concerts.len() as u64 * u64::from(opts.seats) + users.len() as u64);
    bar.set_message("seats");
    for concert in concerts {
        box_office.add_concert(concert, |seats| bar.set_position(done + u64::from(seats))).await.map_err(taken)?;
        done += u64::from(opts.seats);
    }
    bar.set_message("users");
    box_office.add_users(users, |users| bar.set_position(done + users as u64)).await.map_err(taken)
}

fn plan_concerts(opts: &Opts, box_office: &BoxOffice) -> Result<Vec<NewConcert>, Failure> {
    let today = box_office.now().date_naive();
    let (base, first) = opts.starting.map_or((today, 1), |starting| (starting, 0));
    let sections = sections(opts.seats)?;
    (0..opts.concerts)
        .map(|index| {
            let date = base.checked_add_days(Days::new(first + index)).filter(|date| date.year() <= LAST_YEAR);
            let date = date.ok_or_else(|| Failure::Usage(format!("a concert would be after the year {LAST_YEAR}")))?;
            Ok(NewConcert {
                id: ConcertId::from_uuid(derive_id(opts.seed, "concert", index)),
                name: format!("Concert {}-{}", opts.seed, index + 1),
                date,
                sections: sections.clone(),
            })
        })
        .collect()
}

fn plan_users(opts: &Opts) -> Result<Vec<OpeningUser>, Failure> {
    (0..opts.users)
        .map(|index| {
            Ok(OpeningUser {
                id: UserId::from_uuid(derive_id(opts.seed, "user", index)),
                username: format!("user-{}-{}", opts.seed, index + 1).parse()?,
                balance: opts.balance,
            })
        })
        .collect()
}

/// Front to back; whoever is rounded up is nearer to the front.
fn sections(seats: u32) -> Result<Vec<Section>, Failure> {
    let vip = seats.div_ceil(10);
    let front = (u64::from(seats) * 3).div_ceil(10).min(u64::from(seats - vip)) as u32;
    let rest = seats - vip - front;
    [vip, front, rest]
        .into_iter()
        .zip(PRICES)
        .filter(|(seats, _)| *seats > 0)
        .map(|(seats, price)| Ok(Section { seats, price: Money::whole(price)? }))
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

/// On stderr, if that is a terminal. Dropped, it disappears.
fn progress_bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos} of {human_len}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr()).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_add_up_to_the_hall() {
        for seats in [1, 2, 3, 9, 10, 11, 50, 999, 10_000_000, u32::MAX] {
            let sections = sections(seats).expect("prices are amounts");
            assert_eq!(sections.iter().map(|section| u64::from(section.seats)).sum::<u64>(), u64::from(seats));
        }
        let fifty: Vec<_> = sections(50).expect("prices are amounts").iter().map(|section| section.seats).collect();
        assert_eq!(fifty, [5, 15, 30]);
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
