//! A migration that is added, not only one that is changed, must rebuild the crate.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
