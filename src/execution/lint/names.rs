//! What a name stands for: imports, aliases and the five generations of the API.

use std::collections::{BTreeMap, BTreeSet};

use rustpython_ruff_python_ast::visitor::{Visitor, walk_stmt};
use rustpython_ruff_python_ast::{Expr, Stmt, StmtClassDef};

/// Names that the star import brings and rules ask for.
const STAR: [&str; 7] =
    ["Address", "Array", "Contract", "DynArray", "TreeMap", "allow_storage", "bigint"];

/// Everything a file binds by import, alias or definition, wherever it does.
#[derive(Debug, Default)]
pub(super) struct Names {
    bound: BTreeMap<String, String>,
    /// Classes and functions of the file.
    own: BTreeSet<String>,
    /// Classes of the file that are contracts, by inheritance too.
    contracts: BTreeSet<String>,
    has_star: bool,
    is_icontract: bool,
}

impl Names {
    pub(super) fn of(body: &[Stmt]) -> Self {
        let mut names = Self::default();
        // Twice, so that an alias may come before what it stands for.
        for _ in 0..2 {
            for statement in body {
                names.visit_stmt(statement);
            }
        }
        names
    }

    /// Is this a contract of 2024, `class X(IContract)`, which needs no header and has no
    /// `gl`?
    pub(super) fn is_oldest_generation(&self) -> bool {
        self.is_icontract
    }

    /// The dotted name of an expression in one spelling: whatever the SDK offers begins with
    /// `gl.`, and other modules with their own name. `None` for what is no name.
    pub(super) fn path(&self, expression: &Expr) -> Option<String> {
        let mut attributes = Vec::new();
        let mut rest = expression;
        while let Expr::Attribute(attribute) = rest {
            attributes.push(attribute.attr.as_str());
            rest = &attribute.value;
        }
        let Expr::Name(name) = rest else { return None };
        let mut path = self.root(name.id.as_str());
        for attribute in attributes.iter().rev() {
            path.push('.');
            path.push_str(attribute);
        }
        Some(canonical(&path))
    }

    fn root(&self, name: &str) -> String {
        if let Some(path) = self.bound.get(name) {
            return path.clone();
        }
        if self.own.contains(name) {
            return format!("own.{name}");
        }
        if name == "gl" {
            return name.to_owned();
        }
        let is_star = STAR.contains(&name) || is_sized(name);
        if self.has_star && is_star { format!("gl.{name}") } else { name.to_owned() }
    }

    /// Does a class become a contract by this base?
    fn is_contract_base(&self, base: &Expr) -> bool {
        let path = self.path(base);
        let is_base = |path: &str| {
            matches!(path, "gl.Contract" | "gl.contract.Contract" | "Contract")
                || path.rsplit('.').next() == Some("IContract")
        };
        let is_own = |path: &str| {
            path.strip_prefix("own.").is_some_and(|name| self.contracts.contains(name))
        };
        path.is_some_and(|path| is_base(&path) || is_own(&path))
    }

    /// Is this class a contract, by its base or by the decorator of early 2025?
    pub(super) fn is_contract(&self, class: &StmtClassDef) -> bool {
        let by_base = class.arguments.iter().flat_map(|arguments| arguments.args.iter());
        by_base.into_iter().any(|base| self.is_contract_base(base))
            || class.decorator_list.iter().any(|decorator| {
                self.path(&decorator.expression).is_some_and(|path| path == "gl.contract")
            })
    }

    fn import_from(&mut self, module: &str, name: &str, as_name: &str) {
        if name == "*" {
            self.has_star |= module == "genlayer" || module.starts_with("genlayer.");
            return;
        }
        self.is_icontract |= name == "IContract";
        self.bound.insert(as_name.to_owned(), format!("{module}.{name}"));
    }
}

impl<'a> Visitor<'a> for Names {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.name.as_str();
                    let first = name.split('.').next().unwrap_or(name);
                    let (bound, path) = alias
                        .asname
                        .as_ref()
                        .map_or((first, first), |alias| (alias.as_str(), name));
                    self.bound.insert(bound.to_owned(), path.to_owned());
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                for alias in &import.names {
                    let name = alias.name.as_str();
                    let as_name = alias.asname.as_ref().map_or(name, |alias| alias.as_str());
                    self.import_from(module, name, as_name);
                }
            }
            Stmt::ClassDef(class) => {
                self.own.insert(class.name.to_string());
                if self.is_contract(class) {
                    self.contracts.insert(class.name.to_string());
                }
            }
            Stmt::FunctionDef(function) => {
                self.own.insert(function.name.to_string());
            }
            Stmt::Assign(assignment) => {
                // `vm = gl.vm`: a part of the SDK under another name.
                if let ([Expr::Name(target)], Expr::Attribute(_)) =
                    (assignment.targets.as_slice(), &*assignment.value)
                {
                    let path = self.path(&assignment.value).filter(|path| path.starts_with("gl."));
                    if let Some(path) = path.filter(|path| !path.starts_with("gl.message")) {
                        self.bound.insert(target.id.to_string(), path);
                    }
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }
}

/// One spelling for what the SDK offers under several module paths.
fn canonical(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('.').collect();
    if parts.first() == Some(&"genlayer") {
        parts.remove(0);
        if matches!(parts.first(), Some(&"py" | &"std")) {
            parts.remove(0);
            if parts.len() > 1 && matches!(parts.first(), Some(&"types" | &"storage")) {
                parts.remove(0);
            }
        }
        if parts.first() == Some(&"gl") {
            parts.remove(0);
        }
        parts.insert(0, "gl");
    }
    parts.join(".")
}

/// Is this the name of an integer of fixed size?
pub(super) fn is_sized(name: &str) -> bool {
    let digits = name.strip_prefix(['u', 'i']).unwrap_or_default();
    digits.parse().is_ok_and(|bits: u16| (8..=256).contains(&bits) && bits.is_multiple_of(8))
        && !digits.starts_with(['0', '+'])
}

/// The last part of a dotted name.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
