//! `queue verify-draw`: computes the draw of a sale again.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use concert_core::{BoxOffice, DrawVerification, DrawnToken, Operator};
use serde::Serialize;

use super::names::SaleRef;
use super::sale::draw_facts;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, print, word};
use crate::whole_file::WholeFile;

/// Compute the draw of a sale again from all its tokens, and say whether all agrees
///
/// It reads the tokens on one snapshot: who was drawn, in the order of arrival. From their ids follows the chain, from that
/// and the secret the key, and from the key each place. Exits 1 if something disagrees. docs/src/draw.md says how anyone can
/// do the same.
#[derive(Debug, Args)]
pub struct Opts {
    /// The sale, by name or id
    sale: SaleRef,
    /// Also write `ticket,tokenId,place` of all who were drawn to this file, for publication
    #[arg(long, value_name = "FILE")]
    places: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    agrees: bool,
    #[serde(flatten)]
    verification: DrawVerification,
}

impl Show for Verified {
    fn text(&self) -> String {
        let Self { agrees, verification } = self;
        let yes_or_no = |agrees| word(if agrees { "yes" } else { "NO" });
        let checks = facts([
            ("tokens", verification.tokens.to_string()),
            ("commitment is that of the secret", yes_or_no(verification.commitment_agrees)),
            ("one token for each ticket", yes_or_no(verification.tickets_agree)),
            ("chain is that of the tokens", yes_or_no(verification.chain_agrees)),
            ("let in before others (unseen; by code)", verification.passed_others.to_string()),
        ]);
        let draw = facts(draw_facts(&verification.draw));
        let verdict = word(if *agrees { "all places agree" } else { "the draw does NOT agree with the tokens" });
        format!("{draw}\n\n{checks}\n\n{verdict}")
    }
}

/// The file of places.
struct Places {
    file: WholeFile,
    written: io::Result<()>,
}

impl Places {
    fn create(path: &Path) -> Result<Self, Failure> {
        let mut file = WholeFile::create(path)?;
        let written = writeln!(file, "ticket,tokenId,place");
        Ok(Self { file, written })
    }

    fn add(&mut self, drawn: &DrawnToken) {
        if self.written.is_ok() {
            self.written = writeln!(self.file, "{},{},{}", drawn.ticket, drawn.token, drawn.place);
        }
    }

    fn finish(self) -> Result<(), Failure> {
        self.file.finish(self.written)
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let sale = opts.sale.find(box_office).await?;
    // Before the long reading: a path that cannot be written is refused at once.
    let mut places = opts.places.as_deref().map(Places::create).transpose()?;
    let reader = box_office.operator(Operator::application());
    let verification = reader
        .verify_draw(sale, |drawn| {
            if let Some(places) = &mut places {
                places.add(&drawn);
            }
        })
        .await?;
    if let Some(places) = places {
        places.finish()?;
    }
    let agrees = verification.agrees();
    print(output, &Verified { agrees, verification })?;
    if agrees { Ok(()) } else { Err(Failure::DrawDisagrees) }
}
