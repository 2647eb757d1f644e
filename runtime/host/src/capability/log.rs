//! `truthsource:log`: bounded lines for the component's author and tenant.

use crate::bindings::connector::truthsource::log::logger as wit;
use crate::record::{LogLine, Severity};
use crate::scrub::Scrubber;
use crate::state::HostState;

/// The longest line, in bytes; a longer one is cut. A page of JSON is no log line.
pub const LINE_BYTES_MAX: usize = 4_096;

/// The kept lines of one call.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) lines: Vec<LogLine>,
    pub(crate) dropped: u32,
    bytes: usize,
}

impl Kept {
    /// Keeps one line, if the call's `bytes_max` still has room for it; else counts it.
    pub(crate) fn keep(&mut self, severity: Severity, text: &str, bytes_max: usize, scrubber: Option<&Scrubber>) {
        // A guest that logs in a loop must not cost more than the counting.
        if self.bytes >= bytes_max {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let message = clean(text, scrubber);
        if self.bytes + message.len() > bytes_max {
            self.dropped = self.dropped.saturating_add(1);
            self.bytes = bytes_max;
            return;
        }
        // Every line costs something, so that empty ones are bounded too.
        self.bytes += message.len().max(16);
        self.lines.push(LogLine { level: severity, message });
    }
}

/// Cut, with known secrets removed and control characters escaped: no terminal codes, no invented second line.
fn clean(text: &str, scrubber: Option<&Scrubber>) -> String {
    // Scrub before cutting: a cut secret would no longer be known.
    let scrubbed = scrubber.map(|it| it.text(text));
    let text = scrubbed.as_deref().unwrap_or(text);
    let mut out = String::with_capacity(text.len().min(LINE_BYTES_MAX));
    for letter in text.chars() {
        if out.len() >= LINE_BYTES_MAX {
            out.push('…');
            break;
        }
        if letter.is_control()
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

impl wit::Host for HostState {
    async fn log(&mut self, level: wit::Level, message: String) -> wasmtime::Result<()> {
        self.count_host_call()?;
        let severity = match level {
            wit::Level::Debug => Severity::Debug,
            wit::Level::Info => Severity::Info,
            wit::Level::Warn => Severity::Warn,
            wit::Level::Error => Severity::Error,
        };
        self.log_line(severity, &message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g15_a_line_cannot_forge_another_or_speak_to_a_terminal() {
        assert_eq!(clean("a\nERROR fake \u{1b}[31m", None), "a\\nERROR fake \\u{1b}[31m");
        assert_eq!(clean("abc\u{202e}cba", None), "abc\\u{202e}cba");
    }

    #[test]
    fn g15_lines_over_the_limit_are_dropped_and_counted() {
        let mut kept = Kept::default();
        for _ in 0..1_000 {
            kept.keep(Severity::Info, &"x".repeat(100), 1_000, None);
        }
        assert_eq!((kept.lines.len(), kept.dropped), (10, 990));
        let mut kept = Kept::default();
        kept.keep(Severity::Info, &"x".repeat(1 << 20), 16_384, None);
        assert!(kept.lines[0].message.len() < LINE_BYTES_MAX + 8);
    }

    #[test]
    fn g15_secrets_do_not_reach_the_lines() {
        let scrubber = Scrubber::new(["shpat_0123456789"]);
        assert_eq!(clean("token=shpat_0123456789!", Some(&scrubber)), "token=***!");
    }
}
