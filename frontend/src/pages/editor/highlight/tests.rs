//! Tests of the colours.

use super::*;

/// The parts of a text without white space, as `kind:part`.
fn parts(text: &str) -> Vec<String> {
    let lines = visible(text, 0, usize::MAX).into_iter().flatten();
    let shown = lines.filter(|(_, part)| !part.trim().is_empty());
    shown.map(|(kind, part)| format!("{}:{part}", kind.name())).collect()
}

#[test]
fn keys_and_values_have_their_kinds() {
    let expected = ["key:source", "mark::", "plain:/data/a b.csv", "comment:# nightly"];
    assert_eq!(parts("source: /data/a b.csv # nightly"), expected);
    let expected = ["key:retry", "mark::", "key:factor", "mark::", "constant:1.5", "key:on", "mark::", "constant:true"];
    assert_eq!(parts("retry:\n  factor: 1.5\n  on: true"), expected);
    assert_eq!(parts("url: http://a:1/x#y"), ["key:url", "mark::", "plain:http://a:1/x#y"]);
    assert_eq!(parts("timeout: 30s"), ["key:timeout", "mark::", "plain:30s"]);
    assert_eq!(parts("# a: b"), ["comment:# a: b"]);
    assert_eq!(parts("x"), ["plain:x"]);
}

#[test]
fn lists_and_brackets_have_their_kinds() {
    let expected = ["mark:-", "key:id", "mark::", "plain:copy", "mark:-", "plain:-x"];
    assert_eq!(parts("- id: copy\n- -x"), expected);
    let expected = [
        "mark:-",
        "mark:{",
        "key:id",
        "mark::",
        "plain:a",
        "mark:,",
        "key:needs",
        "mark::",
        "mark:[",
        "plain:b",
        "mark:,",
        "plain:c",
        "mark:]",
        "mark:}",
    ];
    assert_eq!(parts("- { id: a, needs: [b, c] }"), expected);
    assert_eq!(parts("{\n a: b }\nc: d,e")[4..], ["mark:}", "key:c", "mark::", "plain:d,e"]);
    assert_eq!(
        parts("a: &x 1\nb: *x"),
        ["key:a", "mark::", "reference:&x", "constant:1", "key:b", "mark::", "reference:*x"]
    );
}

#[test]
fn quoted_texts_may_hold_anything_and_span_lines() {
    assert_eq!(parts(r#"a: "x: \" # y" # z"#), ["key:a", "mark::", r#"text:"x: \" # y""#, "comment:# z"]);
    assert_eq!(parts("a: 'it''s'"), ["key:a", "mark::", "text:'it''s'"]);
    assert_eq!(parts("\"a b\": 1"), ["key:\"a b\"", "mark::", "constant:1"]);
    assert_eq!(
        parts("a: 'b\n  c: d' \ne: f"),
        ["key:a", "mark::", "text:'b", "text:  c: d'", "key:e", "mark::", "plain:f"]
    );
}

#[test]
fn a_block_of_text_ends_with_its_indentation() {
    let text = "  - run: |-\n      a: b # c\n\n     d\n    next: 1";
    let expected = [
        "mark:-",
        "key:run",
        "mark::",
        "mark:|-",
        "text:      a: b # c",
        "text:     d",
        "key:next",
        "mark::",
        "constant:1",
    ];
    assert_eq!(parts(text), expected);
    assert_eq!(parts("a: | b")[2..], ["plain:| b"]);
}

#[test]
fn expressions_are_found_in_values_and_texts() {
    let expected = ["key:to", "mark::", "plain:/in/", "expression:${{ params.day | raw }}", "plain:/x"];
    assert_eq!(parts("to: /in/${{ params.day | raw }}/x"), expected);
    let expected = ["key:to", "mark::", "text:\"", "expression:${{ a: b }}", "text:\""];
    assert_eq!(parts("to: \"${{ a: b }}\""), expected);
    assert_eq!(parts("a: |\n  ${{ b }}")[3..], ["expression:${{ b }}"]);
    assert_eq!(parts("to: ${{ a"), ["key:to", "mark::", "plain:${{ a"]);
}

#[test]
fn the_parts_of_a_line_are_the_line() {
    for text in [
        "",
        " ",
        "\t- : x",
        "}}",
        "]: {",
        "a:b: ?",
        "é: ü # ñ",
        "- - ? |",
        "'",
        "\"\\",
        "${{",
        "|",
        "> #",
        ":",
        "[:,:]",
        "& *",
    ] {
        let lines = visible(text, 0, 1);
        let joined: String = lines.into_iter().flatten().map(|(_, part)| part).collect();
        assert_eq!(joined, text);
    }
}

#[test]
fn lines_before_the_visible_ones_count() {
    let text = "a: |\n  b: c\n  d: e\nf: g";
    assert_eq!(visible(text, 2, 1), [vec![(Kind::Text, "  d: e".to_owned())]]);
    assert_eq!(visible(text, 3, 9)[0][0], (Kind::Key, "f".to_owned()));
    assert_eq!(visible(text, 9, 9), Vec::<Vec<(Kind, String)>>::new());
}

#[test]
fn the_key_of_a_value_is_found() {
    let text = "a: b\n- { c: d, e: f }";
    let key = |part: &str| key_at(text, text.find(part).unwrap()).map(|(at, key)| (&text[at..=at], key));
    assert_eq!(key("a"), Some(("a", "a")));
    assert_eq!(key("b"), Some(("a", "a")));
    assert_eq!(key("d"), Some(("c", "c")));
    assert_eq!(key("e"), Some(("e", "e")));
    assert_eq!(key("- {"), None);
    assert_eq!(key_at(text, 99), None);
}

/// Without bounds in the code, each of these texts takes minutes.
#[test]
fn the_longest_text_is_read_at_once() {
    for piece in ["${{", "${{ ", "[${{,", "'a' ", "\"", "[", "a: ", "- ", "#", "a: b\n", "a: |\n", "&", "'${{ '", "|1"]
    {
        let text = piece.repeat(256 * 1024 / piece.len());
        let lines = visible(&text, 0, usize::MAX);
        assert!(lines.iter().all(|parts| parts.len() <= MOST_PARTS), "{piece}");
        key_at(&text, text.len());
    }
}
