//! The files of a zip archive, which anybody may have made.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use zip::{CompressionMethod, ZipArchive};

use crate::domain::Bytes;

/// Most entries of an archive, folders included.
const ENTRIES_MAX: usize = 256;
/// Largest file of an archive, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// All files of an archive together, in bytes.
const TOTAL_BYTES_MAX: u64 = 4 << 20;
/// Longest path of an entry, in bytes.
const PATH_BYTES_MAX: usize = 255;
/// How often larger a file may be than what it is packed into; text seldom passes 20.
const RATIO_MAX: u64 = 200;
/// Files smaller than this may be packed however well, in bytes.
const RATIO_FROM_BYTES: u64 = 64 << 10;

/// All files by path; the error names the entry that is wrong.
pub(super) fn read(source: &[u8]) -> Result<BTreeMap<String, Bytes>, String> {
    let broken = |error: zip::result::ZipError| format!("the package is no zip archive: {error}");
    let mut archive = ZipArchive::new(Cursor::new(source)).map_err(broken)?;
    if archive.len() > ENTRIES_MAX {
        let entries = archive.len();
        return Err(format!(
            "the package has {entries} entries; at most {ENTRIES_MAX} are allowed"
        ));
    }
    if archive.has_duplicate_names() {
        return Err("the package has two entries of the same name".into());
    }
    if archive.has_overlapping_files().map_err(broken)? {
        return Err("entries of the package lie upon each other".into());
    }
    let mut files = BTreeMap::new();
    let mut total: u64 = 0;
    for index in 0..archive.len() {
        let Some((path, content)) = read_entry(&mut archive, index)? else { continue };
        total = total.saturating_add(u64::try_from(content.len()).unwrap_or(u64::MAX));
        if total > TOTAL_BYTES_MAX {
            return Err(format!(
                "with `{path}` the files of the package have more than {TOTAL_BYTES_MAX} bytes"
            ));
        }
        files.insert(path, content);
    }
    Ok(files)
}

/// One file; nothing for a folder.
fn read_entry(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
) -> Result<Option<(String, Bytes)>, String> {
    let raw = archive.by_index_raw(index).map_err(|error| format!("the package: {error}"))?;
    let path = std::str::from_utf8(raw.name_raw()).map(str::to_owned);
    let path =
        path.map_err(|_error| format!("the path of entry {index} of the package is not UTF-8"));
    let path = path?;
    check_path(&path)?;
    let bad = |why: &str| Err(format!("`{path}` in the package {why}"));
    if raw.encrypted() {
        return bad("is encrypted");
    }
    if raw.is_symlink() {
        return bad("is a link");
    }
    if !matches!(raw.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        return bad("is packed in an unknown way: store or deflate it");
    }
    let packed = raw.compressed_size();
    let is_folder = path.ends_with('/');
    drop(raw);
    if is_folder {
        return Ok(None);
    }
    let entry = archive.by_index(index);
    let entry =
        entry.map_err(|error| format!("`{path}` in the package cannot be read: {error}"))?;
    let mut content = Vec::new();
    // What the archive says of the size is not believed.
    entry
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut content)
        .map_err(|error| format!("`{path}` in the package cannot be read: {error}"))?;
    let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if bytes > FILE_BYTES_MAX {
        return bad(&format!("has more than {FILE_BYTES_MAX} bytes"));
    }
    if bytes > RATIO_FROM_BYTES && bytes / packed.max(1) > RATIO_MAX {
        return bad(&format!("is packed more than {RATIO_MAX} to 1"));
    }
    Ok(Some((path, content.into())))
}

/// Paths are relative, and lead nowhere but down.
fn check_path(path: &str) -> Result<(), String> {
    let shown: String = path.chars().take(80).collect();
    let bad = |why: &str| Err(format!("`{shown}` in the package {why}"));
    if path.len() > PATH_BYTES_MAX {
        return bad(&format!("has a path of more than {PATH_BYTES_MAX} bytes"));
    }
    if path.starts_with('/') || path.contains(['\\', '\0', ':']) {
        return bad("is no relative path with `/` between its parts");
    }
    let parts = path.strip_suffix('/').unwrap_or(path);
    if parts.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return bad("has an empty part, `.` or `..` in its path");
    }
    Ok(())
}
