//! Checks a crate's texts when it is built, and writes a method for each. The build scripts of three crates share it.

use std::path::Path;
use std::{env, fs};

#[path = "catalogue.rs"]
pub mod catalogue;
#[path = "methods.rs"]
mod methods;

use self::catalogue::{faults, read};
use self::methods::{module, said, script_texts};

/// Reads `en.ftl` and `ko.ftl` in `folder` and writes `$OUT_DIR/texts.rs`, which finds `Catalogue` in the module `from`. A
/// fault ends the build with a message.
pub fn build(folder: &str, from: &str) {
    println!("cargo::rerun-if-changed={folder}");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join(folder);
    let [english, korean] = ["en.ftl", "ko.ftl"].map(|name| folder.join(name));
    let [in_english, in_korean] = [&english, &korean].map(|path| fs::read_to_string(path).unwrap_or_default());
    for fault in faults(&in_english, &in_korean) {
        println!("cargo::error={}: {fault}", folder.display());
    }
    let [texts, translated] = [read("en", &in_english).0, read("ko", &in_korean).0];
    let mut module = module(&texts, [&english, &korean], from);
    module.push_str(&script_texts([&texts, &translated]));
    module.push_str(&said([&texts, &translated]));
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("texts.rs");
    fs::write(out, module).expect("the build's folder takes files");
}
