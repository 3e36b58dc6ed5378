//! Checks the texts of the tool, and writes a method for each; and those of the help.

#[path = "../concert-core/build/help.rs"]
mod help;
#[path = "../concert-core/build/texts.rs"]
mod texts;

fn main() {
    texts::build("texts", "concert_core::texts");
    help::build("texts/help.ko.ftl");
}
