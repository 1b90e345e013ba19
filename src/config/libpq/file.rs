//! Reads libpq's own files.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

/// Some thousand lines: these files are written by people.
const LONGEST: u64 = 1024 * 1024;

/// # Errors
/// It cannot be read, is too long or not UTF-8.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let failed = |cause: std::io::Error| format!("cannot read {}: {cause}", path.display());
    let mut text = Zeroizing::new(String::new());
    File::open(path)
        .map_err(failed)?
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > LONGEST {
        return Err(format!("{} is longer than {LONGEST} bytes", path.display()));
    }
    Ok(text)
}
