//! What packages have beside the programs agrees with the programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::process::{help, program};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether the server and the CLI understand a file with this text; if not, what they say.
async fn understood(text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("concert.toml");
    fs::write(&file, text).expect("writes");
    let output = program("concert-server").arg("config").env("CONCERT_CONFIG", &file).stderr(Stdio::piped()).output();
    let output = output.await.expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    // What is packaged names files of secrets that are not on this machine.
    let faults = said.split("\n\n").next().unwrap_or_default().lines();
    match faults.filter(|fault| !fault.ends_with("No such file or directory (os error 2)")).count() {
        0 => Ok(()),
        _ => Err(said.into_owned()),
    }
}

#[tokio::test]
async fn the_packaged_settings_are_understood_and_so_is_every_line_that_is_commented_out() {
    let text = read("concert-server/packaging/concert.toml");
    understood(&text).await.expect("as it is packaged");
    let is_setting = |line: &&str| line.strip_prefix('#').is_some_and(|rest| rest.starts_with(char::is_lowercase));
    let commented: Vec<_> = text.lines().filter(is_setting).map(|line| &line[1..]).collect();
    assert!(commented.len() >= 5, "{commented:?}");
    understood(&commented.join("\n")).await.expect("with the others");
}

#[tokio::test]
async fn the_file_of_the_readme_is_understood() {
    let readme = read("README.md");
    let example = readme.split("```toml\n# /etc/concert/concert.toml\n").nth(1).expect("is there");
    understood(example.split("```").next().expect("ends")).await.expect("as it is shown");
}

#[tokio::test]
async fn unit_and_containers_name_settings_that_there_are() {
    let help = help().await;
    let unit = read("concert-server/packaging/concert-server.service");
    let credentials: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix("LoadCredential=")).collect();
    assert_eq!(credentials.len(), 3, "the three secrets");
    for credential in credentials {
        let name = credential.split(':').next().expect("a name");
        assert!(help.contains(&format!("--{name}-file <FILE>")), "{name}");
    }
    for file in ["compose.yaml", "Dockerfile"] {
        let text = read(file);
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        for variable in words.filter(|word| word.starts_with("CONCERT_")) {
            assert!(help.contains(&format!("[env: {variable}")), "{file}: {variable}");
        }
    }
}
