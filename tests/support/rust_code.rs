//! Rust text without its comments and the insides of its string literals.

/// Replaces comments and string literals by blanks, keeping line ends.
pub fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let end = match rest {
            ['/', '/', ..] => rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['r', '"', ..] | ['r', '#', '"', ..] | ['r', '#', '#', ..]
                if !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') =>
            {
                raw_string(rest)
            }
            ['"', ..] => string(rest),
            // A quote or a brace as a character opens nothing.
            ['\'', '\\', _, '\'', ..] => 4,
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        if end == 0 {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(rest[..end].iter().map(|&c| if c == '\n' { c } else { ' ' }));
            at += end;
        }
    }
    code
}

fn block_comment(rest: &[char]) -> usize {
    let close = rest.windows(2).position(|pair| pair == ['*', '/']);
    close.map_or(rest.len(), |close| close + 2)
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
    let mut at = hashes + 2;
    while at < rest.len() {
        let after = rest[at + 1..].iter().take_while(|&&c| c == '#').count();
        if rest[at] == '"' && after >= hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    rest.len()
}
