//! Patterns written for Java, run here only when they mean the same to both.
//!
//! Java and this engine agree on a large common part of the language and differ at its edges: `a*+` is possessive there
//! and a repeated repetition here, `\p{Punct}` names other characters, `[a&&b]` and `[[:alpha:]]` read differently. So a
//! pattern is parsed, and whatever is outside the common part is refused when it is loaded, never run with
//! another meaning. Names are ASCII, and so are patterns, which takes case folding and character classes out of question.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{
    AssertionKind, Ast, ClassSetBinaryOp, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind, Literal,
    LiteralKind, RepetitionKind, Visitor, visit,
};
use regex_syntax::hir::{self, Hir, HirKind, translate::TranslatorBuilder};
use thiserror::Error;

/// The largest compiled pattern, in bytes.
const LARGEST: usize = 1 << 20;

/// How deep groups may stand in groups.
const DEEPEST: u32 = 20;

/// Why a pattern is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PatternFault {
    /// It does not parse here: look-around and back-references are of that kind.
    #[error("the pattern does not parse, or has look-around or a back-reference")]
    Syntax,
    /// It holds what is not ASCII.
    #[error("the pattern is not of printable ASCII")]
    Ascii,
    /// It compiles to too much.
    #[error("the pattern is too large")]
    TooLarge,
    /// It holds something that means one thing to Java and another here, or might.
    #[error("the pattern has {0}, which may mean something else than to Hadoop")]
    Differs(&'static str),
}

/// How much of a name a pattern must cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Covers {
    /// All of it, as with `Matcher.matches`.
    Whole,
    /// Any part of it, as with `Matcher.find`.
    Part,
}

/// Compiles a pattern.
pub(super) fn compile(pattern: &str, covers: Covers) -> Result<Regex, PatternFault> {
    if !pattern.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(PatternFault::Ascii);
    }
    let mut parser = ParserBuilder::new().nest_limit(DEEPEST).build();
    let ast = parser.parse(pattern).map_err(|_| PatternFault::Syntax)?;
    visit(&ast, Common)?;
    let mut translator = TranslatorBuilder::new().unicode(false).utf8(false).build();
    let hir = translator.translate(pattern, &ast).map_err(|_| PatternFault::Syntax)?;
    hir::visit(&hir, Repetitions)?;
    let pattern = match covers {
        Covers::Whole => [r"\A(?:", pattern, r")\z"].concat(),
        Covers::Part => pattern.to_owned(),
    };
    let mut builder = RegexBuilder::new(&pattern);
    builder.unicode(false).size_limit(LARGEST).dfa_size_limit(LARGEST).nest_limit(DEEPEST + 2);
    builder.build().map_err(|_| PatternFault::TooLarge)
}

/// Refuses what is outside the common part.
struct Common;

impl Visitor for Common {
    type Output = ();
    type Err = PatternFault;

