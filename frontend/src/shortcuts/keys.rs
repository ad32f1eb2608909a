//! Converts pressed keys, and sequences of keys, into commands. Pure.

/// The maximum time until the second key of a sequence, in milliseconds.
const SEQUENCE: i64 = 1500;

/// The command of a key or a sequence of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Opens the palette.
    OpenPalette,
    /// Moves the focus to the search of the page.
    Search,
    /// Shows the list of keys.
    ListKeys,
    /// Goes to the page with this key.
    Go(char),
}

/// The modifier keys that are held while a key is pressed. Shift is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modifiers {
    None,
    /// Ctrl, or Cmd on a Mac, alone.
    Command,
    Other,
}

/// A pressed key.
pub(super) struct Press<'a> {
    /// The key as browsers name it: `k`, `?`, `Shift`.
    pub(super) key: &'a str,
    pub(super) modifiers: Modifiers,
    /// Whether the key is typed into a field.
    pub(super) is_typing: bool,
    /// The time, in milliseconds.
    pub(super) at: i64,
}

/// The state of a sequence of keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    /// When `g` was pressed, if it was the last key.
    began_at: Option<i64>,
}

impl Keys {
    /// Handles a pressed key and returns its command, if it has one. Without `single_keys`, keys without Ctrl or Cmd
    /// have no command.
    pub(super) fn press(&mut self, press: &Press<'_>, single_keys: bool) -> Option<Command> {
        if press.key == "Shift" {
            return None;
        }
        let began_at = self.began_at.take();
        let mut characters = press.key.chars();
        let (Some(key), None) = (characters.next(), characters.next()) else { return None };
        if press.is_typing {
            return None;
        }
        match press.modifiers {
            Modifiers::Command => key.eq_ignore_ascii_case(&'k').then_some(Command::OpenPalette),
            Modifiers::None if single_keys => {
                if began_at.is_some_and(|began_at| press.at - began_at < SEQUENCE) {
                    return Some(Command::Go(key.to_ascii_lowercase()));
                }
                match key {
                    '/' => Some(Command::Search),
                    '?' => Some(Command::ListKeys),
                    'g' | 'G' => {
                        self.began_at = Some(press.at);
                        None
                    }
                    _ => None,
                }
            }
            Modifiers::None | Modifiers::Other => None,
        }
    }
}

/// Whether an element with this tag and type takes pressed keys as input: a text field, or a list of options.
pub(super) fn is_field(tag: &str, kind: &str) -> bool {
    const WITHOUT_TEXT: [&str; 8] = ["button", "checkbox", "color", "file", "image", "radio", "reset", "submit"];
    match tag {
        "INPUT" => !WITHOUT_TEXT.contains(&kind),
        "TEXTAREA" | "SELECT" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Option<Command> = None;

    fn press(key: &str, at: i64) -> Press<'_> {
        Press { key, modifiers: Modifiers::None, is_typing: false, at }
    }

    fn all(presses: &[Press<'_>], single_keys: bool) -> Vec<Option<Command>> {
        let mut keys = Keys::default();
        presses.iter().map(|press| keys.press(press, single_keys)).collect()
    }

    #[test]
    fn single_keys_search_and_list() {
        assert_eq!(
            all(&[press("/", 0), press("?", 1), press("x", 2)], true),
            [Some(Command::Search), Some(Command::ListKeys), None]
        );
    }

    #[test]
    fn g_and_a_letter_go_to_a_page() {
        assert_eq!(all(&[press("g", 0), press("t", 1000)], true), [None, Some(Command::Go('t'))]);
        assert_eq!(all(&[press("g", 0), press("Shift", 1), press("T", 2)], true)[2], Some(Command::Go('t')));
    }

    #[test]
    fn a_sequence_ends_after_a_while_and_with_any_other_key() {
        assert_eq!(all(&[press("g", 0), press("t", 1500)], true), [NOTHING; 2]);
        assert_eq!(all(&[press("g", 0), press("Tab", 1), press("t", 2)], true), [NOTHING; 3]);
        assert_eq!(all(&[press("g", 0), press("t", 1), press("t", 2)], true)[2], NOTHING);
    }

    #[test]
    fn nothing_happens_while_typing() {
        let typed = |key, modifiers| Press { modifiers, is_typing: true, ..press(key, 0) };
        let presses = [typed("/", Modifiers::None), typed("g", Modifiers::None), typed("k", Modifiers::Command)];
        assert_eq!(all(&presses, true), [NOTHING; 3]);
        assert_eq!(all(&[press("g", 0), typed("t", Modifiers::None), press("t", 1)], true), [NOTHING; 3]);
    }

    #[test]
    fn the_switch_leaves_the_palette_alone() {
        let command = Press { modifiers: Modifiers::Command, ..press("K", 3) };
        let presses = [press("/", 0), press("g", 1), press("t", 2), command, press("?", 4)];
        assert_eq!(all(&presses, false), [None, None, None, Some(Command::OpenPalette), None]);
    }

    #[test]
    fn other_modifiers_are_for_the_browser() {
        for key in ["/", "?", "k", "g"] {
            let press = Press { modifiers: Modifiers::Other, ..press(key, 0) };
            assert_eq!(all(&[press], true), [NOTHING], "{key}");
        }
        let command = Press { modifiers: Modifiers::Command, ..press("/", 0) };
        assert_eq!(all(&[command], true), [NOTHING]);
    }

    #[test]
    fn fields_are_elements_that_take_keys() {
        for (tag, kind) in [("INPUT", ""), ("INPUT", "search"), ("INPUT", "date"), ("TEXTAREA", ""), ("SELECT", "")] {
            assert!(is_field(tag, kind), "{tag} {kind}");
        }
        for (tag, kind) in [("INPUT", "radio"), ("INPUT", "checkbox"), ("BUTTON", "submit"), ("A", ""), ("BODY", "")] {
            assert!(!is_field(tag, kind), "{tag} {kind}");
        }
    }
}
