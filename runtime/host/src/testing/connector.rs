//! A connector in WAT. `check` sends one request to `https://shop.example/x` and reports what came back; `receive`
//! tries to send it, too, and refuses with the fault's text; `find` sets the key `k` and finds nothing; `read` sets it
//! and traps; `project` sends a request with a thousand headers that are all one string of 64 KiB.

use super::wat::with_manifest;

const TYPES: &str = r#"
    (type $decimal (record (field "mantissa" s64) (field "scale" u8)))
    (type $value (variant
        (case "null") (case "text" string) (case "number" $decimal) (case "flag" bool) (case "json" string)))
    (type $field (record (field "name" string) (field "value" $value)))
    (type $context (record (field "settings" (list (tuple string string))) (field "now-ms" u64)))
    (type $fault (variant
        (case "denied" string) (case "throttled" (option u32)) (case "unavailable" string)
        (case "protocol" string) (case "invalid" string) (case "unsupported" string) (case "other" string)))
    (type $effect (enum "absolute" "keyed" "conditional" "verify" "unsafe"))
    (type $field-power (record (field "name" string) (field "writable" bool) (field "create-only" bool)))
    (type $kind-power (record
        (field "kind" string) (field "fields" (list $field-power)) (field "sees-creates" bool)
        (field "sees-updates" bool) (field "sees-deletes" bool) (field "granularity-ms" u32) (field "lag-ms" u32)
        (field "effect" $effect) (field "creates" bool) (field "push-max" u32) (field "read-max" u32)
        (field "certain-max" u32)))
    (type $points (record
        (field "available" (list string)) (field "maximum" (list string)) (field "per-second" (list string))
        (field "needed" (list string)) (field "cost" (list string))))
    (type $window (record (field "requests" u32) (field "seconds" u32) (field "at-once" (option u32))))
    (type $rate (variant
        (case "concurrent" u32) (case "window" $window) (case "points" $points) (case "other" string)))
    (type $signature (record (field "header" string) (field "algorithm" string)))
    (type $proof (variant (case "signature" $signature) (case "body-secret" string) (case "other" string)))
    (type $echo (record (field "header" string) (field "member" string)))
    (type $handshake (variant
        (case "none") (case "echo-query" string) (case "echo-header" $echo) (case "other" string)))
    (type $webhook-scheme (record
        (field "proof" $proof) (field "handshake" $handshake) (field "id-header" string)
        (field "topic-header" string) (field "timestamp-header" string)))
    (type $setting (record (field "name" string) (field "about" string) (field "default" (option string))))
    (type $description (record
        (field "system" string) (field "kinds" (list $kind-power)) (field "auth" (list string))
        (field "webhook" (option $webhook-scheme)) (field "rate" $rate) (field "settings" (list $setting))))
    (type $state (record
        (field "remote-id" string) (field "fields" (list $field)) (field "version" string)
        (field "changed-at-ms" (option u64)) (field "command-key" (option string))))
    (type $observed (variant (case "present" $state) (case "absent" string)))
    (type $page (record (field "entries" (list $observed)) (field "cursor" string) (field "more" bool)))
    (type $write (record
        (field "op-id" string) (field "kind" string) (field "remote-id" (option string)) (field "command-key" string)
        (field "want" (list $field)) (field "changed" (list string)) (field "base" (list $field))
        (field "base-version" string) (field "first-sent-ms" (option u64))))
    (type $rejection (record (field "code" string) (field "message" string) (field "field" (option string))))
    (type $outcome (variant
        (case "applied" $state) (case "stale" $observed) (case "rejected" $rejection)
        (case "retry" (tuple (option u32) string)) (case "unknown" string) (case "other" string)))
    (type $webhook (record
        (field "topic" string) (field "headers" (list (tuple string string))) (field "body" (list u8))))
    (type $notice (variant (case "touched" (tuple string string)) (case "poll" string) (case "other" string)))
    (type $finding (record (field "subject" string) (field "ok" bool) (field "message" string)))
"#;

