//! `concert`: concerts and their halls, made, changed and closed.

mod file;
mod generate;
mod shown;

use std::path::PathBuf;

use chrono::{NaiveDate, NaiveTime};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use concert_core::{BackOffice, BoxOffice, ConcertChange, ConcertDetails, ConcertStatus, Operator, Page, TimeZone};

use self::file::ConcertFile;
use self::shown::{Added, Changed, Concerts, One};
use super::cancel;
use super::names::{ConcertRef, SaleRef};
use super::operator::By;
use crate::failure::Failure;
use crate::progress;
use crate::table::{Output, print, print_text, word};

/// How many concerts are read at once.
const PAGE: u32 = 100;

/// Put concerts on sale from a file, look at them, change and close them, call them off
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

impl Opts {
    /// Making a file up needs no database.
    pub const fn works_alone(&self) -> bool {
        matches!(self.action, Action::Generate(_))
    }

    pub fn run_alone(&self) -> Result<(), Failure> {
        match &self.action {
            Action::Generate(opts) => print_text(&opts.file()?),
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Put a concert on sale that a TOML file describes, all of it or nothing
    ///
    /// See docs/src/concerts.md and examples/concerts/hall.toml; `concert generate` makes such a file up.
    Add {
        /// The file; `-`: stdin
        file: PathBuf,
        /// The sale, by name or id, whatever the file says
        #[arg(long, value_name = "SALE")]
        sale: Option<SaleRef>,
        /// Only check the file, and show what would be added
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        by: By,
    },
    /// List all concerts, by date
    List,
    /// Show a concert, and how many seats of each section are free, held, sold and blocked
    Show {
        /// Its name or id
        concert: ConcertRef,
    },
    /// Change a concert; what is not said stays as it is
    Edit {
        /// Its name or id
        concert: ConcertRef,
        #[command(flatten)]
        fields: Fields,
        #[command(flatten)]
        how: How,
    },
    /// Close a concert: nothing more is held; what is held can still be paid
    ///
    /// `concert edit --status ON_SALE` puts it on sale again.
    Close {
        /// Its name or id
        concert: ConcertRef,
        #[command(flatten)]
        how: How,
    },
    Cancel(cancel::Opts),
    /// Make up a hall or a stadium, and print it as a file for `concert add`
    Generate(generate::Opts),
}

/// How to change a concert.
#[derive(Debug, Args)]
struct How {
    /// Only if it still has this version
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u32>,
    /// Change nothing, and show what would change
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    by: By,
}

/// What to change.
#[derive(Debug, Args)]
struct Fields {
    /// Call it so
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Its date, by the clocks of its venue
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<NaiveDate>,
    /// When it begins, by the clocks of its venue: 20:00, or `none`
    #[arg(long, visible_alias = "starts-at", value_name = "TIME", value_parser = start)]
    start: Option<Start>,
    /// The zone of its venue, an IANA name, or `none`: that of the house
    #[arg(long = "zone", value_name = "ZONE", value_parser = zone)]
    zone: Option<Zone>,
    /// How many seats one user may have, held and sold together, or `none`
    #[arg(long, value_name = "COUNT", value_parser = limit)]
    max_seats_per_user: Option<Limit>,
    /// Put it on sale again, or close it; `concert cancel` calls it off
    #[arg(long, value_name = "STATUS", value_parser = status(), ignore_case = true)]
    status: Option<ConcertStatus>,
}

/// A value, or none.
#[derive(Debug, Clone, Copy)]
struct Start(Option<NaiveTime>);
#[derive(Debug, Clone, Copy)]
struct Zone(Option<TimeZone>);
#[derive(Debug, Clone, Copy)]
struct Limit(Option<u32>);

/// What an edit can make of a concert; to call it off is a command of its own.
fn status() -> impl TypedValueParser<Value = ConcertStatus> {
    let [on_sale, closed] = [ConcertStatus::OnSale, ConcertStatus::Closed].map(ConcertStatus::as_str);
    PossibleValuesParser::new([on_sale, closed]).map(move |word| match word.eq_ignore_ascii_case(closed) {
        true => ConcertStatus::Closed,
        false => ConcertStatus::OnSale,
    })
}

fn or_none<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text == "none" { Ok(None) } else { read(text).map(Some) }
}

fn start(text: &str) -> Result<Start, String> {
    or_none(text, time).map(Start)
}

fn zone(text: &str) -> Result<Zone, String> {
    or_none(text, |text| text.parse::<TimeZone>().map_err(|error| error.to_string())).map(Zone)
}

fn limit(text: &str) -> Result<Limit, String> {
    or_none(text, |text| text.parse().map_err(|_| "must be a number or none".to_owned())).map(Limit)
}

/// Reads `2027-03-05`.
fn date(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| format!("{text:?} is no date like 2027-03-05"))
}

