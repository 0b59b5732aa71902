//! What the screen says after the start: where everything is, and where to go next.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::config::{Access, Config};
use crate::domain::{DerivedKey, Digest, KeyUse};

/// The text, for a server that listens on `listen` and keeps its data in `data`.
pub(super) fn banner(config: &Config, listen: SocketAddr, data: &str, seed: &Digest) -> String {
    let mut text = String::new();
    let url = format!("http://{listen}");
    let version = env!("CARGO_PKG_VERSION");
    let access = match config.access {
        Access::Open => "open: whoever reaches it may do everything",
        Access::Guarded(_) => "guarded: submissions are signed, administration needs the admin key",
    };
    // Writing to a string cannot fail.
    let _infallible = write!(
        text,
        "\nAgora {version}, a local GenLayer network (chain id {})\n\n\
         Accounts, each with {} coins. Their keys follow from the seed: never use them elsewhere.\n",
        config.chain_id, config.account_coins,
    );
    for number in 0..u64::from(config.accounts) {
        let key = DerivedKey::derive(seed, KeyUse::Account, number);
        let _infallible =
            writeln!(text, "  ({number}) {}  key {}", key.address(), key.secret_hex());
    }
    let _infallible = write!(
        text,
        "\n  API         {url}/v1\n  Try it      {url}/docs\n  OpenAPI     {url}/openapi.json\n  \
         Health      {url}/health\n  Metrics     {url}/metrics\n  Data        {data}\n  \
         Access      {access}\n\n\
         Next: agora contract examples    shows contracts to deploy; the README has the curl lines.\n\
         Stop with Ctrl-C; a second Ctrl-C stops at once.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::Options;

    #[test]
    fn the_banner_shows_accounts_addresses_and_never_the_admin_key() {
        let secret = "0123456789abcdef";
        let options = Options { admin_key: Some(secret.into()), ..Options::default() };
        let config = Config::new(options).unwrap();
        let text = banner(&config, config.listen, "agora-data", &config.seed);
        let first = DerivedKey::derive(&config.seed, KeyUse::Account, 0);
        assert!(text.contains(&first.address().to_string()));
        assert!(text.contains("http://127.0.0.1:4000/docs"));
        assert!(!text.contains(secret));
    }
}
