//! Checks the texts of the pages, and writes a method for each.

#[path = "../concert-core/build/texts.rs"]
mod texts;

fn main() {
    texts::build("pages/texts", "concert_core::texts");
}
