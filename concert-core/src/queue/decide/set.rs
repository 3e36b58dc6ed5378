//! Changes of settings, and the samples of the pace.

use super::Queue;
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::operator::Signature;
use crate::queue::Answer;
use crate::queue::control::{self, SaleChange};
use crate::queue::draw::draw_after;
use crate::queue::pace::{SAMPLE_EVERY, Sample};
use crate::queue::rows::{Gate, SaleRowChange};

impl Queue {
    /// Changes the settings of the sale. Refuses in this order: changed since, what the default sale does not have, instants
    /// out of order, what a draw does not allow, another sale of the name.
    pub(super) fn set(
        &mut self,
        change: &SaleChange,
        if_version: Option<u32>,
        by: &Signature,
    ) -> Result<Answer, Error> {
        let before = self.sale.clone().ok_or(Error::SaleNotFound)?;
        if if_version.is_some_and(|version| version != before.version) {
            return Err(Error::VersionChanged { version: before.version });
        }
        let gate = &self.effects.gate;
        let was = control::SaleSettings {
            row: before,
            times: gate.times,
            order: gate.order,
            admission: gate.admission,
            commitment: None,
            public_value: None,
        }
        .with_draw(gate.draw.as_ref());
        let becomes = was.with(change, gate.sale)?;
        if change.closes_at.is_some_and(|at| at != was.times.closes_at) {
            becomes.times.check_close(self.now)?;
        }
        let draw = draw_after(gate, &becomes, change, self.now)?;
        let becomes = becomes.with_draw(draw.as_ref());
        let Some([from, to]) = control::difference(&was, &becomes) else {
            return Ok(Answer::Set { changed: false, version: was.row.version });
        };
        if was.row.name != becomes.row.name && self.name_is_taken {
            return Err(Error::SaleExists);
        }
        let entry = by.entry(change.act(), change.subject(gate.sale), self.now);
        self.effects.log.push(entry.with_before(from).with_after(to));
        // Without a sample at this moment, the pause would count as time in which nobody was let in.
        if was.admission.paused && !becomes.admission.paused {
            self.effects.sample = Some(self.sample(true));
        }
        let control::SaleSettings { row, times, order, admission, .. } = becomes;
        let gate = &mut self.effects.gate;
        (gate.times, gate.order, gate.admission, gate.draw) = (times, order, admission, draw);
        let version = row.version;
        self.sale = Some(row.clone());
        // Several changes in one batch are one update: from the version before the first of them.
        let first = self.effects.sale.take();
        self.effects.sale = Some(SaleRowChange {
            version_before: first.as_ref().map_or(was.row.version, |first| first.version_before),
            concerns_holds: first.is_some_and(|first| first.concerns_holds)
                || was.times.closes_at != times.closes_at
                || was.row.max_seats_per_user != row.max_seats_per_user,
            row,
        });
        Ok(Answer::Set { changed: true, version })
    }

    pub(super) fn sample_pace(&mut self, last: Option<Timestamp>) {
        // A last sample in the future means that the clock was set back since.
        let due = last.is_none_or(|last| last + span(SAMPLE_EVERY) <= self.now || self.now < last);
        let resumed = self.effects.sample.is_some();
        if resumed || due && !self.effects.gate.admission.paused {
            self.effects.sample = Some(self.sample(resumed));
        }
    }

    const fn sample(&self, resumed: bool) -> Sample {
        let Gate { admitted, departed, waiting, .. } = self.effects.gate;
        Sample { at: self.now, admitted, departed, waiting, resumed }
    }
}
