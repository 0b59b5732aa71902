//! The layers, held by a test: reads every source file, resolves the paths it names (nested `use`
//! trees, `super::`, local aliases, macro arguments) and compares them with ARCHITECTURE.md's
//! import matrix. What a linter already checks is not repeated here, except `unsafe`, which a
//! macro could hide from it.

mod bites;
mod reader;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use reader::Reader;

/// Which layer may name what. `layer` is all of it, `layer::module` one module of it, and
/// `layer::Item` only what the layer's own `mod.rs` defines, by an upper-case name.
const MATRIX: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("protocol", &["domain"]),
    ("execution", &["domain"]),
    ("storage", &["domain", "protocol"]),
    ("actors", &["domain", "protocol", "execution::Item"]),
    (
        "simulation",
        &["domain", "protocol", "execution::Item", "execution::scripted", "storage", "actors"],
    ),
    ("api", &["domain", "actors::messages", "actors::handles"]),
    ("cli", &["domain", "execution", "storage", "actors", "simulation", "api"]),
];

/// The files, by the beginning of their path, that may name more than their layer.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("src/actors/store/", "storage"),
    ("src/actors/catalog_tests.rs", "execution::nondeterminism"),
    ("src/actors/node_tests.rs", "execution::scripted"),
    ("src/actors/reader_tests.rs", "execution::scripted"),
    ("src/actors/system_tests.rs", "execution::scripted"),
];

/// The crates that only some layers may name.
const CRATES: &[(&str, &[&str])] = &[
    ("actix", &["actors", "api", "simulation"]),
    ("actix_rt", &["actors", "api", "simulation"]),
    ("actix_web", &["api"]),
    ("diesel", &["storage"]),
    ("diesel_migrations", &["storage"]),
    ("rustpython_vm", &["execution"]),
];

/// Layers whose order of events must not depend on a hasher's seed.
const ORDERED: &[&str] = &["protocol", "actors", "simulation"];

const FILE_LINES_MAX: usize = 500;
const CODE_FOLDERS: &[&str] = &["src", "migrations", "docker", "tests"];
const CODE_EXTENSIONS: &[&str] = &["rs", "sql", "sh", "py", "js", "mjs", "ts"];
/// Not ours: build output, data, installed packages.
const FOREIGN_FOLDERS: &[&str] = &["target", "agora-data", "node_modules"];

fn permits(entry: &str, path: &[String]) -> bool {
    let mut path = path.iter();
    entry.split("::").all(|wanted| match (wanted, path.next()) {
        ("Item", Some(name)) => name.starts_with(char::is_uppercase),
        // The module itself: what is then taken from it is resolved and judged on its own.
        ("Item", None) => true,
        (wanted, name) => name.is_some_and(|name| name == wanted),
    })
}

/// What is wrong with the layer `layer` naming `path` in `file`.
fn judge(file: &str, layer: &str, path: &[String]) -> Option<String> {
    let row = |table: &'static [(&str, &'static [&str])], key: &str| {
        table.iter().find(|(name, _)| *name == key).map(|(_, allowed)| *allowed)
    };
    match path {
        [root, rest @ ..] if root == "crate" && !rest.is_empty() => {
            if rest.first().is_some_and(|first| first == layer) {
                return None;
            }
            let allowed = row(MATRIX, layer)?;
            let exceptions =
                EXCEPTIONS.iter().filter(|(of, _)| file.starts_with(of)).map(|(_, entry)| entry);
            if allowed.iter().chain(exceptions).any(|entry| permits(entry, rest)) {
                return None;
            }
            let shown: Vec<&str> = rest.iter().take(2).map(String::as_str).collect();
            Some(format!("{layer} may not name crate::{}", shown.join("::")))
        }
        [name, ..] => row(CRATES, name)
            .filter(|allowed| !allowed.contains(&layer))
            .map(|_| format!("{layer} may not name the crate {name}")),
        [] => None,
    }
}

/// Everything wrong with one Rust file below `src/`, one line each.
fn violations(file: &str, text: &str) -> Vec<String> {
    let mut found = text_violations(file, text);
    let reader = match Reader::read(file, text) {
        Ok(reader) => reader,
        Err(error) => return vec![format!("{file}: not Rust: {error}")],
    };
    found.extend(reader.unsafe_lines.iter().map(|line| format!("{file}:{line}: unsafe")));

    let inner = file.trim_start_matches("src/");
    let layer = inner.split('/').next().map_or(inner, |first| first.trim_end_matches(".rs"));
    if ["lib", "main"].contains(&layer) {
        return found;
    }
    if MATRIX.iter().all(|(name, _)| *name != layer) {
        found.push(format!("{file}: the import matrix has no layer {layer}"));
    }
    // A bad import is reported where it is first named, not at every use.
    let mut reported = BTreeSet::new();
    for mention in &reader.mentions {
        let path = reader.resolve(mention);
        let hashed = path.iter().find(|name| ["HashMap", "HashSet"].contains(&name.as_str()));
        let hashed = hashed
            .filter(|_| ORDERED.contains(&layer))
            .map(|name| format!("{layer} may not use {name}: its order differs from run to run"));
        for wrong in judge(file, layer, &path).into_iter().chain(hashed) {
            if reported.insert(wrong.clone()) {
                found.push(format!("{file}:{}: {wrong}", mention.line));
            }
        }
    }
    found
}

