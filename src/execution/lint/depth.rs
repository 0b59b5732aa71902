//! How deep a source can be nested, before anything walks it.
//!
//! Parser and rules descend with the source, so its depth must be known to fit the stack.

use rustpython_ruff_python_ast::token::TokenKind;
use rustpython_ruff_python_parser::{Mode, lexer};

/// Levels of the deepest source that is read: contracts have fewer than a hundred.
pub(super) const DEPTH_MAX: usize = 4_000;

/// The line from which on a source may be too deep, if it may.
///
/// Every token can be a level of its own (`a.b.c`, `- - x`), but elements that commas separate
/// stand side by side. So the depth at a token is at most the sum, over the brackets that are
/// open there, of the tokens since the last comma; the commas of a `lambda` separate nothing.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let mut lexer = lexer::lex(text, Mode::Module);
    let mut levels: Vec<(usize, bool)> = vec![(0, false)];
    let (mut depth, mut blocks, mut line) = (0_usize, 0_usize, 1);
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return None,
            TokenKind::Newline => {
                levels.truncate(1);
                levels.fill((0, false));
                (depth, line) = (0, line + 1);
                continue;
            }
            TokenKind::NonLogicalNewline => {
                line += 1;
                continue;
            }
            // Ends a statement, as the end of a line does.
            TokenKind::Semi if levels.len() == 1 => {
                levels.fill((0, false));
                depth = 0;
                continue;
            }
            TokenKind::Indent => blocks += 1,
            TokenKind::Dedent => blocks = blocks.saturating_sub(1),
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => levels.push((0, false)),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace if levels.len() > 1 => {
                let (inside, _) = levels.pop().unwrap_or_default();
                depth -= inside;
            }
            TokenKind::Comma if levels.len() > 1 => {
                if let Some((inside, false)) = levels.last_mut() {
                    depth -= std::mem::take(inside);
                }
            }
            TokenKind::Lambda => {
                if let Some((_, has_lambda)) = levels.last_mut() {
                    *has_lambda = true;
                }
            }
            _ => {}
        }
        if let Some((inside, _)) = levels.last_mut() {
            *inside += 1;
            depth += 1;
        }
        if depth + blocks * 2 > DEPTH_MAX {
            return Some(line);
        }
    }
}
