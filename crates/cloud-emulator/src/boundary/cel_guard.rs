//! What a condition may look like, checked before and after the CEL crate parses it.
//!
//! Before: the parser recurses, and a deep text would overflow the stack of a runtime thread, which aborts the
//! process. So the text is cut into tokens here first, and only the tokens that conditions of boundaries consist
//! of pass, with caps on nesting and chains.
//!
//! After: the CEL language is wider than what Google's token service takes. The tree must be a disjunction of
//! `startsWith`, `endsWith` and `==` between `resource.name` or the list prefix and a string constant. Whether
//! Google takes `&&`, `!` or `request.time` in a boundary is not documented; they are refused.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::RefusedBoundary;

const MAX_CHARS: usize = 2048;
const MAX_NESTING: usize = 8;
/// Selections and comparisons between two `||`: the longest true shape has three.
const MAX_CHAIN: usize = 4;
const WORDS: [&str; 6] = ["resource", "name", "api", "getAttribute", "startsWith", "endsWith"];
/// The only API attribute of a listing.
pub(super) const LIST_PREFIX: &str = "storage.googleapis.com/objectListPrefix";

/// Whether the text is safe to parse: short, shallow, and made of the tokens of a boundary condition.
pub(super) fn check_text(text: &str) -> Result<(), RefusedBoundary> {
    if text.trim().is_empty() {
        return Err(RefusedBoundary::ConditionEmpty);
    }
    if text.chars().count() > MAX_CHARS {
        return Err(RefusedBoundary::ConditionTooLong);
    }
    Scanner { rest: text, nesting: 0, chain: 0 }.scan()
}

struct Scanner<'a> {
    rest: &'a str,
    nesting: usize,
    chain: usize,
}

impl Scanner<'_> {
    fn scan(mut self) -> Result<(), RefusedBoundary> {
        while let Some(first) = self.rest.chars().next() {
            let length = match first {
                ' ' | ',' => 1,
                '(' => self.open()?,
                ')' => self.close()?,
                '.' => self.link(1)?,
                '=' if self.rest.starts_with("==") => self.link(2)?,
                '|' if self.rest.starts_with("||") => {
                    self.chain = 0;
                    2
                }
                '\'' | '"' => literal_length(self.rest, first)?,
                _ => word_length(self.rest)?,
            };
            self.rest = self.rest.get(length..).unwrap_or_default();
        }
        if self.nesting == 0 { Ok(()) } else { Err(RefusedBoundary::ConditionSyntax) }
    }

    fn open(&mut self) -> Result<usize, RefusedBoundary> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING { Err(RefusedBoundary::ConditionTooDeep) } else { Ok(1) }
    }

    fn close(&mut self) -> Result<usize, RefusedBoundary> {
        self.nesting = self.nesting.checked_sub(1).ok_or(RefusedBoundary::ConditionSyntax)?;
        Ok(1)
    }

    fn link(&mut self, length: usize) -> Result<usize, RefusedBoundary> {
        self.chain += 1;
        if self.chain > MAX_CHAIN { Err(RefusedBoundary::ConditionTooDeep) } else { Ok(length) }
    }
}

/// The length of the literal at the start, quotes included. Another quote right after it would make it a
/// triple-quoted or a second literal, and is refused.
fn literal_length(text: &str, quote: char) -> Result<usize, RefusedBoundary> {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                return Err(RefusedBoundary::ConditionToken);
            }
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => {
                let end = at + 1;
                let next = text.get(end..).and_then(|rest| rest.chars().next());
                return if matches!(next, Some('\'' | '"')) {
                    Err(RefusedBoundary::ConditionToken)
                } else {
                    Ok(end)
                };
            }
            _ => {}
        }
    }
    Err(RefusedBoundary::ConditionSyntax)
}

/// The length of the word at the start, one of [`WORDS`] and not glued to a literal (`r'…'`, `b'…'`).
fn word_length(text: &str) -> Result<usize, RefusedBoundary> {
    let length = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, rest) = text.split_at(length);
    if WORDS.contains(&word) && !rest.starts_with(['\'', '"']) {
        Ok(length)
    } else {
        Err(RefusedBoundary::ConditionToken)
    }
}

/// Whether the parsed condition has the shape of a boundary condition.
pub(super) fn check_tree(condition: &IdedExpr) -> Result<(), RefusedBoundary> {
    if is_disjunction(condition) { Ok(()) } else { Err(RefusedBoundary::ConditionShape) }
}

fn is_disjunction(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Call(call) if call.func_name == operators::LOGICAL_OR && call.target.is_none() => {
            call.args.len() >= 2 && call.args.iter().all(is_disjunction)
        }
        Expr::Call(call) => is_comparison(call),
        _ => false,
    }
}

fn is_comparison(call: &CallExpr) -> bool {
    match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
        ("startsWith" | "endsWith", Some(subject), [text]) => is_subject(subject) && is_text(text),
        (operators::EQUALS, None, [left, right]) => {
            is_subject(left) && is_text(right) || is_text(left) && is_subject(right)
        }
        _ => false,
    }
}

fn is_subject(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Select(select) => {
            !select.test && select.field == "name" && is_ident(&select.operand, "resource")
        }
        Expr::Call(call) => match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
            ("getAttribute", Some(api), [attribute, default]) => {
                is_ident(api, "api") && text_of(attribute) == Some(LIST_PREFIX) && is_text(default)
            }
            _ => false,
        },
        _ => false,
    }
}

fn is_ident(node: &IdedExpr, name: &str) -> bool {
    matches!(&node.expr, Expr::Ident(ident) if ident == name)
}

fn is_text(node: &IdedExpr) -> bool {
    text_of(node).is_some()
}

fn text_of(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
