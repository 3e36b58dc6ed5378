//! A migration that is added, not only one that is changed, must rebuild the crate. Texts are checked and get methods.

#[cfg(feature = "texts")]
#[path = "build/texts.rs"]
mod texts;

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    #[cfg(feature = "texts")]
    texts::build("texts", "crate::texts");
}
