//! A contract's code as its author wrote it: one file of Python, or a zip archive of several.
//!
//! An archive says in `runner.json` which of its files lie where (`actions.rs`); modules are
//! imported from there as they would be from a file system whose working directory is the root.

mod actions;
mod archive;
mod header;

use std::collections::BTreeMap;

use crate::domain::Bytes;

/// The module that holds the contract.
pub(super) const MAIN: &str = "contract";

/// How much of a file's begin may tell its runner.
const RUNNER_CHARS_MAX: usize = 4096;

/// One module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    /// Its file, such as `contract/__init__.py`.
    pub(super) file: String,
    /// Its text.
    pub(super) source: String,
    /// Are there modules in it?
    pub(super) is_package: bool,
}

/// A contract's code, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// The text that names the runners it depends on.
    pub(super) runner: String,
    /// Modules by name; `contract` is always there.
    pub(super) modules: BTreeMap<String, Module>,
    /// Files that are no modules, by absolute path.
    pub(super) files: BTreeMap<String, Bytes>,
}

/// Is this an archive, rather than text?
pub(super) fn is_archive(source: &[u8]) -> bool {
    source.starts_with(b"PK\x03\x04") || source.starts_with(b"PK\x05\x06")
}

impl Package {
    /// Reads code that can be anything; the error is in words for the author.
    pub(super) fn read(source: &[u8]) -> Result<Self, String> {
        if is_archive(source) {
            let files = archive::read(source)?;
            return Self::of_files(&files).map_err(|words| format!("the package: {words}"));
        }
        let text = std::str::from_utf8(source).ok().ok_or("the source is not UTF-8")?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        header::check(text)?;
        let runner = text.chars().take(RUNNER_CHARS_MAX).collect();
        let file = format!("{MAIN}.py");
        let main = Module { file, source: text.to_owned(), is_package: false };
        let modules = BTreeMap::from([(MAIN.to_owned(), main)]);
        Ok(Self { runner, modules, files: BTreeMap::new() })
    }

    fn of_files(archived: &BTreeMap<String, Bytes>) -> Result<Self, String> {
        let runner = archived.get("runner.json").ok_or("there is no `runner.json` at its root")?;
        let runner = std::str::from_utf8(runner).ok().ok_or("`runner.json` is not UTF-8")?;
        let mapped = actions::follow(runner, archived)?;
        let mut package =
            Self { runner: runner.to_owned(), modules: BTreeMap::new(), files: BTreeMap::new() };
        for (path, content) in mapped {
            package.place(path, content)?;
        }
        if !package.modules.contains_key(MAIN) {
            return Err("there is no main module: `runner.json` must put `contract.py` or \
                        `contract/__init__.py` at the root, as `py-genlayer-multi` does"
                .into());
        }
        package.add_folders();
        Ok(package)
    }

    fn place(&mut self, path: String, content: Bytes) -> Result<(), String> {
        let Some((name, is_package)) = module_of(&path) else {
            self.files.insert(path, content);
            return Ok(());
        };
        let source = std::str::from_utf8(&content).ok();
        let source = source.ok_or_else(|| format!("`{path}` is not UTF-8"))?;
        let source = source.strip_prefix('\u{feff}').unwrap_or(source).to_owned();
        let file = path.trim_start_matches('/').to_owned();
        let module = Module { file, source, is_package };
        match self.modules.insert(name.clone(), module) {
            // A folder hides a file of the same name.
            Some(folder) if folder.is_package && !is_package => {
                self.modules.insert(name, folder);
            }
            _ => {}
        }
        Ok(())
    }

    /// Folders without `__init__.py` are packages too.
    fn add_folders(&mut self) {
        let names: Vec<String> = self.modules.keys().cloned().collect();
        for name in names {
            let mut folder = name.as_str();
            while let Some((parent, _)) = folder.rsplit_once('.') {
                folder = parent;
                self.modules.entry(parent.to_owned()).or_insert_with(|| Module {
                    file: format!("{}/", parent.replace('.', "/")),
                    source: String::new(),
                    is_package: true,
                });
            }
        }
    }
}

/// Where modules are looked for.
const ROOTS: [&str; 2] = ["/py/libs/", "/"];

/// The module a file is, by the path it is put at, and if it is a package.
fn module_of(path: &str) -> Option<(String, bool)> {
    let relative = ROOTS.iter().find_map(|root| path.strip_prefix(root))?;
    let stem = relative.strip_suffix(".py")?;
    let (stem, is_package) =
        stem.strip_suffix("/__init__").map_or((stem, false), |folder| (folder, true));
    let is_name = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|first: char| first.is_ascii_digit())
            && part.chars().all(|letter| letter == '_' || letter.is_alphanumeric())
    };
    stem.split('/').all(is_name).then(|| (stem.replace('/', "."), is_package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_modules_by_their_paths() {
        for (path, module) in [
            ("/contract.py", Some(("contract", false))),
            ("/contract/__init__.py", Some(("contract", true))),
            ("/contract/deep/x_1.py", Some(("contract.deep.x_1", false))),
            ("/py/libs/helpers.py", Some(("helpers", false))),
            ("/contract/data.json", None),
            ("/contract/not-a-name.py", None),
            ("/1.py", None),
            ("/.py", None),
        ] {
            let module = module.map(|(name, is_package)| (name.to_owned(), is_package));
            assert_eq!(module_of(path), module, "{path}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_source() {
        let package = Package::read("\u{feff}x = 1".as_bytes()).unwrap();
        assert_eq!(package.modules["contract"].source, "x = 1");
        assert_eq!(Package::read(b"\xff").unwrap_err(), "the source is not UTF-8");
    }
}
