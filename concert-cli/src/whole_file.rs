//! A file that appears when it is complete: nobody takes half a list for all of it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A file on its way. What was there before stays until [`WholeFile::finish`]; dropped, nothing has changed.
pub struct WholeFile {
    file: BufWriter<File>,
    what: String,
    /// Under which name it is written, and which one it gets; `None`: it is no file that could be complete.
    names: Option<[PathBuf; 2]>,
}

impl WholeFile {
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let what = format!("write {}", path.display());
        Self::open(path, what.clone()).map_err(|source| Failure::io(what, source))
    }

    fn open(path: &Path, what: String) -> io::Result<Self> {
        let found = fs::metadata(path).ok();
        // A device or a pipe is written to: a file in its place would reach nobody who reads from it.
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            let file = BufWriter::new(File::options().write(true).open(path)?);
            return Ok(Self { file, what, names: None });
        }
        // Of a link, what it points to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // Beside the file, since a rename does not leave a file system.
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".part");
        let unfinished = PathBuf::from(unfinished);
        let file = File::create(&unfinished)?;
        if let Some(found) = found {
            // Whoever could not read the old one cannot read the new one.
            file.set_permissions(found.permissions())?;
        }
        Ok(Self { file: BufWriter::new(file), what, names: Some([unfinished, path]) })
    }

    /// What fails where writing does.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Gives the file its name, once all that was `written` is in it.
    pub fn finish(mut self, written: io::Result<()>) -> Result<(), Failure> {
        let named = written.and_then(|()| self.file.flush()).and_then(|()| match &self.names {
            Some([unfinished, path]) => fs::rename(unfinished, path),
            None => Ok(()),
        });
        named.map_err(|source| Failure::io(&self.what, source))?;
        // It has another name now.
        self.names = None;
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some([unfinished, _]) = &self.names {
            let _ = fs::remove_file(unfinished);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn write(path: &Path, text: &str) {
        let mut file = WholeFile::create(path).expect("created");
        file.write_all(text.as_bytes()).expect("written");
        file.finish(Ok(())).expect("finished");
    }

    #[test]
    fn what_could_not_be_written_is_a_failure_that_names_the_file_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        let file = WholeFile::create(&path).expect("created");
        let failure = file.finish(Err(io::ErrorKind::StorageFull.into())).expect_err("refused");
        assert_eq!(failure.to_string(), format!("cannot write {}", path.display()));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
        // What is in the buffer is found to be lost at the end.
        let mut full = WholeFile::create(Path::new("/dev/full")).expect("opened");
        full.write_all(b"a list").expect("in the buffer");
        assert_eq!(full.finish(Ok(())).expect_err("refused").to_string(), "cannot write /dev/full");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_or_not_at_all_and_keeps_its_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        fs::write(&path, "before").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        let mut broken_off = WholeFile::create(&path).expect("created");
        broken_off.write_all(b"half").expect("written");
        drop(broken_off);
        assert_eq!(fs::read_to_string(&path).expect("there"), "before");
        let link = folder.path().join("link");
        symlink(&path, &link).expect("linked");
        write(&link, "after");
        assert_eq!(fs::read_to_string(&path).expect("there"), "after");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "nothing unfinished is left");
    }

    #[test]
    fn a_device_is_written_to() {
        write(Path::new("/dev/null"), "a list");
        assert!(fs::metadata("/dev/null").expect("there").file_type().is_char_device());
    }
}
