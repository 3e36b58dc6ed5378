//! Secrets that are kept in files.

use std::path::Path;
use std::{fs, io};

use secrecy::SecretString;

/// A secret from a file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecretFile {
    /// The secret: the file's text without the white space at its end.
    pub secret: SecretString,
    /// What is doubtful about the file: for the log.
    pub warning: Option<String>,
}

impl SecretFile {
    /// Reads `path`.
    ///
    /// A file that other users of the machine can read is taken with a warning, since volumes of secrets are mounted
    /// that way; one that they can write is refused.
    ///
    /// # Errors
    /// When the file cannot be read; [`io::ErrorKind::InvalidData`] when it is empty, is not text, or can be written by
    /// everyone.
    pub fn read(path: &Path) -> io::Result<Self> {
        let refused = |why| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        let mode = mode(&fs::metadata(path)?);
        if mode & 0o002 != 0 {
            return refused("every user of this machine can change the secret in it; chmod 600 it");
        }
        let text = fs::read_to_string(path)?;
        // Editors and `echo` end the file with a line break, which is no part of the secret.
        let text = text.trim_end();
        if text.is_empty() {
            return refused("the file is empty");
        }
        let warning = (mode & 0o004 != 0)
            .then(|| format!("every user of this machine can read the secret in {}; chmod 600 it", path.display()));
        Ok(Self { secret: SecretString::from(text), warning })
    }
}

#[cfg(unix)]
fn mode(file: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(file)
}

/// Other systems keep no mode.
#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_mode_of_a_file_decides_whether_its_secret_is_taken() {
        let path = std::env::temp_dir().join(format!("concert-secret-{}", Uuid::now_v7()));
        let read = |text: &str, mode| {
            fs::write(&path, text).expect("writes");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("sets the mode");
            SecretFile::read(&path)
        };
        let kept = read("hush hush\n \n", 0o600).expect("is good");
        assert_eq!((kept.secret.expose_secret(), &kept.warning), ("hush hush", &None));
        assert!(!format!("{kept:?}").contains("hush"), "secrets are not printed");
        assert!(read("hush", 0o640).expect("is good").warning.is_none());
        assert!(read("hush", 0o644).expect("is taken").warning.is_some_and(|text| text.contains("chmod 600")));
        for (text, mode) in [("hush", 0o666), ("hush", 0o602), (" \n", 0o600)] {
            assert!(read(text, mode).is_err(), "{text:?} {mode:o}");
        }
        fs::remove_file(&path).expect("removes");
        assert!(SecretFile::read(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound));
    }
}
