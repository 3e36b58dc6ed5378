//! The parts of the policy that each lane obeys.

use crate::policy::Policy;
use crate::queue::{QueueRules, ViewRules};
use crate::reservation::HoldRules;

pub(super) const fn of_view(policy: &Policy) -> ViewRules {
    ViewRules {
        active_ttl: policy.active_ttl,
        max_polls_per_second: policy.max_polls_per_second,
        rerank_every: policy.rerank_every,
    }
}

pub(super) const fn of_queue(policy: &Policy) -> QueueRules {
    QueueRules {
        active_ttl: policy.active_ttl,
        claim_window: policy.claim_window,
        waiting_ttl: policy.waiting_ttl,
        bare_joins: policy.bare_joins,
    }
}

pub(super) const fn of_holds(policy: &Policy) -> HoldRules {
    HoldRules {
        active_ttl: policy.active_ttl,
        hold_ttl: policy.hold_ttl,
        hold_extension: policy.hold_extension,
        max_holds_per_user: policy.max_holds_per_user,
        max_holds_in_a_row: policy.max_holds_in_a_row,
        seat_pause: policy.seat_pause,
        time_zone: policy.time_zone,
    }
}
