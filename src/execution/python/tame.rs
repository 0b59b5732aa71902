//! Of which contracts executions may follow each other in one process.
//!
//! A process is for one contract's code. What an execution leaves in the interpreter is looked for
//! afterwards (`fingerprint.rs`), but Python has corners that no look is worth its price. A *tame*
//! source stays out of them: it imports only modules that compute, names nothing private of others, and
//! has no code that runs by itself later. Executions of a tame source follow each other; every one of
//! any other source gets a process of its own, so that it depends on nothing before it.
//!
//! What is not known to be harmless is not tame: that costs time, and nothing else.

use rustpython_ruff_python_ast::visitor::{Visitor, walk_annotation, walk_expr, walk_stmt};
use rustpython_ruff_python_ast::{
    Expr, ExprAttribute, ExprCall, ExprContext, Stmt, StmtClassDef, StmtImportFrom,
};
use rustpython_ruff_python_parser::parse_module;

use crate::execution::lint::is_too_deep;

/// Modules that compute, and whose state the fingerprint sees or a job begins anew.
const MODULES: [&str; 30] = [
    "__future__",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "genlayer",
    "genlayer_embeddings",
    "genlayermodelwrappers",
    "hashlib",
    "heapq",
    "html",
    "itertools",
    "json",
    "math",
    "numbers",
    "numpy",
    "random",
    "re",
    "string",
    "textwrap",
    "time",
    "typing",
    "urllib",
];
/// Names, of attributes too, that reach what a source does not say, or that other code remembers. Modules
/// that the ones above show as attributes are among them: `dataclasses.sys` is not tame either.
const REACHING: [&str; 55] = [
    "Formatter",
    "ForwardRef",
    "abc",
    "annotationlib",
    "bltns",
    "breakpoint",
    "builtins",
    "cache_clear",
    "cache_info",
    "cache_parameters",
    "codecs",
    "compile",
    "contextlib",
    "copyreg",
    "delattr",
    "difflib",
    "dir",
    "eval",
    "evaluate_forward_ref",
    "exec",
    "get_type_hints",
    "getattr",
    "getrefcount",
    "globals",
    "help",
    "id",
    "input",
    "inspect",
    "io",
    "ipaddress",
    "keyword",
    "locals",
    "make_dataclass",
    "metaclass",
    "modules",
    "mro",
    "open",
    "operator",
    "program",
    "purge",
    "register",
    "runner",
    "seed",
    "setattr",
    "setstate",
    "singledispatch",
    "singledispatchmethod",
    "stack",
    "struct",
    "sys",
    "types",
    "update_wrapper",
    "vars",
    "warnings",
    "wraps",
];
/// Special names that may be read.
const READ: [&str; 6] =
    ["__class__", "__doc__", "__file__", "__main__", "__name__", "__qualname__"];
/// Special methods that run when somebody uses the object, and not by themselves.
const METHODS: [&str; 32] = [
    "__add__",
    "__bool__",
    "__bytes__",
    "__call__",
    "__contains__",
    "__enter__",
    "__eq__",
    "__exit__",
    "__float__",
    "__format__",
    "__ge__",
    "__getitem__",
    "__gt__",
    "__handle_undefined_method__",
    "__hash__",
    "__init__",
    "__int__",
    "__iter__",
    "__le__",
    "__len__",
    "__lt__",
    "__mul__",
    "__ne__",
    "__neg__",
    "__next__",
    "__on_errored_message__",
    "__post_init__",
    "__receive__",
    "__repr__",
    "__setitem__",
    "__str__",
    "__sub__",
];

/// May jobs of this source follow each other in one process?
pub(super) fn is_tame(source: &str) -> bool {
    // Reading it must not be what breaks the process.
    if is_too_deep(source) {
        return false;
    }
    let Ok(parsed) = parse_module(source) else { return false };
    let mut search = Search { is_tame: true, is_guarded: false };
    search.visit_body(&parsed.syntax().body);
    search.is_tame
}

/// Looks for the first thing that is not tame.
struct Search {
    is_tame: bool,
    /// Within `try` or `with`, where a suspended function would go on when it is freed.
    is_guarded: bool,
}

fn is_special(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}

fn is_own(expr: &Expr) -> bool {
    expr.as_name_expr().is_some_and(|name| matches!(name.id.as_str(), "self" | "cls"))
}

impl Search {
    fn demand(&mut self, holds: bool) {
        self.is_tame &= holds;
    }

    fn demand_module(&mut self, path: &str) {
        let top = path.split('.').next().unwrap_or_default();
        self.demand(MODULES.contains(&top) && path.split('.').skip(1).all(is_open));
    }

    fn import_from(&mut self, import: &StmtImportFrom) {
        if let Some(module) = &import.module
            && import.level == 0
        {
            self.demand_module(module);
        }
        for alias in &import.names {
            self.demand(is_open(&alias.name) && !REACHING.contains(&alias.name.as_str()));
        }
    }

    fn class(&mut self, class: &StmtClassDef) {
        let has_keywords =
            class.arguments.as_ref().is_some_and(|arguments| !arguments.keywords.is_empty());
        self.demand(!has_keywords);
    }

    fn attribute(&mut self, attribute: &ExprAttribute) {
        let name = attribute.attr.as_str();
        let is_read = attribute.ctx == ExprContext::Load;
        let is_of_base = name == "__init__"
            && attribute.value.as_call_expr().is_some_and(|call| is_named(&call.func, "super"));
        let is_tame = if is_special(name) {
            is_read && (READ.contains(&name) || is_of_base)
        } else {
            !REACHING.contains(&name) && (is_open(name) || is_own(&attribute.value))
        };
        self.demand(is_tame);
    }

