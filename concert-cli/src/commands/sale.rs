//! `sale`: concerts behind one queue, with doors, an opening and an end.

use std::str::FromStr;

use chrono::{DateTime, SubsecRound as _, Utc};
use clap::{Args, Subcommand};
use concert_core::{
    AdmissionChange, BoxOffice, Draw, EntryOrder, Error, NewSale, PerMinute, PublicValue, Sale, SaleChange, SaleId,
    Timestamp,
};
use serde::Serialize;

use super::names::SaleRef;
use super::operator::By;
use super::queue::per_minute;
use crate::failure::Failure;
use crate::table::{Output, Show, day, facts, moment, print, table, word};
use crate::texts::seconds;

/// Make a sale, change it live, or show what there is
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a sale and its queue; concerts are put into it when they are made
    Add {
        /// What it is called: 1 to 255 characters that no other sale has
        name: String,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        by: By,
    },
    /// Show all sales
    List,
    /// Show one sale, with its concerts
    Show {
        /// Its name or id
        sale: SaleRef,
    },
    /// Name what was drawn in public since the doors have opened, for the draw at the opening
    ///
    /// The draw mixes it in, so that nobody who knows the secret can choose the order: the numbers of a lottery, for
    /// example. Until the opening it can be corrected; the log keeps each value.
    Draw {
        /// Its name or id
        sale: SaleRef,
        /// The text, exactly as everybody knows it: 1 to 255 characters
        #[arg(long, value_name = "TEXT")]
        public_value: PublicValue,
        #[command(flatten)]
        by: By,
    },
    /// Change a sale, live: at once on this database, within a second on every server
    Set {
        /// Its name or id
        sale: SaleRef,
        /// Call it so from now on
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        settings: Settings,
        /// Only if it still has this version
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u32>,
        #[command(flatten)]
        by: By,
    },
}

#[derive(Debug, Args)]
struct Settings {
    /// When joining begins: 2027-03-05T19:30:00+09:00, `now`, or `none`
    #[arg(long, visible_alias = "doors-at", value_name = "TIME")]
    doors: Option<Instant>,
    /// When people are let in
    #[arg(long, visible_alias = "opens-at", value_name = "TIME")]
    opens: Option<Instant>,
    /// When it ends: nobody joins and nothing is held from then on
    #[arg(long, visible_alias = "closes-at", value_name = "TIME")]
    closes: Option<Instant>,
    /// Who comes first at the opening
    #[arg(long, value_name = "arrival|draw")]
    order: Option<EntryOrder>,
    /// The cap on ACTIVE tokens
    #[arg(long, value_name = "COUNT")]
    max_active: Option<u32>,
    /// The most users to let in within any 60 seconds, or `none`
    #[arg(long, value_name = "COUNT", value_parser = per_minute)]
    per_minute: Option<PerMinute>,
    /// How many seats one user may have, held and sold together, or `none`
    #[arg(long, value_name = "COUNT", value_parser = seats)]
    max_seats_per_user: Option<Limit>,
}

/// A number, or none.
#[derive(Debug, Clone, Copy)]
struct Limit(Option<u32>);

fn seats(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(None)),
        count => count.parse().map(|count| Limit(Some(count))).map_err(|_| "must be a number or none".to_owned()),
    }
}

/// An instant on the command line.
#[derive(Debug, Clone, Copy)]
enum Instant {
    At(Timestamp),
    Now,
    None,
}

impl FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "now" => Ok(Self::Now),
            "none" => Ok(Self::None),
            text => {
                let at = DateTime::parse_from_rfc3339(text);
                let at = at.map_err(|_| "must be like 2027-03-05T20:00:00+09:00, or now, or none".to_owned())?;
                // The database keeps microseconds; a finer instant would come back as another one.
                Ok(Self::At(at.with_timezone(&Utc).trunc_subsecs(6)))
            }
        }
    }
}

impl Instant {
    /// `now` is the database's time.
    fn moment(self, box_office: &BoxOffice) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            // The database's time and not this machine's: phases go by it.
            Self::Now => Some(box_office.now()),
            Self::None => None,
        }
    }
}

impl Settings {
    fn change(&self, box_office: &BoxOffice) -> SaleChange {
        let mut admission = AdmissionChange::new();
        if let Some(most) = self.max_active {
            admission = admission.with_max_active(most);
        }
        if let Some(limit) = self.per_minute {
            admission = admission.with_per_minute(limit);
        }
        let mut change = SaleChange::new().with_admission(admission);
        if let Some(at) = self.doors {
            change = change.with_doors_at(at.moment(box_office));
        }
        if let Some(at) = self.opens {
            change = change.with_opens_at(at.moment(box_office));
        }
        if let Some(at) = self.closes {
            change = change.with_closes_at(at.moment(box_office));
        }
        if let Some(order) = self.order {
            change = change.with_order(order);
        }
        if let Some(Limit(seats)) = self.max_seats_per_user {
            change = change.with_max_seats_per_user(seats);
        }
        change
    }
}

