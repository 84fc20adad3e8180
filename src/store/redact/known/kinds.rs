//! The kinds of secret this program knows, as data: what one looks like, and what has to stand in a text before it is
//! worth looking.

use std::ops::Range;

use super::checks;

/// A kind of secret.
#[derive(Debug)]
pub struct Kind {
    /// The name of the kind, as rules and counts have it.
    pub name: &'static str,
    /// What a kind is about: `credentials`, `personal`, or a `guess`.
    pub group: &'static str,
    /// How the secrets are found.
    pub(in crate::store::redact) look: Look,
}

/// How secrets of a kind are found.
#[derive(Debug)]
pub(in crate::store::redact) enum Look {
    /// A pattern; if it has groups, the first that takes part is the secret. One of the words, in any case, stands in
    /// every text that has a match.
    Pattern {
        /// The words.
        words: &'static [&'static str],
        /// The pattern.
        pattern: &'static str,
    },
    /// A pattern for texts that have these characters.
    Marked {
        /// What the text must have.
        mark: Mark,
        /// The pattern.
        pattern: &'static str,
    },
    /// A function, for texts that have these characters.
    Checked {
        /// What the text must have.
        mark: Mark,
        /// The places of secrets.
        find: fn(&str) -> Vec<Range<usize>>,
    },
    /// Names of attributes and of fields in JSON whose values are secrets.
    Fields(&'static [&'static str]),
}

/// What a text must have before a kind is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::redact) enum Mark {
    /// An at sign, plain or as URLs write it.
    At,
    /// As many digits, blanks and dashes in a row as a card has digits.
    Card,
    /// Two letters and two digits at the beginning of a word, and digits besides.
    BankAccount,
    /// As many digits, blanks and dashes in a row as a social security number has.
    SocialSecurity,
    /// Letters and digits in a row, as many as a key has that is known by its length.
    LongRun,
    /// A long word, capitals and digits.
    Drawn,
}

