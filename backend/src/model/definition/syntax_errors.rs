//! Messages for the errors of the YAML parser, which say what to write instead.

use granit_parser::ErrorKind;
use mftplus_protocol::characters::turns_direction;

/// How deep mappings and lists may nest.
pub(super) const MAX_DEPTH: usize = 32;

/// Whether a character is invisible or changes the display of the text around it, and is therefore not allowed in a
/// definition: control characters and characters that change the reading direction.
pub(super) fn is_hidden(c: char) -> bool {
    let is_control = c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{85}');
    turns_direction(c) || is_control || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The message for an error of the parser.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn message(kind: &ErrorKind) -> String {
    use ErrorKind as Kind;
    let said = match kind {
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart
        | Kind::TabInPlainScalar => "a tab cannot stand here: indent with spaces",
        Kind::InvalidIndentation
        | Kind::InvalidBlockScalarIndent
        | Kind::InvalidQuotedScalarIndent
        | Kind::InvalidFlowScalarIndent => {
            "this line is not indented like those it belongs to: begin it at the same column as they do"
        }
        Kind::UnclosedQuotedScalar => "the quote that begins here does not end: add the other one",
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => {
            "nothing can follow the closing quote here: put all of the text in quotes, and double a quote within 'single' ones"
        }
        Kind::DocumentIndicatorInQuotedScalar => "a line of text in quotes cannot begin with `---` or `...`: indent it",
        Kind::UnknownQuotedScalarEscape
        | Kind::InvalidQuotedScalarHexEscape
        | Kind::InvalidLowSurrogateHexEscape
        | Kind::InvalidLowSurrogate
        | Kind::MissingLowSurrogate
        | Kind::UnpairedLowSurrogate
        | Kind::InvalidUnicodeEscape => {
            "between double quotes a backslash begins an escape, and this is none: write text with backslashes in single \
             quotes, such as 'C:\\data'"
        }
        Kind::UnclosedFlowCollection { open: '[' }
        | Kind::UnexpectedEofFlowSequence
        | Kind::ExpectedFlowSequenceSeparator => {
            "the list that began with `[` goes on or ends here: separate its items with `,` and close it with `]`"
        }
        Kind::UnclosedFlowCollection { .. }
        | Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofImplicitFlowMapping
        | Kind::ExpectedFlowMappingSeparator => {
            "the mapping that began with `{` goes on or ends here: separate its entries with `,` and close it with `}`"
        }
        Kind::MismatchedFlowCollectionEnd { open, close } => {
            return format!("`{close}` closes what began with `{open}`: use the bracket that belongs to it");
        }
        Kind::MisplacedFlowCollectionEnd => {
            "this bracket closes nothing: remove it, or put text that holds it in quotes"
        }
        Kind::BlockEntryInFlowCollection | Kind::PlainScalarStartsWithDashFlowIndicator => {
            "between brackets a list has no `-`: separate its items with `,`"
        }
        Kind::ExpectedBlockSequenceEntry
        | Kind::BlockSequenceEntryNotAllowed
        | Kind::InvalidBlockEntryWhitespace
        | Kind::UnexpectedEofBlockSequence => {
            "this line belongs to nothing above it: items of a list begin with `- ` at one column, and the keys of an item \
             stand at one column, too"
        }
        Kind::MappingValueNotAllowed | Kind::MappingKeyNotAllowed | Kind::InvalidColonPlacement => {
            "a key cannot stand here: begin it on a line of its own at the column of the keys beside it, write a space behind \
             the `:` of the line above, or put text that holds `: ` in quotes"
        }
        Kind::SimpleKeyExpected
        | Kind::InvalidSimpleKey
        | Kind::ExpectedBlockMappingKey
        | Kind::UnexpectedEofBlockMapping => "expected `key: value`: is there a `:` with a space behind the key?",
        Kind::ExpectedWhitespace | Kind::InvalidMappingValueWhitespace | Kind::FlowMappingValueAdjacentCollection => {
            "a space is missing here: write `key: value`"
        }
        Kind::CommentNotSeparated | Kind::CommentInterceptedScalar => {
            "a comment needs a space before its `#`, and cannot stand within text: put text that holds `#` in quotes"
        }
        Kind::ExpectedNodeContent | Kind::UnexpectedEndOfPlainScalar | Kind::UnexpectedEof => {
            "a value was expected here: write one, or put text that begins with a special character in quotes"
        }
        Kind::UnexpectedCharacter { character } => {
            return format!("text cannot begin with `{character}`: put it in quotes");
        }
        Kind::InvalidBlockScalarHeader | Kind::ZeroBlockScalarIndent => {
            "behind `|` or `>` the line ends: begin the text on the next line, indented"
        }
        Kind::DirectiveDisallowed => {
            "a line that begins with `%` is a directive, which means nothing here: remove it, or put the text in quotes"
        }
        Kind::BomInsideDocument => "the character U+FEFF cannot be seen: remove it",
        Kind::MissingAnchorOrAliasName => "text cannot begin with `&` or `*`: put it in quotes",
        Kind::ExpectedTagBang
        | Kind::InvalidGlobalTagCharacter
        | Kind::UndeclaredTagHandle
        | Kind::InvalidTagTerminator
        | Kind::MissingTagUri
        | Kind::UnclosedVerbatimTag
        | Kind::InvalidTagEscape
        | Kind::InvalidTagUtf8LeadingByte
        | Kind::InvalidTagUtf8TrailingByte
        | Kind::InvalidTagUtf8 => "text cannot begin with `!`: put it in quotes",
        Kind::InvalidDocumentEnd | Kind::ExpectedDocumentStart => {
            "the definition ended before this: remove the `...` above, or indent this line"
        }
        Kind::RecursionLimitExceeded => {
            return format!("this stands more than {MAX_DEPTH} levels deep: a definition needs five at most");
        }
        other => return format!("this is not YAML ({other}): compare the line with the example in the documentation"),
    };
    said.to_owned()
}
