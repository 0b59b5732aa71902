//! Reads a Rust file into the paths it names.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A path as written, where it stands and the module around it.
pub(crate) struct Mention {
    pub(crate) segments: Vec<String>,
    module: Vec<String>,
    pub(crate) line: usize,
}

/// Everything a file names.
pub(crate) struct Reader {
    module: Vec<String>,
    pub(crate) mentions: Vec<Mention>,
    aliases: BTreeMap<String, Mention>,
    pub(crate) unsafe_lines: BTreeSet<usize>,
}

impl Reader {
    pub(crate) fn read(file: &str, text: &str) -> syn::Result<Self> {
        let parsed = syn::parse_file(text)?;
        let mut module = vec!["crate".to_owned()];
        let inner = file.trim_start_matches("src/").trim_end_matches(".rs");
        module.extend(inner.split('/').map(str::to_owned));
        if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            module.pop();
        }
        let mut reader = Self {
            module,
            mentions: Vec::new(),
            aliases: BTreeMap::new(),
            unsafe_lines: BTreeSet::new(),
        };
        reader.visit_file(&parsed);
        Ok(reader)
    }

    fn mention(&self, segments: Vec<String>, line: usize) -> Mention {
        Mention { segments, module: self.module.clone(), line }
    }

    fn flatten(&mut self, tree: &syn::UseTree, mut prefix: Vec<String>) {
        let line = tree.span().start().line;
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.flatten(&path.tree, prefix);
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.flatten(item, prefix.clone()));
            }
            syn::UseTree::Glob(_) => {
                prefix.push("*".to_owned());
                self.mentions.push(self.mention(prefix, line));
            }
            syn::UseTree::Name(name) => self.import(prefix, &name.ident, None, line),
            syn::UseTree::Rename(name) => {
                self.import(prefix, &name.ident, Some(&name.rename), line);
            }
        }
    }

    fn import(
        &mut self,
        mut path: Vec<String>,
        name: &syn::Ident,
        rename: Option<&syn::Ident>,
        line: usize,
    ) {
        if name != "self" {
            path.push(name.to_string());
        }
        if let Some(alias) = rename.map(ToString::to_string).or_else(|| path.last().cloned()) {
            // `use actix;` binds the name to itself.
            if path.len() > 1 || rename.is_some() {
                self.aliases.insert(alias, self.mention(path.clone(), line));
            }
        }
        self.mentions.push(self.mention(path, line));
    }

    /// Reads the paths out of tokens nobody has parsed: `a :: b :: c`, at any depth.
    fn scan(&mut self, tokens: TokenStream) {
        let (mut path, mut line, mut colons) = (Vec::new(), 0, 0);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.mentions.push(self.mention(std::mem::take(&mut path), line));
                        line = ident.span().start().line;
                    }
                    if ident == "unsafe" {
                        self.unsafe_lines.insert(ident.span().start().line);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.mentions.push(self.mention(std::mem::take(&mut path), line));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.scan(group.stream());
                    }
                }
            }
        }
        self.mentions.push(self.mention(path, line));
    }

    /// The whole path from the crate's root or from another crate's name.
    pub(crate) fn resolve(&self, mention: &Mention) -> Vec<String> {
        let mut resolved: Vec<String> = Vec::new();
        for (position, segment) in mention.segments.iter().enumerate() {
            match (position, segment.as_str()) {
                (0, "crate" | "agora") => resolved = vec!["crate".to_owned()],
                (0, "self") => resolved.clone_from(&mention.module),
                (_, "super") => {
                    if position == 0 {
                        resolved.clone_from(&mention.module);
                    }
                    resolved.pop();
                }
                (0, name) => match self.aliases.get(name) {
                    // An alias of an alias is not followed: each is a mention of its own.
                    Some(alias) if alias.segments.first() != Some(segment) => {
                        resolved = self.resolve(alias);
                    }
                    _ => resolved.push(name.to_owned()),
                },
                (_, name) => resolved.push(name.to_owned()),
            }
        }
        resolved
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.flatten(&item.tree, Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.mentions.push(self.mention(segments, path.span().start().line));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.scan(call.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.visit_path(&list.path);
        self.scan(list.tokens.clone());
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.unsafe_lines.insert(block.span().start().line);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.unsafe_lines
            .extend(signature.unsafety.as_ref().map(|token| token.span().start().line));
        visit::visit_signature(self, signature);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.unsafe_lines.extend(item.unsafety.as_ref().map(|token| token.span().start().line));
        visit::visit_item_impl(self, item);
    }
}
