//! The steps of pipelines: their types, and the fields of each.
//!
//! [`StepAction`] holds the data of a step at each stage: in the definition, in the plan, and in the instruction for an
//! agent. The type of its text differs between the stages. The table in this file is its only declaration.

use serde::{Deserialize, Serialize};

use crate::{archive::Format, text_enum::text_enum};

/// Declares all types of steps except `transfer`, which is built in: their names, their fields, and the functions over
/// all fields.
///
/// The fields of a type are `text` (required), `optional` (text) and `choices` (optional values of a `text_enum!`). The
/// name of a field is also its key in definitions and in JSON.
macro_rules! step_actions {
    ($(
        $(#[$about:meta])*
        $name:ident = $text_name:literal {
            $(text { $($(#[$text_about:meta])* $text:ident),+ $(,)? })?
            $(optional { $($(#[$optional_about:meta])* $optional:ident),+ $(,)? })?
            $(choices { $($(#[$choice_about:meta])* $choice:ident: $choices:ident),+ $(,)? })?
        }
    )+) => {
        text_enum! {
            /// The type of a step.
            pub enum StepType {
                /// Copies a file, a folder or the files of a pattern.
                Transfer = "transfer",
                $($(#[$about])* $name = $text_name,)+
            }
        }

        /// The action of a step.
        ///
        /// `T` is the type of text: with placeholders in a definition, final in a plan and in the instruction for an
        /// agent. `C` is the type of the source and destination of a copy, which differs between the stages.
        ///
        /// In JSON, `type` holds the name of the [`StepType`], and fields that are not set are absent.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        pub enum StepAction<T, C> {
            /// Copies a file, a folder or the files of a pattern.
            #[serde(rename = "transfer")]
            Transfer(C),
            $(
                $(#[$about])*
                #[serde(rename = $text_name)]
                $name {
                    $($($(#[$text_about])* $text: T,)+)?
                    $($(
                        $(#[$optional_about])*
                        #[serde(skip_serializing_if = "Option::is_none")]
                        $optional: Option<T>,
                    )+)?
                    $($(
                        $(#[$choice_about])*
                        #[serde(skip_serializing_if = "Option::is_none")]
                        $choice: Option<$choices>,
                    )+)?
                },
            )+
        }

        impl<T, C> StepAction<T, C> {
            /// The type of the step.
            #[must_use]
            pub const fn step_type(&self) -> StepType {
                match self {
                    Self::Transfer(_) => StepType::Transfer,
                    $(Self::$name { .. } => StepType::$name,)+
                }
            }

            /// Creates an action of type `step_type`; `None` if a required field is missing. `text` returns the value
            /// of the text field with the given name. `name_of` does so for a field with an enum value, and returns the
            /// name of the value. `transfer` returns the data of a transfer.
            #[must_use]
            pub fn read(
                step_type: StepType,
                text: impl Fn(&'static str) -> Option<T>,
                name_of: impl Fn(&'static str) -> Option<String>,
                transfer: impl FnOnce() -> C,
            ) -> Option<Self> {
                Some(match step_type {
                    StepType::Transfer => Self::Transfer(transfer()),
                    $(StepType::$name => Self::$name {
                        $($($text: text(stringify!($text))?,)+)?
                        $($($optional: text(stringify!($optional)),)+)?
                        $($($choice: name_of(stringify!($choice)).and_then(|name| $choices::from_name(&name)),)+)?
                    },)+
                })
            }

            /// The name and value of each field, in the order of declaration; the value is `None` if the field is not
            /// set. Empty for a transfer, whose fields are in `C`.
            #[must_use]
            pub fn fields(&self) -> Vec<(&'static str, Option<Field<'_, T>>)> {
                match self {
                    Self::Transfer(_) => Vec::new(),
                    $(Self::$name { $($($text,)+)? $($($optional,)+)? $($($choice,)+)? } => vec![
                        $($((stringify!($text), Some(Field::Text($text))),)+)?
                        $($((stringify!($optional), $optional.as_ref().map(Field::Text)),)+)?
                        $($((stringify!($choice), $choice.map(|value| Field::Choice(value.as_str()))),)+)?
                    ],)+
                }
            }

            /// Converts the action to the types of the next stage, such as from a definition to a plan. `text` converts
            /// one text and gets the name of its field; `transfer` converts the data of a transfer. Both get `context`.
            ///
            /// # Errors
            ///
            /// The first error of these functions. All fields are converted even after an error, so that the context
            /// can collect all errors.
            pub fn try_map<X, U, D, E>(
                &self,
                context: &mut X,
                text: impl Fn(&mut X, &'static str, &T) -> Result<U, E>,
                transfer: impl FnOnce(&mut X, &C) -> Result<D, E>,
            ) -> Result<StepAction<U, D>, E> {
                match self {
                    Self::Transfer(copy) => transfer(context, copy).map(StepAction::Transfer),
                    $(Self::$name { $($($text,)+)? $($($optional,)+)? $($($choice,)+)? } => {
                        $($(let $text = text(context, stringify!($text), $text);)+)?
                        $($(
                            let $optional = $optional
                                .as_ref()
                                .map(|value| text(context, stringify!($optional), value))
                                .transpose();
                        )+)?
                        Ok(StepAction::$name {
                            $($($text: $text?,)+)?
                            $($($optional: $optional?,)+)?
                            $($($choice: *$choice,)+)?
                        })
                    })+
                }
            }
        }
    };
}

step_actions! {
    /// Computes the SHA-256 of a file and compares it.
    Checksum = "checksum" {
        text {
            /// The path of the file.
            path,
        }
        optional {
            /// The expected SHA-256, as 64 hexadecimal digits.
            expected,
        }
    }
    /// Compresses a file.
    Compress = "compress" {
        text {
            /// The path of the file.
            path,
        }
        optional {
            /// The path of the result, or its folder if it ends in a slash. If absent, the result is written beside
            /// `path`.
            output,
        }
        choices {
            /// The format. If absent, the ending of the output decides.
            format: Format,
        }
    }
    /// Decompresses a file.
    Decompress = "decompress" {
        text {
            /// The path of the file.
            path,
        }
        optional {
            /// The path of the result, or its folder if it ends in a slash. If absent, the result is written beside
            /// `path`.
            output,
        }
        choices {
            /// The format. If absent, the magic bytes of the file decide.
            format: Format,
        }
    }
    /// Renames or moves a file.
    Rename = "rename" {
        text {
            /// The current path of the file.
            from,
            /// The new path of the file.
            to,
        }
    }
    /// Deletes a file.
    Delete = "delete" {
        text {
            /// The path of the file.
            path,
        }
    }
    /// Sends a `POST` to a URL.
    Webhook = "webhook" {
        text {
            /// The URL that the webhook is sent to.
            url,
        }
        optional {
            /// The body. If absent, the state of the run is sent.
            body,
        }
    }
}

/// The value of a field of a [`StepAction`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a, T> {
    /// The text of the field.
    Text(&'a T),
    /// The name of an enum value.
    Choice(&'static str),
}

impl StepType {
    /// Whether an agent carries out steps of this type. If not, the server does.
    #[must_use]
    pub const fn is_for_an_agent(self) -> bool {
        !matches!(self, Self::Webhook)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Copied {
        source: String,
    }

    type Action = StepAction<String, Copied>;

    /// An action of a type with all its fields, each of which has its own name as text.
    fn full(step_type: StepType) -> Action {
        let text = |name: &str| Some(name.to_owned());
        Action::read(step_type, text, |_| Some("zstd".to_owned()), || Copied { source: "/a".to_owned() })
            .expect("an action")
    }

    #[test]
    fn every_action_is_written_with_its_type_and_its_fields_and_read_again() {
        for step_type in StepType::ALL {
            let action = full(*step_type);
            let written = json!(action);
            assert_eq!(written["type"], json!(step_type));
            for (name, value) in action.fields() {
                let expected = match value.expect("a value") {
                    Field::Text(text) => text.as_str(),
                    Field::Choice(name) => name,
                };
                assert_eq!(written[name], expected, "{written}");
            }
            assert_eq!(serde_json::from_value::<Action>(written).expect("an action"), action);
            assert_eq!(action.step_type(), *step_type);
        }
        assert_eq!(json!(full(StepType::Transfer)), json!({ "type": "transfer", "source": "/a" }));
    }

    #[test]
    fn a_field_that_is_not_set_is_absent_and_may_be_read_as_null() {
        let action = Action::Decompress { path: "/a.gz".to_owned(), output: None, format: None };
        assert_eq!(json!(action), json!({ "type": "decompress", "path": "/a.gz" }));
        assert_eq!(action.fields()[1..], [("output", None), ("format", None)]);
        let null = json!({ "type": "decompress", "path": "/a.gz", "output": null, "format": null, "later": 1 });
        assert_eq!(serde_json::from_value::<Action>(null).expect("an action"), action);
        assert!(serde_json::from_value::<Action>(json!({ "type": "decompress" })).is_err());
        assert!(serde_json::from_value::<Action>(json!({ "type": "encrypt", "path": "/a" })).is_err());
    }

    #[test]
    fn every_text_is_mapped_before_the_first_error_ends_it() {
        let mut seen = Vec::new();
        let failed = full(StepType::Rename).try_map(
            &mut seen,
            |seen, name, _| {
                seen.push(name);
                Err::<(), _>(name)
            },
            |_, _| Ok(()),
        );
        assert_eq!((failed, seen), (Err("from"), vec!["from", "to"]));
        let lengths = full(StepType::Compress).try_map(&mut (), |(), _, text| Ok::<_, ()>(text.len()), |(), _| Ok(()));
        assert_eq!(lengths, Ok(StepAction::Compress { path: 4, output: Some(6), format: Some(Format::Zstd) }));
    }
}
