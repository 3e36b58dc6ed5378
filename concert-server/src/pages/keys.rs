//! Keys of forms: a form is carried out once, however often it is sent.

use std::fmt::Display;

use uuid::Uuid;

/// A key for a form that is about this state of things. Two tabs that show the same state have the same key, so sending both
/// does it once; whoever sees the new state has a new one.
pub(super) fn of_state(form: &str, parts: &[&dyn Display]) -> String {
    let state: String = parts.iter().map(|part| format!("|{part}")).collect();
    format!("page-{form}-{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, state.as_bytes()).simple())
}

/// A key for a form that nothing is known of yet.
pub(super) fn new(form: &str) -> String {
    format!("page-{form}-{}", Uuid::new_v4().simple())
}
