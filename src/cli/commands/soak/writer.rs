//! One connection of a soak: sends unit after unit to whatever server is there, and sends again what was not answered.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::watch;

use super::ledger::{Ledger, State};
use super::unit::{Unit, mix};
use crate::connect::client_for;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two requests, so that a run of hours does not fill the disk.
const PAUSE: Duration = Duration::from_millis(5);
/// One unit in so many is sent once more although it was acknowledged.
const REPEATED: u64 = 10;
/// One unit in so many that was not answered stays in doubt.
const LEFT: u64 = 5;

/// Sends until the sender of URLs is gone. `None` is that there is no server now.
pub async fn run(connection: u32, ledger: Arc<Ledger>, mut url: watch::Receiver<Option<String>>) {
    let mut number = 0;
    loop {
        let Ok(server) = url.wait_for(Option::is_some).await.map(|server| server.clone().unwrap_or_default()) else {
            return;
        };
        let Ok(base) = server.parse() else { return };
        let Ok(client) = client_for(&base, None, || Client::builder().timeout(PATIENCE)) else { return };
        while url.borrow().as_ref() == Some(&server) {
            number += 1;
            let unit = Unit { connection, number };
            // Before it is sent: it may be there from then on.
            ledger.note(unit, State::InDoubt);
            let mut is_taken = send(&client, &server, unit).await;
            if is_taken && mix(number).is_multiple_of(REPEATED) {
                send(&client, &server, unit).await;
            }
            while !is_taken && !mix(number + 1).is_multiple_of(LEFT) {
                let next = url.wait_for(Option::is_some).await.map(|server| server.clone().unwrap_or_default());
                let Ok(next) = next else { return };
                is_taken = send(&client, &next, unit).await;
                tokio::time::sleep(PAUSE).await;
            }
            if is_taken {
                ledger.note(unit, State::Acknowledged);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Sends a unit; whether it was acknowledged.
async fn send(client: &Client, server: &str, unit: Unit) -> bool {
    let (path, body) = unit.request();
    let request = client.post(format!("{server}{path}")).header(CONTENT_TYPE, "application/json").body(body);
    match request.send().await {
        Ok(answer) => answer.status().is_success(),
        Err(_) => false,
    }
}