const fn key(name: &'static str, words: &'static [&'static str], pattern: &'static str) -> Kind {
    Kind { name, group: "credentials", look: Look::Pattern { words, pattern } }
}

/// All kinds.
pub static KINDS: &[Kind] = &[
    Kind { name: "secret_field", group: "credentials", look: Look::Fields(FIELDS) },
    key(
        "private_key",
        &["private key"],
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    ),
    key("jwt", &["eyj"], r"(?-u:\b)eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,3}"),
    key(
        "aws_access_key",
        &["akia", "asia", "agpa", "aida", "aroa", "anpa", "abia", "acca"],
        r"(?-u:\b)(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ABIA|ACCA)[A-Z0-9]{16}(?-u:\b)",
    ),
    key("anthropic_key", &["sk-ant-"], r"(?-u:\b)sk-ant-[A-Za-z0-9_-]{20,}"),
    key("openai_key", &["sk-"], r"(?-u:\b)sk-(?:proj-|svcacct-|admin-|lf-|or-v1-|None-)?[A-Za-z0-9_-]{20,}"),
    key(
        "github_token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    key(
        "gitlab_token",
        &["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-"],
        r"(?-u:\b)gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_.-]{20,}",
    ),
    key(
        "slack_token",
        &["xox", "xapp-", "hooks.slack.com"],
        r"(?-u:\b)(?:xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,})|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}",
    ),
    key(
        "stripe_key",
        &["k_live_", "k_test_", "whsec_"],
        r"(?-u:\b)(?:[srp]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,})",
    ),
    key(
        "google_key",
        &["aiza", "ya29.", "gocspx-"],
        r"(?-u:\b)(?:AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,})",
    ),
    key("hugging_face_token", &["hf_", "api_org_"], r"(?-u:\b)(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    key("npm_token", &["npm_"], r"(?-u:\b)npm_[A-Za-z0-9]{36,}"),
    key("pypi_token", &["pypi-"], r"(?-u:\b)pypi-[A-Za-z0-9_-]{40,}"),
    key("sendgrid_key", &["sg."], r"(?-u:\b)SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    key(
        "discord_token",
        &["discord.com/api/webhooks", "discordapp.com/api/webhooks"],
        r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}",
    ),
    key("digitalocean_token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"(?-u:\b)do[por]_v1_[a-f0-9]{64}"),
    key(
        "azure_key",
        &["accountkey=", "sharedaccesskey=", "sig="],
        r"(?i)(?:accountkey|sharedaccesskey)=([A-Za-z0-9+/]{40,}=*)|[?&]sig=([A-Za-z0-9%+/]{40,}=*)",
    ),
    key("databricks_token", &["dapi"], r"(?-u:\b)dapi[a-f0-9]{32}(?:-[0-9])?"),
    key("vault_token", &["hvs.", "hvb.", "hvr."], r"(?-u:\b)hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    key("shopify_token", &["shpat_", "shpca_", "shppa_", "shpss_"], r"(?-u:\b)shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    key(
        "grafana_token",
        &["glc_", "glsa_"],
        r"(?-u:\b)(?:glc_[A-Za-z0-9+/]{32,}=*|glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})",
    ),
    key(
        "service_token",
        &[
            "gsk_",
            "r8_",
            "lsv2_",
            "pplx-",
            "xai-",
            "tvly-",
            "lin_api_",
            "sntrys_",
            "sntryu_",
            "dckr_pat_",
            "dckr_oat_",
            "sbp_",
            "pmak-",
            "figd_",
            "ntn_",
            "nrak-",
            "phx_",
            "phc_",
            "atatt3",
            "hrku-",
            "sq0atp-",
            "sq0csp-",
            "eaaa",
            "fo1_",
            "dt0c01.",
            "pscale_",
            "rubygems_",
            "tskey-",
            "ops_eyj",
            "age-secret-key-1",
        ],
        r"(?-u:\b)(?:gsk_[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{30,}|lsv2_(?:pt|sk)_[A-Za-z0-9_]{30,}|pplx-[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{30,}|tvly-[A-Za-z0-9-]{20,}|lin_api_[A-Za-z0-9]{30,}|sntry[su]_[A-Za-z0-9+/=_-]{30,}|dckr_[po]at_[A-Za-z0-9_-]{20,}|sbp_[a-f0-9]{40}|PMAK-[A-Za-z0-9-]{40,}|figd_[A-Za-z0-9_-]{30,}|ntn_[A-Za-z0-9]{30,}|NRAK-[A-Z0-9]{20,}|ph[xc]_[A-Za-z0-9]{30,}|ATATT3[A-Za-z0-9_=-]{40,}|HRKU-[A-Za-z0-9_-]{30,}|sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}|EAAA[A-Za-z0-9_-]{40,}|fo1_[A-Za-z0-9_-]{30,}|dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30,}|rubygems_[a-f0-9]{48}|tskey-[a-z]+-[A-Za-z0-9-]{10,}|ops_eyJ[A-Za-z0-9_-]{60,}|AGE-SECRET-KEY-1[A-Z0-9]{50,})",
    ),
    key("tracehub_key", &["th_"], r"(?-u:\b)th_[A-Za-z0-9]{43}(?-u:\b)"),
    key("telegram_token", &[":aa"], r"(?-u:\b)[0-9]{8,10}:AA[A-Za-z0-9_-]{32,34}"),
    Kind {
        name: "twilio_key",
        group: "credentials",
        look: Look::Marked { mark: Mark::LongRun, pattern: r"(?-u:\b)(?:SK|AC)[a-f0-9]{32}(?-u:\b)" },
    },
    key(
        "authorization",
        &["bearer ", "basic ", "digest ", "negotiate "],
        r"(?i)(?-u:\b)(?:bearer|basic|digest|negotiate)\s+([A-Za-z0-9._~+/-]{8,}=*)",
    ),
    key("cookie", &["cookie"], r#"(?i)(?:set-)?cookie["']?\s*[:=]\s*"?([^\r\n"\\]{4,})"#),
    key("assigned_secret", ASSIGNED_WORDS, ASSIGNED),
    Kind {
        name: "url_password",
        group: "credentials",
        look: Look::Marked {
            mark: Mark::At,
            pattern: r#"(?-u:\b)[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:"'<>?#]*:([^\s/"'<>]+)@"#,
        },
    },
    Kind { name: "card", group: "personal", look: Look::Checked { mark: Mark::Card, find: checks::cards } },
    Kind { name: "iban", group: "personal", look: Look::Checked { mark: Mark::BankAccount, find: checks::ibans } },
    Kind {
        name: "us_ssn",
        group: "personal",
        look: Look::Marked {
            mark: Mark::SocialSecurity,
            pattern: r"(?-u:\b)(?:00[1-9]|0[1-9][0-9]|[1-578][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])-(?:0[1-9]|[1-9][0-9])-(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)(?-u:\b)",
        },
    },
    Kind {
        name: "email",
        group: "personal",
        look: Look::Marked {
            mark: Mark::At,
            pattern: r"[\p{L}\p{N}._%+'-]*[\p{L}\p{N}_+-](?:@|%40)(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+\p{L}{2,24}",
        },
    },
    Kind {
        name: "high_entropy",
        group: "guess",
        look: Look::Checked { mark: Mark::Drawn, find: checks::drawn_by_lot },
    },
];

/// Words one of which stands in every text that [`ASSIGNED`] matches.
const ASSIGNED_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "access-key",
    "accesskey",
    "private_key",
    "private-key",
    "privatekey",
    "credential",
    "authorization",
    "account_key",
    "account-key",
    "accountkey",
    "secret_key",
    "client_key",
    "client-key",
    "clientkey",
];

/// `password = "…"`, `"apiKey": "…"`, `&access_token=…`, `Authorization: Basic …` and the like, quoted once more or not.
const ASSIGNED: &str = concat!(
    r#"(?is)(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?"#,
    r#"|authorization|account[_-]?key|secret[_-]?key|client[_-]?key)"#,
    r#"(?:\\*["'])?\s*(?:=>|:=|:|=)\s*"#,
    r#"(?:\\+"(.*?)\\+"|b?"((?:[^"\\]|\\.)*)(?:"|\z)|b?'((?:[^'\\]|\\.)*)(?:'|\z)"#,
    r#"|((?:bearer|basic|digest|negotiate)\s+[^\s"',;\\]+|[^\s"',;&<>(){}\[\]\\]{3,}))"#
);

/// Names under which secrets stand, as [`KeyPatterns`](crate::store::redact::keys::KeyPatterns) reads them.
const FIELDS: &[&str] = &[
    "*password",
    "*passwd",
    "*passphrase",
    "pwd",
    "*_pwd",
    "*secret",
    "token",
    "*_token",
    "*accesstoken",
    "*authtoken",
    "*refreshtoken",
    "*idtoken",
    "*apitoken",
    "*sessiontoken",
    "*api_key",
    "*apikey",
    "*access_key",
    "*accesskey",
    "*private_key",
    "*privatekey",
    "*secret_key",
    "*secretkey",
    "*account_key",
    "*accountkey",
    "authorization",
    "proxy_authorization",
    "cookie",
    "set_cookie",
    "cookies",
    "credential",
    "credentials",
    "*_credential",
    "*_credentials",
    "x_tracehub_secret",
    "x_auth",
    "x_csrf_token",
    "connection_string",
    "*_connection_string",
    "ssn",
    "cvv",
    "cvc",
];

/// The kinds of a group, or the one of this name; empty for a word that is neither.
pub(in crate::store::redact) fn kinds_named(word: &str) -> Vec<&'static Kind> {
    KINDS.iter().filter(|kind| word == "all" || kind.group == word || kind.name == word).collect()
}
