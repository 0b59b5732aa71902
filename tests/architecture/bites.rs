//! One offending file per rule: a test that cannot fail proves nothing.

use super::{FILE_LINES_MAX, check, is_code};

#[test]
fn an_import_against_the_layers() {
    check(
        "src/protocol/a.rs",
        "use crate::actors::Store;",
        &["a.rs:1: protocol may not name crate::actors::Store"],
    );
    check("src/domain/a.rs", "\n\nuse crate::protocol;", &["a.rs:3: domain may not"]);
    check("src/storage/a.rs", "use crate::domain::Hash;", &[]);
    check("src/novel/a.rs", "", &["no layer novel"]);
}

#[test]
fn an_import_inside_a_nested_tree() {
    let text = "use crate::{domain::{Hash, self}, storage::{a::{b, c}, d as e}};";
    check("src/api/a.rs", text, &["crate::storage::a", "crate::storage::d"]);
    check("src/api/a.rs", "use crate::*;", &["crate::*"]);
}

#[test]
fn a_path_without_an_import() {
    check("src/protocol/a.rs", "fn f() -> crate::api::X { todo() }", &["crate::api::X"]);
    check("src/protocol/a.rs", "fn f() { g(vec![(1, crate::api::x())]) }", &["crate::api::x"]);
    check("src/domain/a.rs", "#[derive(Debug, actix::Message)] struct A;", &["crate actix"]);
}

#[test]
fn a_way_round_by_super_or_by_alias() {
    check("src/domain/a.rs", "use super::super::api::X;", &["crate::api::X"]);
    check("src/domain/mod.rs", "mod tests { use super::super::api::X; }", &["crate::api::X"]);
    check("src/domain/mod.rs", "mod tests { use super::api::X; }", &[]);
    let alias = "use crate::execution as e; type X = e::python::Engine;";
    check("src/actors/a.rs", alias, &["actors may not name crate::execution::python"]);
}

#[test]
fn more_of_a_layer_than_is_offered() {
    let text = "use crate::actors::{messages::A, handles, store::B};";
    check("src/api/a.rs", text, &["api may not name crate::actors::store"]);
    check("src/api/a.rs", "use crate::simulation::report::x;", &["crate::simulation::report"]);
    let text = "use crate::execution::{Executor, scripted::Table};";
    check("src/actors/a.rs", text, &["crate::execution::scripted"]);
    check("src/simulation/a.rs", text, &[]);
    check("src/actors/a.rs", "use crate::storage::x;", &["crate::storage::x"]);
    check("src/actors/store/mod.rs", "use crate::storage::x;", &[]);
}

#[test]
fn a_crate_in_the_wrong_layer() {
    check("src/protocol/a.rs", "use actix::prelude::*;", &["crate actix"]);
    check("src/storage/a.rs", "use diesel::prelude::*;", &[]);
    check("src/cli/a.rs", "fn f() { diesel::x(); }", &["crate diesel"]);
    check("src/actors/a.rs", "use actix_web::web; use actix::Addr;", &["crate actix_web"]);
}

#[test]
fn hashed_collections_where_order_matters() {
    let text = "use std::collections::{BTreeMap, HashMap}; struct A(HashMap<u8, u8>);";
    check("src/protocol/a.rs", text, &["protocol may not use HashMap"]);
    check("src/actors/a.rs", "type A = std::collections::HashSet<u8>;", &["HashSet"]);
    check("src/api/a.rs", text, &[]);
}

#[test]
fn unsafe_code_even_in_a_macro() {
    check("src/domain/a.rs", "fn f() { unsafe { g() } }", &["a.rs:1: unsafe"]);
    check("src/domain/a.rs", "unsafe fn f() {}", &["unsafe"]);
    check("src/domain/a.rs", "unsafe impl Send for A {}", &["unsafe"]);
    check("src/domain/a.rs", "m! { unsafe { g() } }", &["unsafe"]);
}

#[test]
fn long_files_and_work_left_behind() {
    check("src/domain/a.rs", &"\n".repeat(FILE_LINES_MAX), &[]);
    check("src/domain/a.rs", &"\n".repeat(FILE_LINES_MAX + 1), &["501 lines"]);
    check("src/domain/a.rs", concat!("// TO", "DO: later"), &["a.rs:1: work left"]);
    check("src/domain/a.rs", concat!("// TO", "DO(#12): later"), &[]);
    check("src/domain/a.rs", "use crate::{;", &["not Rust"]);
}

#[test]
fn stray_code_is_recognised_by_its_extension() {
    assert!(is_code("tools/x.py".as_ref()) && !is_code("docs/x.md".as_ref()));
}
