//! Checks the texts of the pages, and writes a method for each; and those of the help.

#[path = "../concert-core/build/help.rs"]
mod help;
#[path = "../concert-core/build/texts.rs"]
mod texts;

fn main() {
    texts::build("pages/texts", "concert_core::texts");
    help::build("texts/help.ko.ftl");
}
