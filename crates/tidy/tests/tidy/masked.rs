//! Rust source with comments and literals blanked, so that what is left are code and its braces.

/// `text` with every comment, string and character literal replaced by spaces, byte for byte;
/// line ends stay.
pub(crate) fn masked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        match hidden_length(bytes, at) {
            0 => at += 1,
            length => {
                let end = (at + length).min(bytes.len());
                for byte in &mut out[at..end] {
                    if *byte != b'\n' {
                        *byte = b' ';
                    }
                }
                at = end;
            }
        }
    }
    // Outside comments and literals there may be letters beyond ASCII; they stay whole.
    String::from_utf8(out).expect("whole characters are blanked or kept")
}

/// How many bytes the comment or literal that starts at `at` has; 0 when none starts there.
fn hidden_length(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest),
        [b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 2),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at + 1 < rest.len() {
        match &rest[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8]) -> usize {
    let quote = rest[0];
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    let start = prefix + hashes + 1;
    // `r#name` is a raw identifier.
    if rest.get(start - 1) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'"'];
    end.resize(hashes + 1, b'#');
    let length = rest[start..]
        .windows(end.len())
        .position(|window| window == end);
    length.map_or(rest.len(), |length| start + length + end.len())
}

/// A character literal is closed soon; a lifetime is not closed at all.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        return quoted(rest);
    }
    let width = match rest.get(1) {
        Some(0x00..=0x7f) => 1,
        Some(0x80..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..) => 4,
        None => return 0,
    };
    if rest.get(width + 1) == Some(&b'\'') {
        width + 2
    } else {
        0
    }
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line of its `fn`, from 1.
    pub(crate) line: usize,
    /// From its `fn` to its closing brace.
    pub(crate) lines: usize,
}

/// Every function with a body in source that was [`masked`].
pub(crate) fn functions(masked: &str) -> Vec<Function> {
    let starts = masked.match_indices("fn ").map(|(at, _)| at);
    starts.filter_map(|at| function_at(masked, at)).collect()
}

fn function_at(masked: &str, at: usize) -> Option<Function> {
    let is_word = |found: char| found.is_alphanumeric() || found == '_';
    if masked[..at].ends_with(is_word) {
        return None;
    }
    let name = masked[at + 3..].split(|found| !is_word(found)).next()?;
    let open = body(&masked[at..])? + at;
    let length = closing(&masked[open..])?;
    Some(Function {
        name: name.to_owned(),
        line: masked[..at].matches('\n').count() + 1,
        lines: masked[at..open + length].matches('\n').count() + 1,
    })
}

/// Where the body opens: the first brace outside the parameters; a `;` before it ends a declaration.
fn body(function: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, found) in function.char_indices() {
        match found {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn closing(block: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, found) in block.char_indices() {
        match found {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_not() {
    for (source, code) in [
        ("a // { b", "a"),
        ("a /* { /* } */ */ b", "a b"),
        (r#"f("{\"}") + 1"#, "f( ) + 1"),
        (r##"f(r#"{""#, br"{")"##, "f( , )"),
        ("r#match {", "r#match {"),
        ("f('{', '\\'', 'é')", "f( , , )"),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("\"{\n{\" {", "{"),
    ] {
        let masked = masked(source);
        assert_eq!(masked.len(), source.len(), "{source}");
        assert_eq!(masked.lines().count(), source.lines().count(), "{source}");
        let words: Vec<&str> = masked.split_whitespace().collect();
        assert_eq!(words.join(" "), code, "{source}");
    }
}

#[test]
fn a_function_is_measured_from_its_name_to_its_closing_brace() {
    let source = "trait T { fn declared(&self) -> [u8; 2]; }\n\
                  type F = fn (u8);\n\
                  fn one() {}\n\
                  fn four(x: [u8; 3])\n{\n    if x { \"}\" }\n}\n";
    let expected = [("one", 3, 1), ("four", 4, 4)].map(|(name, line, lines)| Function {
        name: name.to_owned(),
        line,
        lines,
    });
    assert_eq!(functions(&masked(source)), expected);
}
