//! How a contract's class is built: its methods, their decorators and parameters.

use std::collections::BTreeSet;

use rustpython_ruff_python_ast::{Expr, Stmt, StmtClassDef, StmtFunctionDef};
use rustpython_ruff_text_size::Ranged;

use super::names::Names;
use super::{Findings, storage};

/// Methods that the network calls itself; they carry a decorator although nobody else does.
const SPECIAL: [&str; 4] =
    ["__receive__", "__handle_undefined_method__", "__on_errored_message__", "__on_bridge__"];

/// E011 to E022 and W020.
pub(super) fn check(body: &[Stmt], names: &Names, findings: &mut Findings<'_>) {
    let classes = || body.iter().filter_map(Stmt::as_class_def_stmt);
    let contracts: Vec<&StmtClassDef> =
        classes().filter(|class| names.is_contract(class)).collect();
    let bases: BTreeSet<String> = contracts
        .iter()
        .flat_map(|class| class.arguments.iter().flat_map(|arguments| arguments.args.iter()))
        .filter_map(|base| names.path(base))
        .collect();
    let is_base = |class: &StmtClassDef| bases.contains(&format!("own.{}", class.name));
    for class in contracts.iter().filter(|class| !is_base(class)).skip(1) {
        let message = format!("`{}` is a second contract in this file", class.name);
        let hint = "a file holds one contract: move the other to a file of its own";
        findings.add("E011", class.name.start(), message, Some(hint));
    }
    for class in &contracts {
        for method in class.body.iter().filter_map(Stmt::as_function_def_stmt) {
            check_method(method, names, findings);
        }
    }
    // The oldest generation pickles its fields, whatever they are.
    if !names.is_oldest_generation() {
        storage::check(body, &contracts, names, findings);
    }
}

/// How a method is open to callers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Private,
    View,
    Write,
}

fn access(method: &StmtFunctionDef, names: &Names) -> Access {
    for decorator in &method.decorator_list {
        let decorator = match &decorator.expression {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        let path = names.path(decorator).unwrap_or_default();
        if path == "gl.public.view" {
            return Access::View;
        }
        if path == "gl.public" || path.starts_with("gl.public.") {
            return Access::Write;
        }
    }
    Access::Private
}

fn check_method(method: &StmtFunctionDef, names: &Names, findings: &mut Findings<'_>) {
    let (name, place) = (method.name.as_str(), method.name.start());
    let access = access(method, names);
    let is_special = SPECIAL.contains(&name);
    if name == "__init__" && access != Access::Private {
        let hint = "remove the decorator: the constructor runs once, at deployment";
        findings.add("E012", place, "`__init__` cannot be public", Some(hint));
    } else if access != Access::Private && name.starts_with("__") && !is_special {
        let message = format!("the public method `{name}` cannot begin with two underscores");
        findings.add("E013", place, message, Some("rename it"));
    }
    if is_special && access != Access::Write {
        let message = format!("`{name}` needs `@gl.public.write` or `@gl.public.write.payable`");
        let hint = if name == "__handle_undefined_method__" {
            "decorate it with `@gl.public.write`"
        } else {
            "decorate it with `@gl.public.write.payable`"
        };
        findings.add("E019", place, message, Some(hint));
    }
    if access == Access::View && method.returns.is_none() {
        let message = format!("the view `{name}` does not say what it returns");
        findings.add("W020", place, message, Some("annotate the result, such as `-> int`"));
    }
    if access != Access::Private {
        let starred = [("*", &method.parameters.vararg), ("**", &method.parameters.kwarg)];
        for (stars, parameter) in starred {
            if let Some(parameter) = parameter {
                let message =
                    format!("the public method `{name}` cannot take `{stars}{}`", parameter.name);
                let hint = "name each parameter: callers are told which there are";
                findings.add("E021", parameter.start(), message, Some(hint));
            }
        }
    }
    check_self(method, names, findings);
}

fn check_self(method: &StmtFunctionDef, names: &Names, findings: &mut Findings<'_>) {
    let is_bound = |path: &str| matches!(path, "staticmethod" | "classmethod");
    let mut decorators = method.decorator_list.iter();
    let is_free = decorators
        .any(|decorator| names.path(&decorator.expression).is_some_and(|path| is_bound(&path)));
    let is_of_class = ["__new__", "__init_subclass__", "__class_getitem__"];
    if is_free || is_of_class.contains(&method.name.as_str()) {
        return;
    }
    let parameters = &method.parameters;
    let first = parameters.posonlyargs.iter().chain(&parameters.args).next();
    let is_self = first.map_or(parameters.vararg.is_some(), |first| {
        let name = first.parameter.name.as_str();
        name == "self" || name == "this" || name == "cls" || name.starts_with('_')
    });
    if !is_self {
        let message = format!("the method `{}` does not take `self`", method.name);
        let hint = format!("write `def {}(self, …)`", method.name);
        findings.add("E022", method.name.start(), message, Some(&hint));
    }
}
