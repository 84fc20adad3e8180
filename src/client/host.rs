//! The machine a program runs on, as the server would call it.

use std::sync::LazyLock;

use super::variables::process_environment;
use crate::model::Text;

static HOSTNAME: LazyLock<Text> = LazyLock::new(|| {
    let from_file = |path: &str| std::fs::read_to_string(path).ok();
    from_file("/proc/sys/kernel/hostname")
        .or_else(|| process_environment("HOSTNAME"))
        .or_else(|| process_environment("COMPUTERNAME"))
        .or_else(|| from_file("/etc/hostname"))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .map_or(Text::from_static("unknown"), Text::from)
});

/// The name of this machine; `unknown` where none can be found.
pub(crate) fn hostname() -> Text {
    HOSTNAME.clone()
}
