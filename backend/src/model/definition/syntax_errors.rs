//! Messages for the errors of the YAML parser, which say what to write instead.

use granit_parser::ErrorKind;
use mftplus_protocol::characters::turns_direction;

/// The maximum number of nested levels of mappings and lists.
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
        | Kind::TabInPlainScalar => "a tab is not allowed here: indent with spaces",
        Kind::InvalidIndentation
        | Kind::InvalidBlockScalarIndent
        | Kind::InvalidQuotedScalarIndent
        | Kind::InvalidFlowScalarIndent => {
            "this line is not indented like the lines that it belongs to: begin it at their column"
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
            "a backslash in double quotes begins an escape, and this is not a valid one: write text with backslashes \
             in single quotes, such as 'C:\\data'"
        }
        Kind::UnclosedFlowCollection { open: '[' }
        | Kind::UnexpectedEofFlowSequence
        | Kind::ExpectedFlowSequenceSeparator => {
            "the list that began with `[` needs a `,` or a `]` here: separate its items with `,` and close it with `]`"
        }
        Kind::UnclosedFlowCollection { .. }
        | Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofImplicitFlowMapping
        | Kind::ExpectedFlowMappingSeparator => {
            "the mapping that began with `{` needs a `,` or a `}` here: separate its entries with `,` and close it \
             with `}`"
        }
        Kind::MismatchedFlowCollectionEnd { open, close } => {
            return format!("`{close}` does not match `{open}`: use the matching bracket");
        }
        Kind::MisplacedFlowCollectionEnd => {
            "this closing bracket has no opening bracket: remove it, or put text that contains it in quotes"
        }
        Kind::BlockEntryInFlowCollection | Kind::PlainScalarStartsWithDashFlowIndicator => {
            "a list in brackets has no `-`: separate its items with `,`"
        }
        Kind::ExpectedBlockSequenceEntry
        | Kind::BlockSequenceEntryNotAllowed
        | Kind::InvalidBlockEntryWhitespace
        | Kind::UnexpectedEofBlockSequence => {
            "this line does not belong to the lines above it: begin the items of a list with `- ` at one column, and \
             the keys of an item at one column, too"
        }
        Kind::MappingValueNotAllowed | Kind::MappingKeyNotAllowed | Kind::InvalidColonPlacement => {
            "a key is not allowed here: begin it on a new line at the column of the other keys, write a space after \
             the `:` of the line above, or put text that contains `: ` in quotes"
        }
        Kind::SimpleKeyExpected
        | Kind::InvalidSimpleKey
        | Kind::ExpectedBlockMappingKey
        | Kind::UnexpectedEofBlockMapping => "expected `key: value`: is there a `:` and a space after the key?",
        Kind::ExpectedWhitespace | Kind::InvalidMappingValueWhitespace | Kind::FlowMappingValueAdjacentCollection => {
            "a space is missing here: write `key: value`"
        }
        Kind::CommentNotSeparated | Kind::CommentInterceptedScalar => {
            "a comment needs a space before its `#`, and is not allowed within text: put text that contains `#` in \
             quotes"
        }
        Kind::ExpectedNodeContent | Kind::UnexpectedEndOfPlainScalar | Kind::UnexpectedEof => {
            "a value was expected here: write one, or put text that begins with a special character in quotes"
        }
        Kind::UnexpectedCharacter { character } => {
            return format!("text cannot begin with `{character}`: put it in quotes");
        }
        Kind::InvalidBlockScalarHeader | Kind::ZeroBlockScalarIndent => {
            "the line must end after `|` or `>`: begin the text on the next line, indented"
        }
        Kind::DirectiveDisallowed => {
            "a line that begins with `%` is a directive, which is not supported: remove it, or put the text in quotes"
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
            return format!("this is nested more than {MAX_DEPTH} levels deep: a definition needs five at most");
        }
        other => return format!("this is not YAML ({other}): compare the line with the example in the documentation"),
    };
    said.to_owned()
}