/// Reads `20:00` and `20:00:00`.
fn time(text: &str) -> Result<NaiveTime, String> {
    let read = ["%H:%M", "%H:%M:%S"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok());
    read.ok_or_else(|| format!("{text:?} is no time like 20:00"))
}

impl Fields {
    fn change(&self) -> Result<ConcertChange, Failure> {
        let mut change = ConcertChange::new();
        if let Some(name) = &self.name {
            change = change.with_name(name);
        }
        if let Some(date) = self.date {
            change = change.with_date(date);
        }
        if let Some(Start(time)) = self.start {
            change = change.with_start(time);
        }
        if let Some(Zone(zone)) = self.zone {
            change = change.with_time_zone(zone);
        }
        if let Some(Limit(seats)) = self.max_seats_per_user {
            change = change.with_max_seats_per_user(seats);
        }
        if let Some(status) = self.status {
            change = change.with_status(status);
        }
        if change == ConcertChange::new() {
            let text = "say what to change: --name, --date, --start and so on; `concert edit --help` lists them";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok(change)
    }
}

/// All concerts, by date.
async fn all(reader: &BackOffice) -> Result<Vec<ConcertDetails>, Failure> {
    let (mut concerts, mut last) = (Vec::new(), None);
    loop {
        let page = reader.concerts(Page::new(Some(PAGE), last)?).await?;
        last = page.data.last().map(|concert| concert.id);
        concerts.extend(page.data);
        if !page.has_more {
            // The library lists the last date first; a calendar begins with the next one.
            concerts.reverse();
            return Ok(concerts);
        }
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let reader = box_office.operator(Operator::application());
    match &opts.action {
        Action::Add { file, sale, dry_run, by } => {
            add(box_office, &ConcertFile::read(file)?, sale.as_ref(), *dry_run, by, output).await
        }
        Action::List => print(output, &Concerts::of(all(&reader).await?)),
        Action::Show { concert } => print(output, &One::of(reader.concert(concert.find(box_office).await?).await?)),
        Action::Edit { concert, fields, how } => change(box_office, concert, &fields.change()?, how, output).await,
        Action::Close { concert, how } => change(box_office, concert, &ConcertChange::close(), how, output).await,
        Action::Cancel(opts) => cancel::run(opts, box_office, output).await,
        Action::Generate(_) => opts.run_alone(),
    }
}

async fn add(
    box_office: &BoxOffice,
    file: &ConcertFile,
    sale: Option<&SaleRef>,
    dry_run: bool,
    by: &By,
    output: Output,
) -> Result<(), Failure> {
    let sale = match sale.or(file.sale()?.as_ref()) {
        Some(sale) => Some(sale.find(box_office).await?),
        None => None,
    };
    let mut new = file.concert()?;
    if let Some(sale) = sale {
        new = new.with_sale(sale);
    }
    let back_office = box_office.operator(by.operator()?);
    if dry_run {
        // Checked by the rules that would add it, so that a file that passes is added.
        back_office.preview_concert(&new).await?;
    } else {
        let bar = progress::bar(new.seats());
        bar.set_message(word("seats"));
        back_office.add_concert_with_progress(&new, |seats| bar.set_position(u64::from(seats))).await?;
        bar.finish_and_clear();
    }
    print(output, &Added::of(&new, box_office.policy().time_zone(), dry_run))
}

async fn change(
    box_office: &BoxOffice,
    concert: &ConcertRef,
    change: &ConcertChange,
    how: &How,
    output: Output,
) -> Result<(), Failure> {
    let id = concert.find(box_office).await?;
    let back_office = box_office.operator(how.by.operator()?);
    let changed = if how.dry_run {
        back_office.preview_concert_change(id, change, how.if_version).await?
    } else {
        back_office.change_concert(id, change, how.if_version).await?
    };
    print(output, &Changed::of(changed, how.dry_run))
}
