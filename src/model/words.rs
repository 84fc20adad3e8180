//! Enums whose values have a word each, the same in flags, query strings and JSON.
//!
//! [`words!`] declares such an enum, so that a word stands in one place: beside its value and what the value means.
//! Neither JSON nor the command line is known here; both read the words from the enum.

/// An enum that [`words!`] declares.
pub trait Words: Copy + 'static {
    /// The value of a word; `None` for any other text.
    fn parse_word(word: &str) -> Option<Self>;
}

/// Declares an enum whose values have words. The first line of a value's documentation is also the help of a flag that
/// takes it, so it is a phrase of a few words.
///
/// ```ignore
/// words! {
///     /// How a trace ended.
///     #[derive(Debug, Clone, Copy)]
///     pub enum TraceStatus {
///         /// Nothing failed.
///         Ok = "ok",
///         /// It has an error.
///         Error = "error",
///     }
/// }
/// assert_eq!(TraceStatus::parse("error"), Some(TraceStatus::Error));
/// assert_eq!(TraceStatus::Ok.meaning(), "Nothing failed");
/// ```
macro_rules! words {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $(
                #[doc = $meaning:literal]
                $(#[$value_attribute:meta])*
                $value:ident = $word:literal,
            )+
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $(
                #[doc = $meaning]
                $(#[$value_attribute])*
                $value,
            )+
        }

        impl $name {
            /// All values, in the order they are listed.
            pub const ALL: [$name; [$($word),+].len()] = [$($name::$value),+];

            /// The word in flags, query strings and JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$value => $word,)+
                }
            }

            /// The value of a word; `None` for any other text.
            pub fn parse(word: &str) -> Option<$name> {
                $name::ALL.into_iter().find(|value| value.as_str() == word)
            }

            /// What the value means: a phrase without a full stop.
            pub fn meaning(self) -> &'static str {
                let line = match self {
                    $($name::$value => $meaning,)+
                };
                line.trim().trim_end_matches('.')
            }
        }

        impl $crate::model::words::Words for $name {
            fn parse_word(word: &str) -> Option<$name> {
                $name::parse(word)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(
                &self,
                serializer: S,
            ) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    words! {
        /// How a door stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum Door {
            /// Wide open.
            #[default]
            Open = "open",
            /// Not open: it must be
            /// unlocked first.
            NotOpen = "not-open",
        }
    }

    #[test]
    fn every_value_is_that_of_its_word_and_of_no_other() {
        for door in Door::ALL {
            assert_eq!(Door::parse(door.as_str()), Some(door));
        }
        assert_eq!(Door::ALL.map(Door::as_str), ["open", "not-open"]);
        assert_eq!(Door::ALL.map(Door::meaning), ["Wide open", "Not open: it must be"]);
        assert_eq!(["", "Open", "open ", "notopen"].map(Door::parse), [None; 4]);
        assert_eq!(serde_json::json!([Door::default()]), serde_json::json!(["open"]));
    }
}
