//! Billing knows no floating point.

use std::fs;

use lattice_lock_tests::{Test, Workspace, rust_files, test};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test!(billing_has_no_floats),
        test!(a_float_is_seen_and_a_mention_is_not),
    ]
}

fn billing_has_no_floats() {
    let folder = &Workspace::read().package("lattice-lock-billing").folder;
    for file in rust_files(folder) {
        let source = fs::read_to_string(&file).expect("a source can be read");
        assert_eq!(float(&source), None, "{}", file.display());
    }
}

fn a_float_is_seen_and_a_mention_is_not() {
    let check = |source: &str, found: bool| assert_eq!(float(source).is_some(), found, "{source}");
    check("fn f(a: f64) {}", true);
    check("fn f() { let a = g() as f32; }", true);
    check("const A: u8 = 1e3 as u8;", true);
    check("fn f() { let a = 0.5; }", true);
    check("fn f() { assert_eq!(a, 1.0); }", true);
    check("// Not an f64.\nconst A: (u8, u8) = (1, 0xf64);", false);
    check("fn f() { let a = (0, (1, 2)); a.1.0; \"1.0\"; }", false);
}

/// The first float, by its type or as a literal; also in the arguments of a macro, which are only tokens.
fn float(source: &str) -> Option<String> {
    let file = syn::parse_file(source).expect("what compiles can be parsed");
    let mut tokens = Vec::new();
    flatten(file.to_token_stream(), &mut tokens);
    let before = std::iter::once("").chain(tokens.iter().map(String::as_str));
    // After a point, `1.0` is two fields of a tuple.
    let is_float = |(before, token): &(&str, &String)| match token.as_str() {
        "f32" | "f64" => true,
        literal => *before != "." && syn::parse_str::<syn::LitFloat>(literal).is_ok(),
    };
    before
        .zip(&tokens)
        .find(is_float)
        .map(|(_, token)| token.clone())
}

fn flatten(stream: TokenStream, tokens: &mut Vec<String>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => flatten(group.stream(), tokens),
            other => tokens.push(other.to_string()),
        }
    }
}