const IMPORTS: &str = r#"
    (import "truthsource:http/client@1.0.0" (instance $http
        (type $request' (record
            (field "method" string) (field "url" string) (field "headers" (list (tuple string string)))
            (field "body" (list u8)) (field "timeout-ms" u32)))
        (export "request" (type $request (eq $request')))
        (type $response' (record
            (field "status" u16) (field "headers" (list (tuple string string))) (field "body" (list u8))))
        (export "response" (type $response (eq $response')))
        (type $fault' (variant
            (case "denied" string) (case "unreachable" string) (case "unknown" string) (case "too-large")
            (case "too-many") (case "other" string)))
        (export "fault" (type $fault (eq $fault')))
        (export "send" (func (param "request" $request) (result (result $response (error $fault)))))))
    (import "truthsource:kv/store@1.0.0" (instance $kv
        (type $fault' (variant (case "denied") (case "too-large") (case "unavailable") (case "other" string)))
        (export "fault" (type $fault (eq $fault')))
        (export "set" (func (param "key" string) (param "value" (list u8)) (result (result (error $fault)))))))
"#;

const LIBC: &str = r#"
    (core module $libc
        (memory (export "memory") 4)
        (global $top (mut i32) (i32.const 131072))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
            (global.set $top (i32.add (local.get $at) (local.get 3)))
            (block $fits
                (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
                (drop (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get 3) (i32.const 65536))))))
            (local.get $at)))
    (core instance $libc (instantiate $libc))
    (core func $send (canon lower (func $http "send")
        (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
    (core func $set (canon lower (func $kv "set")
        (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
"#;

const GUEST: &str = r#"
    (core module $m
        (import "libc" "memory" (memory 4))
        (import "host" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
        (import "host" "set" (func $set (param i32 i32 i32 i32 i32)))
        (data (i32.const 64) "GET")
        (data (i32.const 96) "https://shop.example/x")
        (data (i32.const 160) "http")
        (data (i32.const 192) "k")
        (func $get (param $headers i32)
            (call $send (i32.const 64) (i32.const 3) (i32.const 96) (i32.const 22)
                (i32.const 4096) (local.get $headers) (i32.const 0) (i32.const 0) (i32.const 30000) (i32.const 512)))
        ;; One finding: `http`, whether there was an answer, and the answer's body or the fault's text.
        (func (export "check") (param i32 i32 i64) (result i32)
            (call $get (i32.const 0))
            (i32.store (i32.const 2048) (i32.const 160))
            (i32.store offset=4 (i32.const 2048) (i32.const 4))
            (i32.store8 offset=8 (i32.const 2048) (i32.eqz (i32.load8_u (i32.const 512))))
            (if (i32.load8_u (i32.const 512))
                (then
                    (i32.store offset=12 (i32.const 2048) (i32.load (i32.const 520)))
                    (i32.store offset=16 (i32.const 2048) (i32.load (i32.const 524))))
                (else
                    (i32.store offset=12 (i32.const 2048) (i32.load (i32.const 528)))
                    (i32.store offset=16 (i32.const 2048) (i32.load (i32.const 532)))))
            (i32.store8 (i32.const 1024) (i32.const 0))
            (i32.store offset=4 (i32.const 1024) (i32.const 2048))
            (i32.store offset=8 (i32.const 1024) (i32.const 1))
            (i32.const 1024))
        (func $keep (call $set (i32.const 192) (i32.const 1) (i32.const 64) (i32.const 3) (i32.const 512)))
        (func (export "find") (param i32 i32 i64 i32 i32 i32 i32) (result i32)
            (call $keep)
            (i32.store8 (i32.const 1024) (i32.const 0)) (i32.store8 offset=8 (i32.const 1024) (i32.const 0))
            (i32.const 1024))
        (func (export "receive") (param i32 i32 i64 i32 i32 i32 i32 i32 i32) (result i32) (call $get (i32.const 0))
            (if (i32.load8_u (i32.const 512)) (then
                (i32.store8 (i32.const 1024) (i32.const 1)) (i32.store8 offset=4 (i32.const 1024) (i32.const 0))
                (i32.store offset=8 (i32.const 1024) (i32.load (i32.const 520)))
                (i32.store offset=12 (i32.const 1024) (i32.load (i32.const 524))) (return (i32.const 1024))))
            unreachable)
        (func (export "project") (param i32 i32 i64 i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.const 4096))
            (loop $more
                (i32.store offset=4 (local.get $at) (i32.const 65536))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br_if $more (i32.lt_u (local.get $at) (i32.const 20096))))
            (call $get (i32.const 1000)) unreachable)
        (func (export "pull") (param i32 i32 i64 i32 i32 i32 i32 i32 i32) (result i32) (loop $l (br $l)) unreachable)
        (func (export "describe") (param i32 i32) (result i32) unreachable)
        (func (export "read") (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32) (call $keep) unreachable)
        (func (export "push") (param i32 i32 i64 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m
        (with "libc" (instance $libc))
        (with "host" (instance (export "send" (func $send)) (export "set" (func $set))))))
"#;

/// The exported functions: name, parameters after the context, result.
const FUNCTIONS: [(&str, &str, &str); 8] = [
    ("describe", r#"(param "settings" (list (tuple string string)))"#, "$description"),
    ("check", "", "(result (list $finding) (error $fault))"),
    (
        "pull",
        r#"(param "kind" string) (param "cursor" (option string)) (param "overlap-ms" u32)"#,
        "(result $page (error $fault))",
    ),
    (
        "read",
        r#"(param "kind" string) (param "remote-ids" (list string)) (param "certain" bool)"#,
        "(result (list $observed) (error $fault))",
    ),
    ("push", r#"(param "writes" (list $write))"#, "(result (list $outcome) (error $fault))"),
    ("find", r#"(param "kind" string) (param "command-key" string)"#, "(result (option $state) (error $fault))"),
    ("receive", r#"(param "webhook" $webhook)"#, "(result (list $notice) (error $fault))"),
    (
        "project",
        r#"(param "kind" string) (param "records" (list (list $field)))"#,
        "(result (list (list $field)) (error $fault))",
    ),
];

/// The connector's WAT.
pub(crate) fn connector() -> String {
    let mut lifts = String::new();
    let mut exports = String::new();
    for line in TYPES.lines().filter_map(|it| it.trim().strip_prefix("(type $")) {
        let name = line.split(' ').next().unwrap_or_default();
        exports.push_str(&format!(r#"(export "{name}" (type ${name})) "#));
    }
    for (name, parameters, result) in FUNCTIONS {
        let context = if name == "describe" { "" } else { r#"(param "ctx" $context)"# };
        lifts.push_str(&format!(
            r#"(func ${name} {context} {parameters} (result {result}) (canon lift (core func $i "{name}")
                (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
            "#
        ));
        exports.push_str(&format!(r#"(export "{name}" (func ${name})) "#));
    }
    let manifest = with_manifest("connector");
    format!(
        r#"(component {manifest} {IMPORTS} {TYPES} {LIBC} {GUEST} {lifts}
            (instance $out {exports})
            (export "truthsource:connector/connector@1.0.0" (instance $out)))"#
    )
}
