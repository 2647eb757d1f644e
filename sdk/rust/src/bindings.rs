//! The contracts of `wit/`, generated. Nothing is written by hand here, and no other file holds unsafe code.
//!
//! Every world takes the words they share from [`shared`], so that a fault is one type everywhere.

#![allow(unsafe_code, missing_docs, clippy::all)]

/// What every contract speaks: values, faults, and the log.
pub mod shared {
    wit_bindgen::generate!({
        inline: "
            package truthsource:sdk@1.0.0;
            world shared {
                import truthsource:types/records@1.0.0;
                import truthsource:log/logger@1.0.0;
            }
        ",
        path: ["../../wit/types", "../../wit/log"],
        generate_all,
        generate_unused_types: true,
    });
}

macro_rules! world {
    ($module:ident, $world:literal, [$($path:literal),*], {$($with:tt)*}) => {
        pub mod $module {
            wit_bindgen::generate!({
                world: $world,
                path: ["../../wit/types", "../../wit/log", $($path),*],
                with: {
                    "truthsource:types/records@1.0.0": crate::bindings::shared::truthsource::types::records,
                    "truthsource:log/logger@1.0.0": crate::bindings::shared::truthsource::log::logger,
                    $($with)*
                },
                pub_export_macro: true,
                generate_unused_types: true,
            });
        }
    };
}

world!(pricing_rule, "truthsource:pricing-rule/pricing-plugin@1.0.0", ["../../wit/pricing-rule"], {
    "truthsource:pricing-rule/pricing@1.0.0": generate,
});
world!(stock_rule, "truthsource:stock-rule/stock-plugin@1.0.0", ["../../wit/stock-rule"], {
    "truthsource:stock-rule/stock@1.0.0": generate,
});
world!(validator, "truthsource:validator/validator-plugin@1.0.0", ["../../wit/validator"], {
    "truthsource:validator/validator@1.0.0": generate,
});
world!(conflict_policy, "truthsource:conflict-policy/policy-plugin@1.0.0", ["../../wit/conflict-policy"], {
    "truthsource:conflict-policy/policy@1.0.0": generate,
});
world!(mapping, "truthsource:mapping/mapping-plugin@1.0.0", ["../../wit/mapping"], {
    "truthsource:mapping/mapping@1.0.0": generate,
});
world!(
    connector,
    "truthsource:connector/connector-plugin@1.0.0",
    ["../../wit/http", "../../wit/kv", "../../wit/connector"],
    {
        "truthsource:http/client@1.0.0": generate,
        "truthsource:kv/store@1.0.0": generate,
        "truthsource:connector/powers@1.0.0": generate,
        "truthsource:connector/data@1.0.0": generate,
        "truthsource:connector/connector@1.0.0": generate,
    }
);
// What a connector may export besides: a world of its own, so that whoever does not is not asked to.
pub mod subscriptions {
    wit_bindgen::generate!({
        inline: "
            package truthsource:sdk-subscriptions@1.0.0;
            world subscriptions {
                export truthsource:connector/subscriptions@1.0.0;
            }
        ",
        path: ["../../wit/types", "../../wit/log", "../../wit/http", "../../wit/kv", "../../wit/connector"],
        with: {
            "truthsource:types/records@1.0.0": crate::bindings::shared::truthsource::types::records,
            "truthsource:connector/subscriptions@1.0.0": generate,
        },
        pub_export_macro: true,
        generate_unused_types: true,
    });
}
pub mod digests {
    wit_bindgen::generate!({
        inline: "
            package truthsource:sdk-digests@1.0.0;
            world digests {
                export truthsource:connector/digests@1.0.0;
            }
        ",
        path: ["../../wit/types", "../../wit/log", "../../wit/http", "../../wit/kv", "../../wit/connector"],
        with: {
            "truthsource:types/records@1.0.0": crate::bindings::shared::truthsource::types::records,
            "truthsource:connector/digests@1.0.0": generate,
        },
        pub_export_macro: true,
        generate_unused_types: true,
    });
}
