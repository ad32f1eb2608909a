//! The parser with random texts. The files in `__fuzz__/.../corpus` come first, as they are; then random bytes, each
//! time as themselves, as words of the language, and as edits of a valid definition.
//!
//! `BOLERO_RANDOM_SEED` repeats a failure, `BOLERO_RANDOM_TEST_TIME_MS` with `BOLERO_RANDOM_ITERATIONS` makes the test
//! longer, and `cargo xtask soak` runs it for a minute. Texts that it finds are kept in the corpus.

use crate::{cases, expensive_texts::check, random::texts};

#[test]
fn no_text_whatever_breaks_the_parser() {
    let good: Vec<String> = cases().into_iter().filter(crate::Case::is_good).map(|case| case.text).collect();
    bolero::check!().with_iterations(2_000).with_max_len(512).for_each(|bytes: &[u8]| {
        for text in texts(bytes, &good) {
            check(&text);
        }
    });
}

#[test]
fn a_short_definition_cut_off_anywhere_is_answered() {
    for case in cases().into_iter().filter(|case| case.text.len() < 300) {
        for (end, _) in case.text.char_indices() {
            check(&case.text[..end]);
        }
    }
}
