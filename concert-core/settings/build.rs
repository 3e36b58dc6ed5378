//! Makes a function of each text of `texts/usage.ko.ftl`, with its variables as arguments in the alphabet's order: a text
//! that is missing fails the build, and one that nobody uses is warned of.

#[path = "../build/catalogue.rs"]
#[expect(dead_code, reason = "the rest of it is for catalogues in two languages")]
mod catalogue;

use std::path::Path;
use std::{env, fs};

use self::catalogue::{Text, read};

const CATALOGUE: &str = "texts/usage.ko.ftl";

fn main() {
    println!("cargo::rerun-if-changed={CATALOGUE}");
    let path = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join(CATALOGUE);
    let (texts, faults) = read("usage.ko", &fs::read_to_string(&path).unwrap_or_default());
    for fault in faults {
        println!("cargo::error={}: {fault}", path.display());
    }
    let module: String = texts.iter().map(|(id, text)| function(id, text)).collect();
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("usage.rs");
    fs::write(out, module).expect("the build's folder takes files");
}

fn function(id: &str, text: &Text) -> String {
    let parameters: Vec<_> = text.variables.iter().map(|name| format!("{name}: &str")).collect();
    let (name, parameters, shown) = (id.replace('-', "_"), parameters.join(", "), &text.shown);
    let written = if parameters.is_empty() { format!("{shown:?}.to_owned()") } else { format!("format!({shown:?})") };
    format!("#[doc = {shown:?}]\npub fn {name}({parameters}) -> String {{\n    {written}\n}}\n\n")
}
