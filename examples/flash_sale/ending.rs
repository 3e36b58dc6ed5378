//! How it ends for a buyer.

use crate::Failure;
use crate::agent::{Unanswered, code};
use crate::meter::Step;
use crate::wire::Answer;

/// How a buyer's story ends.
#[derive(Debug)]
pub enum Ending {
    /// With a seat, or several.
    Bought,
    /// Never came back after joining.
    NoShow,
    /// Held seats and walked away.
    Abandoned,
    /// Was let in, and everything was sold.
    SoldOut,
    /// Everything was sold before the turn came.
    NotLetIn,
    /// One taken seat too many.
    GaveUp,
    /// The turn ended too soon, each time.
    TurnEnded,
    /// A request never got an answer.
    Unanswered(Unanswered),
    /// An answer that no buyer should get.
    Unexpected(String),
}

impl Ending {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Bought => "bought",
            Self::NoShow => "never came back",
            Self::Abandoned => "walked away from a hold",
            Self::SoldOut => "found everything sold",
            Self::NotLetIn => "waited until all was sold",
            Self::GaveUp => "gave up",
            Self::TurnEnded => "ran out of time",
            Self::Unanswered(_) => "got no answer",
            Self::Unexpected(_) => "got an unexpected answer",
        }
    }
}

impl From<Unanswered> for Ending {
    fn from(unanswered: Unanswered) -> Self {
        Self::Unanswered(unanswered)
    }
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        Self::Unexpected(failure.to_string())
    }
}

/// What a refusal means for whoever did not expect it.
pub fn refused(step: Step, answer: &Answer) -> Ending {
    match code(answer).as_str() {
        "TOKEN_NOT_ACTIVE" | "TOKEN_ENDED" | "TOKEN_EXPIRED" | "TOKEN_NOT_FOUND" => Ending::TurnEnded,
        code => Ending::Unexpected(format!("{} was answered {} {code}", step.name(), answer.status)),
    }
}
