//! Checks the texts of the tool, and writes a method for each.

#[path = "../concert-core/build/texts.rs"]
mod texts;

fn main() {
    texts::build("texts", "concert_core::texts");
}
