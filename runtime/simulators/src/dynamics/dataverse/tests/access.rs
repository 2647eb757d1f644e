//! Who is let in, and what protects the service.

use serde_json::Value;

use super::*;
use crate::faults::Faults;
use crate::system::assert_copied;

#[test]
fn the_gateway_turns_strangers_away_without_a_word() {
    let organisation = Organisation::new();
    assert_eq!(organisation.get("WhoAmI").status, 200);
    organisation.system.revoke_tokens();
    let reply = organisation.get("WhoAmI");
    assert_eq!((reply.status, reply.text.as_str()), (401, ""));
    assert!(reply.header("www-authenticate").starts_with("Bearer authorization_uri="));
}

#[test]
fn each_limit_has_its_code() {
    let check = |settings: Settings, in_flight: usize, code: &str, message: &str| {
        let organisation = Organisation::with(settings);
        (0..in_flight).for_each(|_| organisation.system.in_flight(true));
        let replies: Vec<Reply> = (0..3).map(|_| organisation.get("accounts")).collect();
        let last = &replies[2];
        assert_eq!((last.status, last.code()), (429, code), "{}", last.text);
        assert!(last.body["error"]["message"].as_str().unwrap().starts_with(message));
        let seconds: u64 = last.header("retry-after").parse().unwrap();
        (0..in_flight).for_each(|_| organisation.system.in_flight(false));
        organisation.wait(seconds * 1_000);
        assert_eq!(organisation.get("accounts").status, 200);
    };
    let few = Settings { requests_max: 2, ..Settings::default() };
    check(few, 0, "0x80072322", "Number of requests exceeded the limit of 2 over time window of 300 seconds.");
    let slow = Settings { execution_ms: 500_000, ..Settings::default() };
    check(slow, 0, "0x80072321", "Combined execution time");
    check(Settings::default(), 53, "0x80072326", "Number of concurrent requests exceeded the limit of 52.");
}

#[test]
fn an_answer_says_what_is_left() {
    let organisation = Organisation::new();
    let reply = organisation.get("accounts");
    assert_eq!(reply.header("x-ms-ratelimit-burst-remaining-xrm-requests"), "5999");
    assert_eq!(reply.header("x-ms-ratelimit-time-remaining-xrm-requests"), "1200");
}

#[test]
fn only_what_is_installed_is_served() {
    let organisation = Organisation::with(Settings { inventory: true, ..Settings::default() });
    assert_eq!(organisation.get("msdyn_productinventories").column("msdyn_qtyonhand"), ["140.5"]);
    organisation.system.set_settings(Settings { inventory: false, ..Settings::default() });
    let reply = organisation.get("msdyn_productinventories");
    assert_eq!((reply.status, reply.code()), (404, "0x8006088a"));
    assert_eq!(organisation.call("GET", "http://127.0.0.1:8080/api/data/v8.0/accounts", Value::Null, &[]).status, 404);
    assert_eq!(organisation.call("PUT", "accounts", Value::Null, &[]).status, 405);
}

#[test]
fn the_fault_menu_copies_and_signs_out() {
    let organisation = Organisation::new();
    let url = "products(productnumber='BOLT-8')";
    let titled = organisation.request("PATCH", url, &json!({ "name": "New" }), &[]);
    assert_copied(&organisation.system, START, &titled);
    organisation.system.set_faults(&Faults { page_max: 1, ..Faults::default() });
    assert_eq!(organisation.get("products").rows().len(), 1);
    organisation.system.sign_everybody_out();
    assert_eq!(organisation.get("products").status, 401);
}