/// The sale that a command is about.
#[derive(Debug, Args)]
pub struct OfSale {
    /// The sale, by name or id; the default one where none is named
    #[arg(long, value_name = "SALE")]
    sale: Option<SaleRef>,
}

impl OfSale {
    pub async fn find(&self, box_office: &BoxOffice) -> Result<SaleId, Failure> {
        match &self.sale {
            Some(sale) => sale.find(box_office).await,
            None => Ok(SaleId::DEFAULT),
        }
    }
}

#[derive(Serialize)]
struct Sales {
    sales: Vec<Sale>,
}

fn instant(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), moment)
}

impl Show for Sales {
    fn text(&self) -> String {
        let rows: Vec<_> = self
            .sales
            .iter()
            .map(|sale| {
                [
                    sale.name.clone(),
                    sale.phase.as_str().to_owned(),
                    instant(sale.opens_at),
                    sale.waiting.to_string(),
                    sale.active.to_string(),
                    sale.concerts.len().to_string(),
                ]
            })
            .collect();
        table(["Sale", "Phase", "Opens", "Waiting", "Active", "Concerts"], &rows)
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct One(Sale);

impl Show for One {
    fn text(&self) -> String {
        let Self(sale) = self;
        let number = |number: Option<u32>| number.map_or_else(|| word("no limit"), |number| number.to_string());
        let mut known = vec![
            ("sale id", sale.id.to_string()),
            ("name", sale.name.clone()),
            ("phase", sale.phase.as_str().to_owned()),
            ("doors", instant(sale.doors_at)),
            ("opens", instant(sale.opens_at)),
            ("closes", instant(sale.closes_at)),
            ("now", moment(sale.now)),
            ("order", sale.order.to_string()),
            ("max active", sale.admission.max_active.to_string()),
            ("per minute", number(sale.admission.per_minute)),
            ("paused", word(if sale.admission.paused { "yes" } else { "no" })),
            ("seats per user", number(sale.max_seats_per_user)),
            ("waiting", sale.waiting.to_string()),
            ("active", sale.active.to_string()),
            ("estimated wait", seconds(sale.estimate)),
            ("version", sale.version.to_string()),
        ];
        known.extend(sale.draw.iter().flat_map(draw_facts));
        let shown = facts(known);
        if sale.concerts.is_empty() {
            return shown;
        }
        let concerts: Vec<_> = sale
            .concerts
            .iter()
            .map(|concert| [day(concert.date), concert.name.clone(), concert.concert.to_string()])
            .collect();
        format!("{shown}\n{}", table(["Date", "Concert", "Concert id"], &concerts))
    }
}

/// What people may see of a draw.
pub fn draw_facts(draw: &Draw) -> Vec<(&'static str, String)> {
    let after = |shown: Option<String>| shown.unwrap_or_else(|| word("after the opening"));
    let value = draw.public_value.as_ref().map_or_else(|| word("none"), ToString::to_string);
    vec![
        ("commitment", draw.commitment.to_string()),
        ("public value", value),
        ("secret", after(draw.secret.map(|secret| secret.to_string()))),
        ("chain", after(draw.chain.map(|chain| chain.to_string()))),
        ("drawn", after(draw.count.map(|count| count.to_string()))),
    ]
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let sale = match &opts.action {
        Action::List => return print(output, &Sales { sales: box_office.sales().await? }),
        Action::Show { sale } => box_office.sale(sale.find(box_office).await?).await?,
        Action::Add { name, settings, by } => {
            let new = NewSale::new(name).with_settings(settings.change(box_office));
            box_office.operator(by.operator()?).add_sale(&new).await?
        }
        Action::Draw { sale, public_value, by } => {
            let id = sale.find(box_office).await?;
            box_office.operator(by.operator()?).name_public_value(id, public_value.clone()).await?
        }
        Action::Set { sale, name, settings, if_version, by } => {
            let id = sale.find(box_office).await?;
            let mut change = settings.change(box_office);
            if let Some(name) = name {
                change = change.with_name(name);
            }
            // The library refuses it, too, but knows no flags.
            if change == SaleChange::new() {
                let text = "say what to change: --opens, --max-active and so on; `sale set --help` lists them";
                return Err(Error::InvalidInput(text.to_owned()).into());
            }
            box_office.operator(by.operator()?).set_sale(id, change, *if_version).await?
        }
    };
    print(output, &One(sale))
}
