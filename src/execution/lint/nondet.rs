//! E010: what differs from node to node happens only where nodes compare it.
//!
//! Functions become nodes of a graph; an edge leads from a function to each one that it mentions.
//! What an equivalence principle is given, by name, as a lambda or through other functions, may
//! ask models and the web; a call elsewhere is an error.

use std::collections::{BTreeMap, BTreeSet};

use rustpython_ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use rustpython_ruff_python_ast::{Expr, ExprCall, Stmt};
use rustpython_ruff_text_size::{Ranged, TextSize};

use super::Findings;
use super::names::Names;

/// Number of a function, lambda or named expression; 0 is the module.
type Node = usize;

/// A name as one place mentions it.
enum Mention {
    /// To be looked up from the innermost scope outwards.
    Name(Vec<Node>, String),
    /// `x.name`: any method or function of that name.
    Attribute(String),
    /// A lambda.
    Node(Node),
}

#[derive(Default)]
struct Graph {
    /// What each scope defines, by name.
    scopes: BTreeMap<Node, BTreeMap<String, Vec<Node>>>,
    /// What each node mentions.
    mentions: Vec<(Node, Mention)>,
    /// What is handed to an equivalence principle.
    roots: Vec<Mention>,
    /// Every method and function by its name.
    by_name: BTreeMap<String, Vec<Node>>,
    /// Calls that differ from node to node.
    calls: Vec<(Node, String, TextSize)>,
    nodes: Node,
}

struct Builder<'n> {
    names: &'n Names,
    graph: Graph,
    /// The nodes around the present place, outermost first.
    stack: Vec<Node>,
    /// Scopes of classes take part in no lookup.
    in_class: bool,
    /// How many equivalence principles have the present place in their arguments.
    blocks: usize,
}

/// E010.
pub(super) fn check(body: &[Stmt], names: &Names, findings: &mut Findings<'_>) {
    let graph = Graph::default();
    let mut builder = Builder { names, graph, stack: vec![0], in_class: false, blocks: 0 };
    builder.visit_body(body);
    let graph = builder.graph;
    let agreed = graph.agreed();
    for (node, path, place) in &graph.calls {
        if !agreed.contains(node) {
            let message = format!("`{path}()` is called where nodes do not compare its result");
            let hint = "call it in a function that is given to `gl.eq_principle.…` or \
                `gl.vm.run_nondet…`";
            findings.add("E010", *place, message, Some(hint));
        }
    }
}

impl Graph {
    fn resolve(&self, mention: &Mention) -> Vec<Node> {
        match mention {
            Mention::Node(node) => vec![*node],
            Mention::Attribute(name) => self.by_name.get(name).cloned().unwrap_or_default(),
            Mention::Name(scopes, name) => {
                let defined = |scope| self.scopes.get(scope).and_then(|names| names.get(name));
                scopes.iter().rev().find_map(defined).cloned().unwrap_or_default()
            }
        }
    }

    /// Everything that runs within an equivalence principle.
    fn agreed(&self) -> BTreeSet<Node> {
        let mut edges: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
        for (node, mention) in &self.mentions {
            edges.entry(*node).or_default().extend(self.resolve(mention));
        }
        let mut waiting: Vec<Node> =
            self.roots.iter().flat_map(|root| self.resolve(root)).collect();
        let mut agreed = BTreeSet::new();
        while let Some(node) = waiting.pop() {
            if agreed.insert(node) {
                waiting.extend(edges.get(&node).into_iter().flatten());
            }
        }
        agreed
    }
}

/// Does this call hand its arguments to an equivalence principle?
fn is_block(path: &str) -> bool {
    let Some(path) = path.strip_prefix("gl.") else { return false };
    path.starts_with("eq_principle")
        || ["vm.", "advanced.", ""].iter().any(|prefix| {
            path.strip_prefix(prefix).is_some_and(|name| name.starts_with("run_nondet"))
        })
}

fn is_nondeterministic(path: &str) -> bool {
    if path.rsplit('.').next().is_some_and(|name| name.starts_with(char::is_uppercase)) {
        return false;
    }
    path.starts_with("gl.nondet.") || matches!(path, "gl.exec_prompt" | "gl.get_webpage")
}

