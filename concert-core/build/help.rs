//! The Korean of a program's help, from a catalogue without English: that stands in the code. A test of the program
//! compares them. The build scripts of two crates share it.

use std::path::Path;
use std::{env, fs};

use crate::texts::catalogue::read;

/// Reads the catalogue at `path` and writes `$OUT_DIR/help.rs`, which has its texts by id. A fault ends the build with a
/// message.
pub fn build(path: &str) {
    println!("cargo::rerun-if-changed={path}");
    let path = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join(path);
    let (texts, faults) = read("help.ko", &fs::read_to_string(&path).unwrap_or_default());
    let variables = texts.iter().filter(|(_, text)| !text.variables.is_empty());
    let faults =
        faults.into_iter().chain(variables.map(|(id, _)| format!("{id} has variables, which nobody fills in")));
    for fault in faults {
        println!("cargo::error={}: {fault}", path.display());
    }
    let pairs: Vec<_> = texts.iter().map(|(id, text)| (id, &text.shown)).collect();
    let module =
        format!("/// The texts of the help by their ids.\npub(crate) const HELP: &[(&str, &str)] = &{pairs:?};\n");
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("help.rs");
    fs::write(out, module).expect("the build's folder takes files");
}
