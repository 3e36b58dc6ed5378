//! `codes`: what gives entry to a sale before others.

use std::str::FromStr;

use clap::{Args, Subcommand};
use concert_core::{
    AccessCodeId, BoxOffice, CodeEntry, CodeKind, CodeRef, CodesToRevoke, MadeCodes, NewCodes, Operator, Page, SaleId,
};
use serde::Serialize;

use super::confirm::Confirm;
use super::names::SaleRef;
use super::operator::By;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, moment, print, table};
use crate::texts::part;

/// The most codes that a list shows.
const MOST_CODES: u32 = 100_000;
/// The most codes of one page.
const PAGE: u32 = 100;

/// Make, list or revoke the access codes of a sale
///
/// A PRESALE code gives entry before the opening: its holder joins before the doors and is let in before the others. A
/// FRONT code gives a place in front of all who have none.
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make codes; they are shown once and stored nowhere
    Make {
        #[command(flatten)]
        sale: Which,
        /// How many
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        count: u32,
        /// How often each can be redeemed
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        uses: u32,
        /// What they are for
        #[arg(long, value_name = "presale|front", default_value = "presale")]
        kind: CodeKind,
        #[command(flatten)]
        by: By,
    },
    /// List codes, the newest first, revoked ones too; never the codes themselves
    List {
        #[command(flatten)]
        sale: Which,
        /// How many to show
        #[arg(long, value_name = "COUNT", default_value_t = 1_000,
            value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CODES)))]
        limit: u32,
    },
    /// Revoke codes for good; whoever has redeemed one keeps the place
    Revoke {
        /// The codes, or the ids under which they are listed
        #[arg(value_name = "CODE", required_unless_present = "all")]
        codes: Vec<Named>,
        /// All codes of the sale
        #[arg(long, conflicts_with = "codes")]
        all: bool,
        /// The sale, by name or id; the default one where none is named
        #[arg(long, value_name = "SALE")]
        sale: Option<SaleRef>,
        #[command(flatten)]
        confirm: Confirm,
        #[command(flatten)]
        by: By,
    },
}

/// The sale, which may be named without a flag.
#[derive(Debug, Args)]
struct Which {
    /// The sale, by name or id; the default one where none is named
    #[arg(value_name = "SALE")]
    named: Option<SaleRef>,
    /// The same
    #[arg(long = "sale", value_name = "SALE", conflicts_with = "named", hide = true)]
    flagged: Option<SaleRef>,
}

impl Which {
    async fn find(&self, box_office: &BoxOffice) -> Result<SaleId, Failure> {
        find(self.named.as_ref().or(self.flagged.as_ref()), box_office).await
    }
}

async fn find(sale: Option<&SaleRef>, box_office: &BoxOffice) -> Result<SaleId, Failure> {
    match sale {
        Some(sale) => sale.find(box_office).await,
        None => Ok(SaleId::DEFAULT),
    }
}

/// A code or its id.
#[derive(Debug, Clone)]
struct Named(CodeRef);

impl FromStr for Named {
    type Err = concert_core::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// In the form of `POST /api/v1/admin/sales/{saleId}/codes`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    sale_id: SaleId,
    kind: CodeKind,
    uses: u32,
    codes: Vec<String>,
    code_ids: Vec<AccessCodeId>,
}

impl From<MadeCodes> for Made {
    fn from(made: MadeCodes) -> Self {
        let (code_ids, codes) = made.codes.iter().map(|(id, code)| (*id, code.to_string())).unzip();
        Self { sale_id: made.sale, kind: made.kind, uses: made.uses, codes, code_ids }
    }
}

impl Show for Made {
    fn text(&self) -> String {
        let rows: Vec<_> =
            self.codes.iter().zip(&self.code_ids).map(|(code, id)| [code.clone(), id.to_string()]).collect();
        table([&format!("{} code, uses: {}", self.kind, self.uses), "Code id"], &rows)
    }
}

/// In the form of `GET /api/v1/admin/sales/{saleId}/codes`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Codes {
    data: Vec<CodeEntry>,
    has_more: bool,
}

impl Show for Codes {
    fn text(&self) -> String {
        let rows: Vec<_> = self
            .data
            .iter()
            .map(|code| {
                [
                    code.id.to_string(),
                    code.kind.to_string(),
                    part(code.uses_left, code.uses),
                    moment(code.created_at),
                    code.revoked_at.map_or_else(|| "-".to_owned(), moment),
                ]
            })
            .collect();
        table(["Code id", "Kind", "Uses left", "Made", "Revoked"], &rows)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Revoked {
    dry_run: bool,
    revoked: u64,
}

impl Show for Revoked {
    fn text(&self) -> String {
        let what = if self.dry_run { "would be revoked" } else { "revoked" };
        facts([(what, self.revoked.to_string())])
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    match &opts.action {
        Action::Make { sale, count, uses, kind, by } => {
            let (sale, new) = (sale.find(box_office).await?, NewCodes::new(*kind, *count)?.with_uses(*uses)?);
            print(output, &Made::from(box_office.operator(by.operator()?).make_codes(sale, new).await?))
        }
        Action::List { sale, limit } => print(output, &list(box_office, sale.find(box_office).await?, *limit).await?),
        Action::Revoke { codes, all, sale, confirm, by } => {
            let sale = find(sale.as_ref(), box_office).await?;
            let (which, revoked) = if *all {
                // Counted before the question, so that whoever answers knows how many it is about.
                (CodesToRevoke::All, in_force(box_office, sale).await?)
            } else {
                (CodesToRevoke::These(codes.iter().map(|code| code.0.clone()).collect()), codes.len() as u64)
            };
            if confirm.dry_run {
                return print(output, &Revoked { dry_run: true, revoked });
            }
            confirm.ask(&format!("This revokes {revoked} codes for good.")).await?;
            let revoked = box_office.operator(by.operator()?).revoke_codes(sale, which).await?;
            print(output, &Revoked { dry_run: false, revoked })
        }
    }
}

async fn list(box_office: &BoxOffice, sale: SaleId, most: u32) -> Result<Codes, Failure> {
    let reader = box_office.operator(Operator::application());
    let mut codes = Codes { data: Vec::new(), has_more: true };
    while codes.has_more && codes.data.len() < most as usize {
        // The last page is cut, so that `has_more` says what is beyond the limit.
        let limit = PAGE.min(most - codes.data.len() as u32);
        let after = codes.data.last().map(|last| last.id);
        let page = reader.codes(sale, Page::new(Some(limit), after)?).await?;
        codes.data.extend(page.data);
        codes.has_more = page.has_more;
    }
    Ok(codes)
}

async fn in_force(box_office: &BoxOffice, sale: SaleId) -> Result<u64, Failure> {
    // There is no call that counts them.
    let codes = list(box_office, sale, u32::MAX).await?;
    Ok(codes.data.iter().filter(|code| code.revoked_at.is_none()).count() as u64)
}