    fn finish(self) -> Result<(), PatternFault> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), PatternFault> {
        match ast {
            Ast::Empty(_)
            | Ast::Dot(_)
            | Ast::Alternation(_)
            | Ast::Concat(_)
            | Ast::ClassPerl(_)
            | Ast::ClassBracketed(_) => Ok(()),
            Ast::Flags(set) => flags(&set.flags),
            Ast::Literal(it) => literal(it),
            Ast::ClassUnicode(_) => Err(PatternFault::Differs(r"\p or \P")),
            Ast::Assertion(it) => match it.kind {
                AssertionKind::StartLine | AssertionKind::EndLine | AssertionKind::StartText => Ok(()),
                AssertionKind::EndText | AssertionKind::WordBoundary | AssertionKind::NotWordBoundary => {
                    Ok(())
                }
                _ => Err(PatternFault::Differs("a word boundary other than \\b")),
            },
            Ast::Repetition(it) => match (&*it.ast, &it.op.kind) {
                (Ast::Repetition(_), _) => Err(PatternFault::Differs("a repeated or possessive repetition")),
                (_, RepetitionKind::Range(range)) if !range.is_valid() => Err(PatternFault::Syntax),
                _ => Ok(()),
            },
            Ast::Group(it) => match &it.kind {
                GroupKind::CaptureIndex(_) => Ok(()),
                GroupKind::CaptureName { .. } => Err(PatternFault::Differs("a named group")),
                GroupKind::NonCapturing(it) => flags(it),
            },
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), PatternFault> {
        match item {
            ClassSetItem::Empty(_) | ClassSetItem::Perl(_) | ClassSetItem::Union(_) => Ok(()),
            ClassSetItem::Literal(it) => class_literal(it),
            ClassSetItem::Range(it) => class_literal(&it.start).and_then(|()| class_literal(&it.end)),
            ClassSetItem::Ascii(_) | ClassSetItem::Bracketed(_) => {
                Err(PatternFault::Differs("a class inside a class"))
            }
            ClassSetItem::Unicode(_) => Err(PatternFault::Differs(r"\p or \P")),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), PatternFault> {
        Err(PatternFault::Differs("&&, -- or ~~ in a class"))
    }
}

fn literal(literal: &Literal) -> Result<(), PatternFault> {
    match literal.kind {
        LiteralKind::Verbatim | LiteralKind::Meta | LiteralKind::Superfluous => Ok(()),
        _ => Err(PatternFault::Differs("a character by its number or name")),
    }
}

/// In a class a bracket, an ampersand or a caret may be more than itself to one of the two, unless it is escaped.
fn class_literal(it: &Literal) -> Result<(), PatternFault> {
    match (&it.kind, it.c) {
        (LiteralKind::Verbatim, '[' | ']' | '&' | '^' | '~') => {
            Err(PatternFault::Differs("a bracket, &, ^ or ~ in a class without \\"))
        }
        _ => literal(it),
    }
}

fn flags(flags: &Flags) -> Result<(), PatternFault> {
    let common = |kind: &FlagsItemKind| {
        matches!(kind, FlagsItemKind::Negation | FlagsItemKind::Flag(Flag::CaseInsensitive))
    };
    if flags.items.iter().all(|item| common(&item.kind)) {
        Ok(())
    } else {
        Err(PatternFault::Differs("a flag other than i"))
    }
}

/// Refuses repetitions of what may be empty: engines leave such a loop at different moments.
struct Repetitions;

impl hir::Visitor for Repetitions {
    type Output = ();
    type Err = PatternFault;

    fn finish(self) -> Result<(), PatternFault> {
        Ok(())
    }

    fn visit_pre(&mut self, hir: &Hir) -> Result<(), PatternFault> {
        match hir.kind() {
            HirKind::Repetition(it)
                if it.max != Some(1) && it.sub.properties().minimum_len().unwrap_or(0) == 0 =>
            {
                Err(PatternFault::Differs("a repetition of something that may be empty"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(pattern: &str) -> Option<PatternFault> {
        compile(pattern, Covers::Part).err()
    }

    #[test]
    fn what_both_understand_is_taken() {
        for good in [
            r".*@ADMIN\.EXAMPLE",
            "^nn;.*$",
            "x*",
            "a+?b{2,3}",
            "(a|b)(?:c)?",
            r"[A-Za-z0-9_\-.]+",
            "(?i)abc",
            r"\d\w\s\b\B\A\z",
            r"[^@]*",
            r"\@\;",
            "",
            "a|",
            r"[\[\]\&\^]",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
    }

    #[test]
    fn in16_look_around_and_back_references_are_refused() {
        for bad in
            ["(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", "(?>a)", r"\Qa\E", r"\R", "a)", "(", "[a"]
        {
            assert_eq!(fault(bad), Some(PatternFault::Syntax), "{bad}");
        }
    }

    #[test]
    fn what_may_mean_something_else_to_hadoop_is_refused() {
        for bad in [
            "a++",
            "a*+",
            "a?+",
            "a**",
            "a{2}+",
            r"\p{Punct}",
            r"\PL",
            "[a&&b]",
            "[a--b]",
            "[a~~b]",
            "[[:alpha:]]",
            "[a[b]]",
            "[]a]",
            "[a&b]",
            r"\<a",
            r"\b{start}a",
            "(?x) a",
            "(?U)a+",
            "(?s)a",
            "(?P<n>a)",
            "(?<n>a)",
            r"\x41",
            r"[\x41]",
            r"\t",
            "(a*)*",
            "(a|)*",
            "(a?){2}",
            "(|a)+",
        ] {
            assert!(matches!(fault(bad), Some(PatternFault::Differs(_))), "{bad}: {:?}", fault(bad));
        }
    }

    #[test]
    fn what_is_not_ascii_or_too_large_is_refused() {
        assert_eq!(fault("\u{212a}"), Some(PatternFault::Ascii));
        assert_eq!(fault("a\nb"), Some(PatternFault::Ascii));
        assert_eq!(fault("((a{1000}){1000}){1000}"), Some(PatternFault::TooLarge));
        assert_eq!(fault(&["(".repeat(50), ")".repeat(50)].concat()), Some(PatternFault::Syntax));
    }
}
