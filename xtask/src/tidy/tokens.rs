//! Rust source as a flat list of tokens, so that a rule sees code and neither comments nor strings.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token with the line it stands on, counted from 1.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// Flattens source text; delimiters are tokens like any other, doc comments are dropped.
///
/// `None` when the text is not Rust.
pub(super) fn flatten(source: &str) -> Option<Vec<Token>> {
    let stream: TokenStream = source.parse().ok()?;
    let mut tokens = Vec::new();
    push_all(stream, &mut tokens);
    Some(tokens)
}

fn push_all(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let last = group.span_close().start().line;
                tokens.push(Token { text: open.to_owned(), line });
                push_all(group.stream(), tokens);
                tokens.push(Token { text: close.to_owned(), line: last });
            }
            leaf => tokens.push(Token { text: leaf.to_string(), line }),
        }
    }
}

/// Where a pattern, written as source with its tokens apart by spaces, begins in the list.
pub(super) fn find<'a>(tokens: &'a [Token], pattern: &str) -> impl Iterator<Item = usize> + use<'a> {
    let wanted: Vec<String> = pattern.split(' ').map(str::to_owned).collect();
    tokens
        .windows(wanted.len())
        .enumerate()
        .filter(move |(_, window)| window.iter().zip(&wanted).all(|(token, wanted)| token.text == *wanted))
        .map(|(at, _)| at)
}

/// The tokens before the file's own test module.
pub(super) fn before_tests(tokens: &[Token]) -> &[Token] {
    let end = find(tokens, "# [ cfg ( test ) ] mod").next().unwrap_or(tokens.len());
    tokens.get(..end).unwrap_or(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_not_code() {
        let tokens =
            flatten("// todo!()\n/* todo!() */\nconst A: &str = \"todo!()\";\nfn f() { todo!() }").unwrap();
        let at: Vec<usize> = find(&tokens, "todo !").collect();
        assert_eq!(at.len(), 1);
        assert_eq!(tokens[at[0]].line, 4);
    }

    #[test]
    fn test_modules_are_cut_off() {
        let tokens = flatten("fn f() {}\n#[cfg(test)]\nmod tests { fn g() { Code::Ok } }").unwrap();
        assert_eq!(find(&tokens, "Code : :").count(), 1);
        assert_eq!(find(before_tests(&tokens), "Code : :").count(), 0);
    }

    #[test]
    fn text_that_is_not_rust_is_refused() {
        assert!(flatten("fn f( {").is_none());
    }
}