    fn name(&mut self, name: &str, context: ExprContext) {
        let is_read = context == ExprContext::Load;
        let is_known = !is_special(name) || is_read && READ.contains(&name);
        // `type(x)` alone is dealt with where it is called.
        self.demand(is_known && !REACHING.contains(&name) && name != "type");
    }

    /// Visits a call; `type` may only be asked for the class of one thing.
    fn call(&mut self, call: &ExprCall) {
        let asks_class = is_named(&call.func, "type")
            && call.arguments.args.len() == 1
            && call.arguments.keywords.is_empty()
            && call.arguments.args.iter().all(|argument| !argument.is_starred_expr());
        if !asks_class {
            self.visit_expr(&call.func);
        }
        self.visit_arguments(&call.arguments);
    }

    /// Visits what is within `try` or `with`.
    fn guarded(&mut self, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.is_guarded, true);
        visit(self);
        self.is_guarded = before;
    }

    /// Visits what is within a function: it is suspended by itself.
    fn function(&mut self, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::take(&mut self.is_guarded);
        visit(self);
        self.is_guarded = before;
    }
}

/// Is this no private name?
fn is_open(name: &str) -> bool {
    !name.starts_with('_')
}

fn is_named(expr: &Expr, name: &str) -> bool {
    expr.as_name_expr().is_some_and(|found| found.id.as_str() == name)
}

impl Visitor<'_> for Search {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        if !self.is_tame {
            return;
        }
        match stmt {
            Stmt::Import(import) => {
                import.names.iter().for_each(|alias| self.demand_module(&alias.name));
            }
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::ClassDef(class) => {
                self.class(class);
                self.function(|search| walk_stmt(search, stmt));
            }
            Stmt::FunctionDef(function) => {
                let name = function.name.as_str();
                let is_known = !is_special(name) || METHODS.contains(&name);
                self.demand(is_known && !function.is_async);
                self.function(|search| walk_stmt(search, stmt));
            }
            Stmt::Try(_) | Stmt::With(_) => self.guarded(|search| walk_stmt(search, stmt)),
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &Expr) {
        if !self.is_tame {
            return;
        }
        match expr {
            Expr::Attribute(attribute) => {
                self.attribute(attribute);
                walk_expr(self, expr);
            }
            Expr::Name(name) => self.name(&name.id, name.ctx),
            Expr::Call(call) => self.call(call),
            Expr::Lambda(_) => self.function(|search| walk_expr(search, expr)),
            Expr::Await(_) => self.demand(false),
            Expr::Yield(_) | Expr::YieldFrom(_) => {
                self.demand(!self.is_guarded);
                walk_expr(self, expr);
            }
            _ => walk_expr(self, expr),
        }
    }

    /// Texts in annotations are evaluated by whoever asks for them.
    fn visit_annotation(&mut self, annotation: &Expr) {
        struct Texts(bool);
        impl Visitor<'_> for Texts {
            fn visit_expr(&mut self, expr: &Expr) {
                if let Expr::StringLiteral(text) = expr {
                    self.0 &= !text.value.to_str().contains(['(', '_']);
                }
                walk_expr(self, expr);
            }
        }
        let mut texts = Texts(true);
        walk_annotation(&mut texts, annotation);
        self.demand(texts.0);
        walk_annotation(self, annotation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_tame() {
        for example in super::super::examples() {
            assert!(is_tame(example.source), "{}", example.name);
        }
    }

    #[test]
    fn ordinary_things_are_tame() {
        for source in [
            "import json, typing\nfrom genlayer import *\nimport collections.abc\n",
            "import numpy as np\nimport genlayer_embeddings as gle\nx: np.dtypes.Float32DType\n",
            "class Row:\n    def __init__(self, n):\n        super().__init__()\n        self._n = n\n",
            "def f(row):\n    row.count += 1\n    return type(row).__name__\n",
            "x = [y for y in range(3) if y]\nprint(f'{x!r:>{3}}')\n",
            "def g():\n    yield 1\n",
            "try:\n    def g():\n        yield 1\nexcept ValueError as error:\n    raise\n",
            "def f(x: 'list[Row]' = None) -> \"Row | None\": ...\n",
        ] {
            assert!(is_tame(source), "{source}");
        }
    }

    #[test]
    fn what_reaches_further_is_not() {
        for source in [
            "import sys",
            "from json import _default_encoder",
            "import genlayer._x",
            "from functools import update_wrapper",
            "x = json._default_encoder",
            "x = f.__code__",
            "json.dumps.__name__ = 'x'",
            "x.__init__(1)",
            "x = getattr",
            "x = type('X', (), {})",
            "x = type",
            "type(*x)",
            "class X(metaclass=Y): pass",
            "class X:\n    def __del__(self): pass",
            "class X:\n    __hash__ = None",
            "async def f(): pass",
            "def f():\n    try:\n        yield\n    finally:\n        g()",
            "def f():\n    with x:\n        y = [(yield 1)]",
            "x: 'setattr(y, z)' = 1",
            "def f(x: list['y.__class__']): ...",
            "print(f'{x.__globals__}')",
            "x = (lambda: (y := globals))",
            "match x:\n    case y.__code__:\n        pass",
            "y.register(1)",
            "dataclasses.sys.getrefcount(1)",
            "urllib.parse.urlsplit.cache_info()",
            "@y.register\ndef f(): pass",
            "x = (",
        ] {
            assert!(!is_tame(source), "{source}");
        }
        assert!(!is_tame(&format!("x = {}1\n", "-".repeat(100_000))));
    }
}
