//! What can be stored: the types of a contract's fields and of the structs in them.

use std::collections::{BTreeMap, BTreeSet};

use rustpython_ruff_python_ast::{Expr, Number, Stmt, StmtClassDef, UnaryOp};
use rustpython_ruff_text_size::Ranged;

use super::Findings;
use super::names::{Names, last};

const LISTS: [&str; 4] = ["list", "typing.List", "typing.Sequence", "collections.deque"];
const DICTS: [&str; 5] =
    ["dict", "typing.Dict", "typing.Mapping", "collections.OrderedDict", "collections.defaultdict"];
/// Types without an order, which cannot be keys.
const WITHOUT_ORDER: [&str; 7] =
    ["DynArray", "Array", "TreeMap", "None", "Any", "object", "Optional"];

/// E014 to E018, in the contracts and in every struct that is marked as storable.
pub(super) fn check(
    body: &[Stmt],
    contracts: &[&StmtClassDef],
    names: &Names,
    findings: &mut Findings<'_>,
) {
    let classes: BTreeMap<&str, &StmtClassDef> = body
        .iter()
        .filter_map(Stmt::as_class_def_stmt)
        .map(|class| (class.name.as_str(), class))
        .collect();
    let mut checker = Checker { names, findings, classes: &classes, unmarked: BTreeSet::new() };
    for class in body.iter().filter_map(Stmt::as_class_def_stmt) {
        let is_contract = contracts.iter().any(|contract| contract.name == class.name);
        if is_contract || is_marked(class, names) {
            checker.fields(class);
        }
    }
    let unmarked = checker.unmarked;
    for class in unmarked.iter().filter_map(|name| classes.get(name.as_str())) {
        let message = format!("`{}` is stored but is not marked as storable", class.name);
        let hint = "write `@allow_storage` and `@dataclass` above it";
        findings.add("E014", class.name.start(), message, Some(hint));
    }
}

fn decorators(class: &StmtClassDef, names: &Names) -> Vec<String> {
    let expression = |expression: &Expr| match expression {
        Expr::Call(call) => names.path(&call.func),
        other => names.path(other),
    };
    class.decorator_list.iter().filter_map(|decorator| expression(&decorator.expression)).collect()
}

fn is_marked(class: &StmtClassDef, names: &Names) -> bool {
    decorators(class, names).iter().any(|path| {
        last(path) == "allow_storage" || matches!(path.as_str(), "gl.storage.allow" | "gl.allow")
    })
}

struct Checker<'a, 'f> {
    names: &'a Names,
    findings: &'a mut Findings<'f>,
    classes: &'a BTreeMap<&'a str, &'a StmtClassDef>,
    unmarked: BTreeSet<String>,
}

impl Checker<'_, '_> {
    fn fields(&mut self, class: &StmtClassDef) {
        for field in class.body.iter().filter_map(Stmt::as_ann_assign_stmt) {
            if let Expr::Name(name) = &*field.target {
                self.stored(name.id.as_str(), &field.annotation);
            }
        }
    }

    /// Checks a type within the field `field`.
    fn stored(&mut self, field: &str, annotation: &Expr) {
        let (base, arguments) = match annotation {
            Expr::Subscript(subscript) => {
                let arguments = match &*subscript.slice {
                    Expr::Tuple(tuple) => tuple.elts.iter().collect(),
                    one => vec![one],
                };
                (&*subscript.value, arguments)
            }
            other => (other, Vec::new()),
        };
        let Some(path) = self.names.path(base) else { return };
        let place = annotation.start();
        if path == "int" {
            let message = format!("the field `{field}` cannot store `int`");
            let hint = "use an integer of fixed size such as `u256` or `i64`, or `bigint`";
            self.findings.add("E015", place, message, Some(hint));
        } else if LISTS.contains(&path.as_str()) {
            let message = format!("the field `{field}` cannot store `{}`", last(&path));
            self.findings.add("E016", place, message, Some("use `DynArray[…]`"));
        } else if DICTS.contains(&path.as_str()) {
            let message = format!("the field `{field}` cannot store `{}`", last(&path));
            self.findings.add("E016", place, message, Some("use `TreeMap[…, …]`"));
        } else if path.starts_with("gl.") {
            self.collection(field, last(&path), &arguments);
        } else if let Some(name) = path.strip_prefix("own.") {
            let class = self.classes.get(name);
            let is_bare =
                |class: &&StmtClassDef| class.arguments.is_none() && !is_marked(class, self.names);
            if class.is_some_and(is_bare) {
                self.unmarked.insert(name.to_owned());
            }
        }
    }

    fn collection(&mut self, field: &str, name: &str, arguments: &[&Expr]) {
        match (name, arguments) {
            ("DynArray", [element]) => self.stored(field, element),
            ("TreeMap", [key, value]) => {
                self.key(field, key);
                self.stored(field, value);
            }
            ("Array", [element, size]) => {
                self.stored(field, element);
                self.size(field, size);
            }
            _ => {}
        }
    }

    fn key(&mut self, field: &str, key: &Expr) {
        let base = match key {
            Expr::Subscript(subscript) => &*subscript.value,
            other => other,
        };
        let Some(path) = self.names.path(base) else {
            if matches!(key, Expr::NoneLiteral(_)) {
                self.unordered(field, key, "None");
            }
            return;
        };
        if ["int", "list", "dict"].contains(&path.as_str()) {
            self.stored(field, key);
        } else if let Some(name) = path.strip_prefix("own.") {
            if self.classes.get(name).is_some_and(|class| !self.is_ordered(class)) {
                self.unordered(field, key, name);
            }
        } else if WITHOUT_ORDER.contains(&last(&path)) {
            self.unordered(field, key, last(&path));
        }
    }

    fn unordered(&mut self, field: &str, key: &Expr, name: &str) {
        let message = format!("`{name}` has no order and cannot be a key of `{field}`");
        let hint = "keys are `str`, `bytes`, `Address`, `bool` or integers of fixed size";
        self.findings.add("E018", key.start(), message, Some(hint));
    }

    /// Can two of this class be compared? Classes with bases may inherit the order.
    fn is_ordered(&self, class: &StmtClassDef) -> bool {
        let mut methods = class.body.iter().filter_map(Stmt::as_function_def_stmt);
        let has_order = class.decorator_list.iter().any(|decorator| match &decorator.expression {
            Expr::Call(call) => call.arguments.find_keyword("order").is_some(),
            _ => false,
        });
        let is_total =
            decorators(class, self.names).iter().any(|path| last(path) == "total_ordering");
        class.arguments.is_some()
            || has_order
            || is_total
            || methods.any(|method| method.name.as_str() == "__lt__")
    }

    fn size(&mut self, field: &str, size: &Expr) {
        let size = match size {
            Expr::Subscript(literal)
                if self.names.path(&literal.value).is_some_and(|path| last(&path) == "Literal") =>
            {
                &*literal.slice
            }
            _ => return,
        };
        let is_positive = match size {
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(value) => value.as_u64() != Some(0),
                _ => false,
            },
            Expr::UnaryOp(negated) => negated.op == UnaryOp::UAdd,
            Expr::Name(_) | Expr::Attribute(_) => true,
            _ => false,
        };
        if !is_positive {
            let message = format!("the size of the array `{field}` is not a positive integer");
            let hint = "write `Array[u8, Literal[32]]`, or use `DynArray[…]` where it can grow";
            self.findings.add("E017", size.start(), message, Some(hint));
        }
    }
}
