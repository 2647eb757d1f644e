//! Who is logged in, and for how long.

use serde_json::{Value, json};

use super::{Company, ORIGIN};
use crate::sap_b1::Settings;
use crate::sap_b1::settings::BadLogin;
use crate::system::System;

#[test]
fn a_login_gives_two_odd_cookies() {
    let company = Company::new();
    let answer = company.log_in("manager", "manager");
    let cookies: Vec<&str> =
        answer.response.headers().get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    let id = answer.body["SessionId"].as_str().unwrap();
    assert_eq!(cookies, [format!("B1SESSION={id};HttpOnly;"), "ROUTEID=.node1; path=/b1s".to_owned()]);
    assert_eq!(answer.body["SessionTimeout"], 30);
    assert_eq!(answer.body["@odata.context"], format!("{ORIGIN}/b1s/v2/$metadata#B1Sessions/$entity"));
}

#[test]
fn a_session_slides_and_ends() {
    let company = Company::new();
    for _ in 0..3 {
        company.wait(29 * 60_000);
        assert_eq!(company.get("v2/Items").status, 200);
    }
    company.wait(30 * 60_000 + 1);
    assert_eq!(company.get("v2/Items").refusal(), r#"401 "301""#);
    let refused = company.get("v1/Items");
    assert_eq!(refused.refusal(), "401 301");
    assert_eq!(refused.body["error"]["message"]["value"], "Invalid session or session already timeout.");
}

#[test]
fn nothing_but_login_and_ping_goes_without_a_session() {
    let company = Company::new();
    assert_eq!(company.call("POST", "v2/Logout", Value::Null).status, 204);
    for path in ["v2/Items", "v2/$metadata", "v2/Nothing", "v1/Orders(1)"] {
        assert_eq!(company.get(path).status, 401, "{path}");
    }
    let ping = |path: &str| {
        let request = http::Request::builder().uri(format!("{ORIGIN}{path}")).body(bytes::Bytes::new()).unwrap();
        company.system.answer(company.now.get(), &request).status().as_u16()
    };
    assert_eq!(["/ping/", "/ping/load-balancer", "/ping/node/1", "/ping/node/9"].map(ping), [200, 200, 200, 404]);
}

fn check_bad_login(code: BadLogin, shown: &str) {
    let company = Company::with(Settings { bad_login: code, ..Settings::default() });
    assert_eq!(company.log_in("manager", "wrong").refusal(), shown);
    assert_eq!(company.log_in("nobody", "manager").refusal(), shown);
    let other = json!({ "CompanyDB": "OTHER", "UserName": "manager", "Password": "manager" });
    assert_eq!(company.call("POST", "v2/Login", other).refusal(), shown);
    assert_eq!(company.system.refused_logins().len(), 3);
    assert_eq!(company.system.refused_logins()[2].why, "there is no company `OTHER`");
}

#[test]
fn a_bad_login_never_says_why() {
    check_bad_login(BadLogin::Sld, r#"401 "-304""#);
    check_bad_login(BadLogin::Installation, r#"401 "100000027""#);
}

#[test]
fn a_session_lives_on_one_node() {
    let company = Company::with(Settings { nodes: 3, ..Settings::default() });
    assert!(company.cookies.borrow().ends_with("ROUTEID=.node1"));
    assert_eq!(company.get("v2/Items").status, 200);
    let here = company.cookies.borrow().clone();
    *company.cookies.borrow_mut() = here.replace(".node1", ".node2");
    assert_eq!(company.get("v2/Items").status, 401);
    *company.cookies.borrow_mut() = here.split(';').next().unwrap().to_owned();
    let routed: Vec<u16> = (0..3).map(|_| company.get("v2/Items").status).collect();
    assert_eq!(routed.iter().filter(|it| **it == 200).count(), 1);
    *company.cookies.borrow_mut() = here;
    assert_eq!(company.get("v2/Items").status, 200);
}

#[test]
fn a_restart_ends_all_sessions() {
    let company = Company::new();
    company.system.end_sessions();
    assert_eq!(company.get("v2/Items").status, 401);
}
