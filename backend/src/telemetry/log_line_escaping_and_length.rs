//! Log lines: each event is one line of bounded length without unprintable characters, whatever client input it quotes.
//!
//! The writer sees the formatted event as a whole, so no field, message, span or error of any crate can bypass it.

use std::io::{self, Write};

use mftplus_protocol::characters::is_unprintable;
use tracing_subscriber::fmt::MakeWriter;

/// The longest line, in bytes. A longer event is cut and says so.
const MAX_LINE: usize = 16 * 1024;
/// The longest string inside a JSON event that is cut, in characters.
const MAX_TEXT: usize = 1024;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Text without colours.
    Plain,
    /// Text with the colours of a terminal.
    Coloured,
    /// One JSON object per event.
    Json,
}

/// Creates a [`LineWriter`] for each event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<M> {
    inner: M,
    form: Form,
}

impl<M> Lines<M> {
    pub(super) const fn new(inner: M, form: Form) -> Self {
        Self { inner, form }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Lines<M> {
    type Writer = LineWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter { inner: self.inner.make_writer(), form: self.form }
    }
}

/// Writes one event as one line.
#[derive(Debug)]
pub(super) struct LineWriter<W> {
    inner: W,
    form: Form,
}

impl<W: Write> Write for LineWriter<W> {
    /// Writes one event. The formatting layer writes each event with one call, so `event` is complete.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.inner.write_all(line(&String::from_utf8_lossy(event), self.form).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Formats an event as one line that ends with a line feed.
fn line(event: &str, form: Form) -> String {
    let event = event.strip_suffix('\n').unwrap_or(event);
    let shortened = if form == Form::Json && event.len() > MAX_LINE { shortened(event) } else { None };
    let event = shortened.as_deref().unwrap_or(event);
    let mut line = String::with_capacity(event.len() + 1);
    let mut rest = event;
    while let Some(c) = rest.chars().next() {
        if form != Form::Json && line.len() >= MAX_LINE {
            line.push_str("… (");
            line.push_str(&rest.len().to_string());
            line.push_str(" bytes more)");
            break;
        }
        let colour = if form == Form::Coloured { colour(rest) } else { 0 };
        if colour > 0 {
            line.push_str(&rest[..colour]);
            rest = &rest[colour..];
            continue;
        }
        if is_unprintable(c) {
            escape(&mut line, c, form);
        } else {
            line.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    line.push('\n');
    line
}

/// The length of the colour sequence that the text begins with, or 0.
fn colour(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else { return 0 };
    let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    if digits <= 16 && rest.as_bytes().get(digits) == Some(&b'm') { digits + 3 } else { 0 }
}

fn escape(line: &mut String, c: char, form: Form) {
    let escaped = match (form, c) {
        // Inside a JSON string, the only place where the format leaves such a character as it is.
        (Form::Json, _) => format!("\\u{:04x}", u32::from(c)),
        (_, '\n') => "\\n".to_owned(),
        (_, '\r') => "\\r".to_owned(),
        (_, '\t') => "\\t".to_owned(),
        _ => format!("\\u{{{:x}}}", u32::from(c)),
    };
    line.push_str(&escaped);
}

/// A JSON event with its long strings cut off; the result is still JSON.
fn shortened(event: &str) -> Option<String> {
    let mut value: serde_json::Value = serde_json::from_str(event).ok()?;
    shorten(&mut value);
    let text = value.to_string();
    if text.len() <= MAX_LINE {
        return Some(text);
    }
    let bytes = event.len();
    let (level, target, request) = (&value["level"], &value["target"], request_id(&value));
    Some(serde_json::json!({ "level": level, "target": target, "request.id": request, "bytes": bytes }).to_string())
}

/// The id of the request that a JSON event belongs to.
fn request_id(event: &serde_json::Value) -> Option<&serde_json::Value> {
    event["spans"].as_array()?.iter().find_map(|span| span.get("request.id"))
}

fn shorten(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
                let more = format!("… ({} bytes more)", text.len() - end);
                text.truncate(end);
                text.push_str(&more);
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(shorten),
        serde_json::Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::{fmt, prelude::*};

    use super::*;

    /// Text with which a client could try to forge a second line.
    const FORGED: &str = "a\nb\r\u{b}\u{c}c\u{85}d\u{2028}e\u{2029}f\u{202e}g\u{1b}[2Jh\u{0}\u{7f}";

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(form: Form, log: impl FnOnce()) -> String {
        let written = Written::default();
        let sink = written.clone();
        let layer = fmt::layer().with_writer(Lines::new(move || sink.clone(), form)).with_ansi(form == Form::Coloured);
        let registry = tracing_subscriber::registry();
        if form == Form::Json {
            tracing::subscriber::with_default(registry.with(layer.json()), log);
        } else {
            tracing::subscriber::with_default(registry.with(layer), log);
        }
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn quote(text: &str) {
        let error = crate::error::Error::Invalid(text.to_owned());
        let span = tracing::error_span!("span", inside = text, shown = %text);
        let _entered = span.enter();
        tracing::error!(
            quoted = text, shown = %text, debug = ?text, error = &error as &dyn std::error::Error, "message {text}"
        );
    }

    #[rstest::rstest]
    #[case(Form::Plain)]
    #[case(Form::Coloured)]
    #[case(Form::Json)]
    fn an_event_is_one_line_whatever_its_fields_quote(#[case] form: Form) {
        let text = logged(form, || quote(FORGED));
        let line = text.strip_suffix('\n').unwrap();
        let is_colour = |c: char| form == Form::Coloured && c == '\u{1b}';
        assert!(!line.chars().any(|c| is_unprintable(c) && !is_colour(c)), "{line:?}");
        assert!(!line.contains("\u{1b}[2J"), "{line:?}");
        if form == Form::Json {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(event["fields"]["quoted"], FORGED);
        }
    }

    #[rstest::rstest]
    #[case(Form::Plain)]
    #[case(Form::Json)]
    fn a_line_that_is_cut_keeps_the_id_of_its_request(#[case] form: Form) {
        let text = logged(form, || {
            let request = tracing::error_span!("request", request.id = "from-a-client");
            request.in_scope(|| quote(&"x\n".repeat(60_000)));
        });
        assert!(text.contains("from-a-client"), "{text}");
        // Cutting the strings is not enough where there are many.
        let texts = vec!["x".repeat(MAX_TEXT); 20];
        let spans = serde_json::json!([{ "name": "request", "request.id": "from-a-client" }, { "name": "inner" }]);
        let event = serde_json::json!({ "level": "ERROR", "target": "backend", "fields": texts, "spans": spans });
        let kept: serde_json::Value = serde_json::from_str(&shortened(&event.to_string()).unwrap()).unwrap();
        assert_eq!((&kept["request.id"], kept.get("fields")), (&serde_json::json!("from-a-client"), None));
    }

    #[rstest::rstest]
    #[case(Form::Plain)]
    #[case(Form::Json)]
    fn a_line_is_bounded(#[case] form: Form) {
        let text = logged(form, || quote(&"x\n".repeat(60_000)));
        assert!(text.len() < MAX_LINE + 100 && text.contains("bytes"), "{}", text.len());
        assert_eq!(text.lines().count(), 1);
        if form == Form::Json {
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