impl Builder<'_> {
    fn node(&self) -> Node {
        self.stack.last().copied().unwrap_or_default()
    }

    fn new_node(&mut self) -> Node {
        self.graph.nodes += 1;
        self.graph.nodes
    }

    fn define(&mut self, name: &str, node: Node) {
        if !self.in_class {
            let scope = self.graph.scopes.entry(self.node()).or_default();
            scope.entry(name.to_owned()).or_default().push(node);
        }
        self.graph.by_name.entry(name.to_owned()).or_default().push(node);
    }

    /// Visits what belongs to `node`.
    fn within(&mut self, node: Node, visit: impl FnOnce(&mut Self)) {
        let (in_class, blocks) =
            (std::mem::take(&mut self.in_class), std::mem::take(&mut self.blocks));
        self.stack.push(node);
        visit(self);
        self.stack.pop();
        (self.in_class, self.blocks) = (in_class, blocks);
    }

    fn mention(&mut self, mention: impl Fn(&Self) -> Mention) {
        let (node, made) = (self.node(), mention(self));
        self.graph.mentions.push((node, made));
        if self.blocks > 0 {
            let made = mention(self);
            self.graph.roots.push(made);
        }
    }

    fn call<'a>(&mut self, call: &'a ExprCall)
    where
        Self: Visitor<'a>,
    {
        let path = self.names.path(&call.func).unwrap_or_default();
        if is_nondeterministic(&path) {
            self.graph.calls.push((self.node(), path.clone(), call.start()));
        }
        self.visit_expr(&call.func);
        let is_block = usize::from(is_block(&path));
        self.blocks += is_block;
        self.visit_arguments(&call.arguments);
        self.blocks -= is_block;
    }
}

impl<'a> Visitor<'a> for Builder<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                for decorator in &function.decorator_list {
                    self.visit_decorator(decorator);
                }
                self.visit_parameters(&function.parameters);
                let node = self.new_node();
                self.define(function.name.as_str(), node);
                self.within(node, |builder| builder.visit_body(&function.body));
            }
            Stmt::ClassDef(class) => {
                // Who mentions a class may use all of it.
                let node = self.new_node();
                self.define(class.name.as_str(), node);
                let in_class = std::mem::replace(&mut self.in_class, true);
                self.visit_body(&class.body);
                self.in_class = in_class;
                for method in class.body.iter().filter_map(Stmt::as_function_def_stmt) {
                    let mention = Mention::Attribute(method.name.to_string());
                    self.graph.mentions.push((node, mention));
                }
            }
            Stmt::Assign(assignment) => {
                if let [Expr::Name(target)] = assignment.targets.as_slice() {
                    // `leader = lambda: …` and `leader = partial(self.fetch, url)`.
                    let alias = self.new_node();
                    self.define(target.id.as_str(), alias);
                    let before = self.graph.mentions.len();
                    walk_stmt(self, statement);
                    let made: Vec<_> = self
                        .graph
                        .mentions
                        .drain(before..)
                        .flat_map(|(node, mention)| doubled(node, alias, mention))
                        .collect();
                    self.graph.mentions.extend(made);
                    return;
                }
                walk_stmt(self, statement);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Call(call) => self.call(call),
            Expr::Lambda(lambda) => {
                let node = self.new_node();
                self.mention(|_| Mention::Node(node));
                self.within(node, |builder| builder.visit_expr(&lambda.body));
            }
            Expr::Name(name) => {
                self.mention(|builder| Mention::Name(builder.stack.clone(), name.id.to_string()));
            }
            Expr::Attribute(attribute) => {
                self.mention(|_| Mention::Attribute(attribute.attr.to_string()));
                walk_expr(self, expression);
            }
            _ => walk_expr(self, expression),
        }
    }
}

/// What an assigned expression mentions, its name mentions too.
fn doubled(node: Node, alias: Node, mention: Mention) -> [(Node, Mention); 2] {
    let copy = match &mention {
        Mention::Name(scopes, name) => Mention::Name(scopes.clone(), name.clone()),
        Mention::Attribute(name) => Mention::Attribute(name.clone()),
        Mention::Node(node) => Mention::Node(*node),
    };
    [(node, mention), (alias, copy)]
}
