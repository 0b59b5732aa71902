//! What differs from node to node or loses its words: imports, calls and exceptions.

use rustpython_ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use rustpython_ruff_python_ast::{ExceptHandler, Expr, ExprCall, Stmt, StmtTry};
use rustpython_ruff_text_size::Ranged;

use super::Findings;
use super::names::Names;

/// Modules whose results or effects differ from node to node.
const FORBIDDEN_MODULES: [&str; 25] = [
    "asyncio",
    "builtins",
    "concurrent",
    "ctypes",
    "ftplib",
    "glob",
    "http",
    "httpx",
    "io",
    "multiprocessing",
    "os",
    "pathlib",
    "pickle",
    "random",
    "requests",
    "secrets",
    "shelve",
    "shutil",
    "smtplib",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
];
/// Submodules that reach the network, of modules that are harmless otherwise.
const FORBIDDEN_SUBMODULES: [&str; 2] = ["urllib.error", "urllib.request"];
/// Calls whose results differ from node to node.
const FORBIDDEN_CALLS: [&str; 11] = [
    "time.localtime",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.process_time",
    "time.sleep",
    "time.time",
    "time.time_ns",
    "uuid.uuid1",
    "uuid.uuid4",
];
/// Python's own exceptions, as far as people raise them.
const EXCEPTIONS: [&str; 30] = [
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BufferError",
    "ConnectionError",
    "EOFError",
    "Exception",
    "FileNotFoundError",
    "IOError",
    "ImportError",
    "IndexError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PermissionError",
    "RecursionError",
    "RuntimeError",
    "StopIteration",
    "SystemExit",
    "TimeoutError",
    "TypeError",
    "ValueError",
    "ZeroDivisionError",
];

/// W001, W002 and W004.
pub(super) fn check(body: &[Stmt], names: &Names, findings: &mut Findings<'_>) {
    let mut checker = Checker { names, findings, in_contract: false, caught: Vec::new() };
    checker.visit_body(body);
}

struct Checker<'a, 'f> {
    names: &'a Names,
    findings: &'a mut Findings<'f>,
    in_contract: bool,
    /// What the `try` statements around the present place catch.
    caught: Vec<Vec<String>>,
}

fn is_forbidden(module: &str) -> bool {
    let first = module.split('.').next().unwrap_or(module);
    FORBIDDEN_MODULES.contains(&first)
        || FORBIDDEN_SUBMODULES.iter().any(|forbidden| {
            module
                .strip_prefix(forbidden)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}

impl Checker<'_, '_> {
    fn import(&mut self, module: &str, place: &impl Ranged) {
        if is_forbidden(module) {
            let message = format!("`{module}` cannot be used in a contract");
            let hint = "nodes must agree: use `gl.nondet` for the web and models, and \
                `gl.message_raw[\"datetime\"]` or `datetime.now()` for time";
            self.findings.add("W001", place.start(), message, Some(hint));
        }
    }

    fn call(&mut self, call: &ExprCall) {
        let Some(path) = self.names.path(&call.func) else { return };
        let is_now = path == "time.gmtime" && call.arguments.is_empty();
        if is_now || FORBIDDEN_CALLS.contains(&path.as_str()) {
            let message = format!("`{path}()` differs from node to node");
            let hint = if path.starts_with("time.") {
                "use `datetime.now()`, which shows the transaction's time"
            } else {
                "derive ids from state, such as a counter"
            };
            self.findings.add("W002", call.start(), message, Some(hint));
        }
    }

    fn raise(&mut self, raised: &Expr, place: &impl Ranged) {
        let class = match raised {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        let Some(path) = self.names.path(class) else { return };
        let is_caught =
            |caught: &Vec<String>| caught.iter().any(|name| name == "*" || *name == path);
        if EXCEPTIONS.contains(&path.as_str()) && !self.caught.iter().any(is_caught) {
            let message = format!("`{path}` ends the call without a message for its caller");
            let hint = "raise `gl.vm.UserError(\"…\")`";
            self.findings.add("W004", place.start(), message, Some(hint));
        }
    }

    fn catches(&self, statement: &StmtTry) -> Vec<String> {
        let mut caught = Vec::new();
        for ExceptHandler::ExceptHandler(handler) in &statement.handlers {
            let types: Vec<&Expr> = match handler.type_.as_deref() {
                None => {
                    caught.push("*".to_owned());
                    continue;
                }
                Some(Expr::Tuple(tuple)) => tuple.elts.iter().collect(),
                Some(one) => vec![one],
            };
            for path in types.into_iter().filter_map(|one| self.names.path(one)) {
                let is_all = matches!(path.as_str(), "Exception" | "BaseException");
                caught.push(if is_all { "*".to_owned() } else { path });
            }
        }
        caught
    }
}

impl<'a> Visitor<'a> for Checker<'_, '_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.import(alias.name.as_str(), alias);
                }
            }
            Stmt::ImportFrom(import) if import.level == 0 => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                self.import(module, import);
                for alias in &import.names {
                    let whole = format!("{module}.{}", alias.name);
                    if FORBIDDEN_SUBMODULES.contains(&whole.as_str()) {
                        self.import(&whole, alias);
                    }
                }
            }
            Stmt::Raise(raise) if self.in_contract => {
                if let Some(raised) = &raise.exc {
                    self.raise(raised, raise);
                }
            }
            Stmt::ClassDef(class) if self.names.is_contract(class) => {
                // The oldest generation has no other way than Python's own exceptions.
                let before = self.in_contract;
                self.in_contract = !self.names.is_oldest_generation();
                walk_stmt(self, statement);
                self.in_contract = before;
                return;
            }
            Stmt::FunctionDef(_) => {
                // What surrounds the definition does not surround the call.
                let around = std::mem::take(&mut self.caught);
                walk_stmt(self, statement);
                self.caught = around;
                return;
            }
            Stmt::Try(attempt) => {
                let caught = self.catches(attempt);
                self.caught.push(caught);
                self.visit_body(&attempt.body);
                self.caught.pop();
                for handler in &attempt.handlers {
                    self.visit_except_handler(handler);
                }
                self.visit_body(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
                return;
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression {
            self.call(call);
        }
        walk_expr(self, expression);
    }
}
