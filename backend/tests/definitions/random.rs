//! Texts made of random bytes.

/// Words of the language and of YAML.
const WORDS: [&str; 64] = [
    "source",
    "destination",
    "steps",
    "id",
    "type",
    "needs",
    "when",
    "agent",
    "retry",
    "timeout",
    "parameters",
    "schedule",
    "timezone",
    "transfer",
    "delete",
    "webhook",
    "checksum",
    "path",
    "url",
    "body",
    "protocol",
    "sftp",
    "host",
    "port",
    "maxAttempts",
    "30s",
    "\"0 2 * * *\"",
    "UTC",
    ": ",
    ":\n",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "  - ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<",
    "!!str ",
    "#",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "${{ params.x }}",
    "${{",
    "}}",
    "sftp://u:p@h/x",
    "\t",
    "\r\n",
    "\u{feff}",
    "~",
    "1e9",
    "\\",
    "/data/in",
];

/// The texts that the bytes stand for.
pub(crate) fn texts(bytes: &[u8], good: &[String]) -> Vec<String> {
    let raw = String::from_utf8_lossy(bytes).into_owned();
    let words = bytes.iter().map(|byte| WORDS[usize::from(*byte) % WORDS.len()]).collect();
    vec![raw, words, edited(bytes, good)]
}

/// A valid definition with some characters removed, inserted or doubled.
fn edited(bytes: &[u8], good: &[String]) -> String {
    let mut bytes = bytes.iter().copied().map(usize::from);
    let mut next = || bytes.next();
    let mut text: Vec<char> = good[next().unwrap_or(0) % good.len()].chars().collect();
    while let (Some(high), Some(low), Some(what)) = (next(), next(), next()) {
        let at = (high * 256 + low) % (text.len() + 1);
        match what % 4 {
            0 => drop(text.splice(at.min(text.len())..(at + 1 + what / 32).min(text.len()), [])),
            1 => drop(text.splice(at..at, WORDS[what / 4 % WORDS.len()].chars())),
            2 => drop(text.splice(at..at, [char::from(u8::try_from(what).unwrap_or(0))])),
            _ => {
                let copied: Vec<char> = text[at..(at + what).min(text.len())].to_vec();
                drop(text.splice(at..at, copied));
            }
        }
    }
    text.into_iter().collect()
}