/// What can be seen without parsing: length, and work left without an issue.
fn text_violations(file: &str, text: &str) -> Vec<String> {
    const MARKERS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let has_issue = |line: &str| {
        line.split('#').skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut found = Vec::new();
    let lines = text.lines().count();
    let is_rust = Path::new(file).extension().is_some_and(|extension| extension == "rs");
    if is_rust && lines > FILE_LINES_MAX {
        found.push(format!("{file}: {lines} lines, more than {FILE_LINES_MAX}"));
    }
    for (number, line) in text.lines().enumerate() {
        if MARKERS.iter().any(|marker| line.contains(marker)) && !has_issue(line) {
            found.push(format!("{file}:{}: work left without an issue number", number + 1));
        }
    }
    found
}

fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| ".".into(), PathBuf::from)
}

fn is_code(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| CODE_EXTENSIONS.contains(&extension))
}

/// The code files below a folder, as paths from the repository's root, in order.
fn code_files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            if !name.starts_with('.') && !FOREIGN_FOLDERS.contains(&name.as_str()) {
                files.extend(code_files(&path));
            }
        } else if is_code(&path) {
            files.insert(path);
        }
    }
    files
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{} violations:\n  {}", found.len(), found.join("\n  "));
}

#[test]
fn every_source_file_keeps_to_the_import_matrix() {
    let files = code_files(&root().join("src"));
    assert!(files.len() > 10, "only {} files: looked in the wrong place?", files.len());
    let rust = files.iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let read =
        |path: &PathBuf| violations(&relative(path), &std::fs::read_to_string(path).unwrap());
    assert_none(&rust.flat_map(read).collect::<Vec<_>>());
}

#[test]
fn every_layer_of_the_matrix_is_there() {
    let is_there = |layer: &str| root().join("src").join(layer).is_dir();
    let missing = MATRIX.iter().map(|(layer, _)| *layer).filter(|layer| !is_there(layer));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_place_that_the_guides_name_exists() {
    for guide in ["CONTRIBUTING.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(guide)).unwrap();
        let places = text.split('`').skip(1).step_by(2).filter(|word| word.starts_with("src/"));
        let missing: Vec<&str> = places.filter(|place| !root().join(place).exists()).collect();
        assert!(missing.is_empty(), "{guide} names {missing:?}");
    }
}

#[test]
fn every_other_code_file_is_short_and_leaves_no_work_behind() {
    let files = CODE_FOLDERS.iter().filter(|name| **name != "src");
    let files = files.flat_map(|name| code_files(&root().join(name)));
    // Files of other people (goldens, vendored scripts) may hold what is not UTF-8.
    let read = |path: PathBuf| {
        let text = std::fs::read(&path).unwrap();
        text_violations(&relative(&path), &String::from_utf8_lossy(&text))
    };
    assert_none(&files.flat_map(read).collect::<Vec<_>>());
}

#[test]
fn code_lives_in_four_folders() {
    let files = code_files(&root()).into_iter().map(|path| relative(&path));
    let stray = |file: &String| !CODE_FOLDERS.iter().any(|f| file.starts_with(&format!("{f}/")));
    assert_none(&files.filter(stray).collect::<Vec<_>>());
}

#[test]
fn both_databases_have_the_same_migrations() {
    let steps = |backend: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(backend);
        let strip = |path: PathBuf| path.strip_prefix(&folder).unwrap().display().to_string();
        code_files(&folder).into_iter().map(strip).collect()
    };
    assert_eq!(steps("sqlite"), steps("postgres"));
}

#[test]
fn the_image_is_built_with_the_pinned_toolchain() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let pin = read("rust-toolchain.toml");
    let version = pin.split('"').nth(1).unwrap();
    let wanted = format!("ARG TOOLCHAIN_IMAGE=rust:{version}-");
    assert!(read("docker/Dockerfile").contains(&wanted), "{wanted}… in docker/Dockerfile");
}

#[test]
fn every_test_that_the_conformance_table_names_exists() {
    let table = std::fs::read_to_string(root().join("CONFORMANCE.md")).unwrap();
    let is_test = |word: &&str| word.len() > 12 && word.contains('_') && !word.contains(' ');
    let named: BTreeSet<&str> = table.split('`').skip(1).step_by(2).filter(is_test).collect();
    let sources = ["src", "tests"].map(|folder| code_files(&root().join(folder)));
    let sources = sources.into_iter().flatten().map(|file| std::fs::read_to_string(file).unwrap());
    let sources: String = sources.collect();
    let known = ["LEADER_SELF_VALIDATOR", "sandbox_mint"];
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !known.contains(name) && !sources.contains(&format!("fn {name}(")))
        .collect();
    assert!(named.len() > 60 && missing.is_empty(), "{missing:?}");
}

/// Asserts that a synthetic file has exactly the violations whose texts contain `wanted`.
#[track_caller]
fn check(file: &str, text: &str, wanted: &[&str]) {
    let found = violations(file, text);
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.contains(wanted), "{found} does not say: {wanted}");
    }
}
