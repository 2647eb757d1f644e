//! WAT for components of our worlds. A guest is a core module with `memory`, `realloc` and the world's functions;
//! this puts the component around it.

/// The types of the pricing interface, by the names that `$price` needs.
const PRICING_TYPES: &str = r#"
    (type $decimal (record (field "mantissa" s64) (field "scale" u8)))
    (type $fault (variant
        (case "denied" string) (case "throttled" (option u32)) (case "unavailable" string)
        (case "protocol" string) (case "invalid" string) (case "unsupported" string) (case "other" string)))
    (type $price-break (record (field "from-quantity" $decimal) (field "unit-price" $decimal)))
    (type $line (record
        (field "item" string) (field "quantity" $decimal) (field "list-price" $decimal)
        (field "breaks" (list $price-break))))
    (type $basket (record
        (field "company" string) (field "currency" string) (field "at-ms" u64) (field "lines" (list $line))))
    (type $priced (record (field "unit-price" $decimal) (field "reason" string)))
"#;

/// What every guest has: memory, a bump allocator without an end, and a place for results at 1024.
const RUNTIME: &str = r#"
    (memory (export "memory") 2)
    (global $top (mut i32) (i32.const 65536))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.set $top (i32.add (local.get $at) (local.get $size)))
        (block $fits
            (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
            (br_if $fits (i32.ne (i32.const -1) (memory.grow
                (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536))))))
            unreachable)
        (local.get $at))
"#;

/// The bytes of a component in WAT.
pub(crate) fn component(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"))
}

/// A custom section with a manifest for `world`.
pub(crate) fn with_manifest(world: &str) -> String {
    format!(r#"(@custom "truthsource:manifest" "name = \"test\"\nversion = \"1\"\nworld = \"{world}\"\n")"#)
}

/// A pricing rule whose core module has `body` beside memory and `realloc`. `body` exports
/// `(func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32))`: company, currency (pointer and length
/// each), moment, lines (pointer and length); the result points at `result<list<priced>, fault>`.
pub(crate) fn pricing(body: &str) -> String {
    let manifest = with_manifest("pricing-rule");
    format!(
        r#"(component
    {manifest}
    {PRICING_TYPES}
    (core module $m {body} {RUNTIME})
    (core instance $i (instantiate $m ))
    (func $price (param "basket" $basket) (result (result (list $priced) (error $fault)))
        (canon lift (core func $i "price") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
    (instance $out
        (export "decimal" (type $decimal)) (export "fault" (type $fault)) (export "price-break" (type $price-break))
        (export "line" (type $line)) (export "basket" (type $basket)) (export "priced" (type $priced))
        (export "price" (func $price)))
    (export "truthsource:pricing-rule/pricing@1.0.0" (instance $out))
)"#
    )
}
